# SPDX-License-Identifier: ISC
"""A browser that nobody looks at loads a page with a dozen resources."""
import pytest

import servers
import tools


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["socks5", "socks4"])
def test_chromium(hopgate, tmp_path, scheme):
    program = tools.need("chromium")
    site, gateway = servers.WebSite(), hopgate()
    done = tools.run(
        program,
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--disable-dev-shm-usage", "--disable-crash-reporter", "--virtual-time-budget=10000"),
        f"--user-data-dir={tmp_path}/profile",
        f"--proxy-server={scheme}://{gateway.hostport}",
        "--proxy-bypass-list=<-loopback>",
        "--dump-dom",
        f"http://127.0.0.1:{site.port}/",
        timeout=100,
    )
    site.close()
    assert f"parts {servers.RESOURCES}" in done.stdout, done.stderr[-2000:]
    assert {f"/part{i}.js" for i in range(servers.RESOURCES)} <= set(site.seen)
    gateway.stop()
    rows = [row for row in gateway.sessions() if row["target"] == f"127.0.0.1:{site.port}"]
    assert rows, "the page did not come through the gateway"
    assert sum(int(row["down"]) for row in rows) > servers.RESOURCES * 20000
