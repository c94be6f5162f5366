# SPDX-License-Identifier: ISC
"""Chromium on a site with everything, by an HTTP proxy; the site is known to the proxy alone."""
import os

import pytest

import servers
import shop
import tools
import websocket
from waiting import until

QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--disable-crash-reporter", "--remote-debugging-port=0"),
)


@pytest.fixture(name="chromium")
def start_chromium(tmp_path):
    """chromium(gateway, url) opens a page."""
    program, running = tools.need("chromium"), []

    def begin(gateway, url):
        proxy = (f"--proxy-server=http://{gateway.hostport}", "--proxy-bypass-list=<-loopback>")
        profile = f"--user-data-dir={tmp_path}/profile"
        log = tmp_path / "chromium.log"
        running.append(tools.start(program, *QUIET, profile, *proxy, url, log=log))

    yield begin
    for process in running:
        tools.end(process)
        until(lambda: not alive(process.pid), "the end of what it started")


def alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.browser
def test_chromium_by_an_http_proxy(hopgate, serve, chromium, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 shop.example chat.example\n")
    gateway = hopgate(f"resolver {{ servers 127.0.0.1:9; hosts {hosts} }}\n")
    chat = serve(websocket.origin())
    branch = shop.shop(f"chat.example:{chat.port}")
    site = servers.WebSite(handler=branch)
    try:
        chromium(gateway, f"http://shop.example:{site.port}/")
        result = branch.results.get(timeout=100)
    finally:
        site.close()
    assert result == shop.right("shop.example", site.port)
    assert all(via for _, _, via in branch.asked)
    gateway.session(command="http", target=f"shop.example:{site.port}", status="304")
    gateway.session(command="connect", target=f"chat.example:{chat.port}")
