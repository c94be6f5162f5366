# SPDX-License-Identifier: ISC
"""Bandwidth of a session, a client and a user: never more, and all arrives in the end."""
import threading
import time

import pytest

import clients
import servers
import tools
from handlers import Handler
from messages import Client, request
from test_access import guarded, password_file

KIB, MIB = 1 << 10, 1 << 20
RATE = 512 * KIB
LENGTH = MIB
LEAST = 0.8 * LENGTH / RATE  # seconds: some may pass at once
MOST = 20  # of a busy machine
PROXIES = {
    "socks4a": ["--proxy", "socks4a://%s"],
    "socks5h": ["--proxy", "socks5h://%s"],
    "connect": ["--proxytunnel", "--proxy", "http://%s"],
    "forwarded": ["--proxy", "http://%s"],
}


class Bulk(Handler):
    """GET gives LENGTH bytes, POST takes what there is; `/chunked` gives them in chunks."""

    def do_GET(self):
        if self.path != "/chunked":
            self.answer(bytes(10 * KIB if self.path == "/little" else LENGTH))
            return
        self.begin_chunks("text/plain")
        for _ in range(LENGTH // 8192):
            self.chunk(bytes(8192))
        self.chunk(b"")

    def do_POST(self):
        self.answer(b"%d" % len(self.content()))


@pytest.fixture(name="site")
def bulk_site():
    site = servers.WebSite(handler=Bulk)
    yield site
    site.close()


def curl(gateway, site, proxy, *words, path="/"):
    """Seconds that it took; it must succeed."""
    options = [word.replace("%s", gateway.hostport) for word in PROXIES[proxy]]
    begin = time.monotonic()
    done = tools.run(
        *("curl", "-sS", "--fail", "--noproxy", "", *options, *words, "-w", "%{size_download}"),
        *("-o", "/dev/null", f"http://127.0.0.1:{site.port}{path}"),
    )
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begin, int(done.stdout)


@pytest.mark.parametrize("limit", ["session", "client"])
@pytest.mark.parametrize("proxy", PROXIES)
def test_download(hopgate, site, proxy, limit):
    tools.need("curl")
    gateway = hopgate(f"limits {{ bandwidth-per-{limit} 512k/s }}\n")
    seconds, size = curl(gateway, site, proxy)
    assert size == LENGTH
    assert LEAST <= seconds < MOST
    row = gateway.session()
    assert int(row["down"]) >= LENGTH and row["end"] in ("ok", "closed")


@pytest.mark.parametrize("proxy", ["socks5h", "forwarded"])
def test_upload(hopgate, site, tmp_path, proxy):
    tools.need("curl")
    (tmp_path / "bulk").write_bytes(bytes(LENGTH))
    gateway = hopgate("limits { bandwidth-per-session 512k/s }\n")
    seconds, _ = curl(gateway, site, proxy, "--data-binary", f"@{tmp_path}/bulk")
    assert LEAST <= seconds < MOST


def test_chunks(hopgate, site):
    tools.need("curl")
    gateway = hopgate("limits { bandwidth-per-session 512k/s }\n")
    seconds, size = curl(gateway, site, "forwarded", path="/chunked")
    assert size == LENGTH
    assert LEAST <= seconds < MOST


def test_many_small_requests(hopgate, scripted):
    """Each fits into one read, and they count all the same."""
    content = bytes(32 * KIB)

    def script(connection):
        while connection.request():
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content))
            connection.send(content)

    origin = scripted(script)
    gateway = hopgate("limits { bandwidth-per-client 512k/s }\n")
    begin = time.monotonic()
    for _ in range(2):
        with Client(gateway.address()) as client:
            for number in range(LENGTH // len(content) // 2):
                client.send(request(origin, "GET", f"/{number}"))
                assert client.response().body == content
    assert LEAST <= time.monotonic() - begin < MOST


def test_off_is_fast(hopgate, site):
    tools.need("curl")
    gateway = hopgate(
        "limits { bandwidth-per-session 512k/s }\n"
        "listen main { address 127.0.0.1:0; limits { bandwidth-per-session off } }\n"
    )
    seconds, size = curl(gateway, site, "forwarded")
    assert size == LENGTH and seconds < LENGTH / RATE


def together(*functions):
    """Run them at the same time; seconds until all have ended."""
    wrong = []

    def run(function):
        try:
            function()
        except BaseException as error:  # pylint: disable=broad-except
            wrong.append(error)

    begin = time.monotonic()
    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong
    return time.monotonic() - begin


def download(gateway, origin, **options):
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port, **options)
    assert len(clients.read_all(tunnel)) == LENGTH // 4
    tunnel.close()


def test_the_sessions_of_a_user_share(hopgate, serve, tmp_path):
    """Wherever they come from; another user has a bandwidth of its own."""
    origin = serve(servers.say(bytes(LENGTH // 4)))
    users = password_file(tmp_path, alice="a", bob="b")
    gateway = hopgate("workers 2\nlimits { bandwidth-per-user 512k/s }\n" + guarded(users))
    alice = {"user": "alice", "password": "a"}

    def from_address(number, **who):
        return lambda: download(gateway, origin, source=(f"127.0.0.{number}", 0), **who)

    seconds = together(*(from_address(number, **alice) for number in (1, 2, 3, 4)))
    assert LEAST <= seconds < MOST
    both = [from_address(1, **alice), from_address(1, user="bob", password="b")]
    assert together(*both) >= LEAST / 4
    assert gateway.session(user="bob")


def test_the_sessions_of_a_client_share(hopgate, serve):
    origin = serve(servers.say(bytes(LENGTH // 4)))
    gateway = hopgate("workers 2\nlimits { bandwidth-per-client 512k/s }\n")
    seconds = together(*[lambda: download(gateway, origin)] * 4)
    assert LEAST <= seconds < MOST


def test_the_slowest_counts(hopgate, serve):
    origin = serve(servers.say(bytes(LENGTH // 4)))
    gateway = hopgate("limits { bandwidth-per-client 10m/s; bandwidth-per-session 128k/s }\n")
    seconds = together(*[lambda: download(gateway, origin)] * 3)
    assert LEAST <= seconds < MOST


def test_a_small_exchange_does_not_wait(hopgate, serve):
    """What a session did not use of its slice is there for the next."""
    origin = serve(servers.echo)
    gateway = hopgate("limits { bandwidth-per-client 20k/s }\n")
    begin = time.monotonic()
    for _ in range(50):
        tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
        assert clients.ask(tunnel, b"x") == b"x"
        tunnel.close()
    assert time.monotonic() - begin < 3  # a slice each would be five seconds


def test_an_idle_time_shorter_than_a_pause(hopgate, serve, site):
    """Who waits for its turn is not idle."""
    tools.need("curl")
    origin = serve(servers.say(bytes(10 * KIB)))
    gateway = hopgate("timeouts { idle 700ms }\nlimits { bandwidth-per-session 2k/s }\n")
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert len(clients.read_all(tunnel)) == 10 * KIB
    _, size = curl(gateway, site, "forwarded", path="/little")
    assert size == 10 * KIB
