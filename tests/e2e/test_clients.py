# SPDX-License-Identifier: ISC
"""Programs that people use, through the gateway."""
import hashlib
import http.server
import os
import socket

import pytest

import clients
import servers
import tools


@pytest.fixture(name="site")
def web_site():
    site = servers.WebSite()
    yield site
    site.close()


CURL = {
    "socks4": ("socks4", "127.0.0.1", "socks4"),
    "socks4a": ("socks4a", "localhost", "socks4"),
    "socks5": ("socks5", "127.0.0.1", "socks5"),
    "socks5h": ("socks5h", "localhost", "socks5"),
    "connect": ("http", "localhost", "http"),
}


@pytest.mark.parametrize("kind", CURL)
def test_curl(hopgate, site, kind):
    scheme, host, protocol = CURL[kind]
    gateway = hopgate()
    words = ["-sS", "--proxytunnel"] if kind == "connect" else ["-sS"]
    done = tools.run(
        *(tools.need("curl"), *words, "--noproxy", "", "--proxy", f"{scheme}://{gateway.hostport}"),
        f"http://{host}:{site.port}/hello",
    )
    assert done.stdout == "hello from inside\n", done.stderr
    row = gateway.session(command="connect", target=f"{host}:{site.port}")
    assert row["protocol"] in (protocol, kind)
    assert row["route"] == "direct"


def test_curl_downloads_64_mib_unharmed(hopgate, serve):
    block = os.urandom(1 << 20)

    def download(connection):
        clients.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(64):
            connection.sendall(block)

    origin, gateway = serve(download), hopgate()
    curl = tools.need("curl")
    proxy = f"socks5h://{gateway.hostport}"
    script = f"{curl} -sS --noproxy '' -x {proxy} http://127.0.0.1:{origin.port}/ | sha256sum"
    done = tools.run("sh", "-c", script)
    assert done.stdout.split()[0] == hashlib.sha256(block * 64).hexdigest(), done.stderr
    assert int(gateway.session(protocol="socks5")["down"]) >= 64 << 20


def test_curl_over_ipv6(hopgate, serve):
    def answer(connection):
        clients.read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nsix")

    origin = serve(answer, host="::1")
    gateway = hopgate("listen main { address [::1]:0 }\n")
    done = tools.run(
        *(tools.need("curl"), "-sS", "--noproxy", "", "-x", f"socks5h://{gateway.hostport}"),
        f"http://[::1]:{origin.port}/",
    )
    assert done.stdout == "six", done.stderr


@pytest.mark.parametrize("kind", ["SOCKS4", "SOCKS5", "HTTP"])
def test_pysocks(hopgate, serve, kind):
    socks = pytest.importorskip("socks")
    origin, gateway = serve(servers.echo), hopgate()
    protocol = getattr(socks, kind)
    sock = socks.create_connection(
        ("127.0.0.1", origin.port), 20, None, protocol, "127.0.0.1", gateway.port
    )
    with sock:
        sock.sendall(b"x" * 100000)
        sock.shutdown(socket.SHUT_WR)
        assert clients.read_all(sock) == b"x" * 100000


@pytest.mark.parametrize("kind", ["socks4", "socks5", "http"])
def test_proxychains(hopgate, site, tmp_path, kind):
    program, gateway = tools.need("proxychains4", "curl"), hopgate()
    conf = tmp_path / "proxychains.conf"
    conf.write_text(f"strict_chain\nquiet_mode\n[ProxyList]\n{kind} 127.0.0.1 {gateway.port}\n")
    url = f"http://127.0.0.1:{site.port}/hello"
    done = tools.run(program, "-q", "-f", conf, "curl", "-sS", "--noproxy", "*", url)
    assert done.stdout == "hello from inside\n", done.stderr
    gateway.session(target=f"127.0.0.1:{site.port}")


def git_site(tmp_path):
    """A repository that any web server can serve."""
    work, bare = tmp_path / "work", tmp_path / "site" / "repository.git"
    script = f"""
        set -e
        git init -q {work}; cd {work}
        head -c 3000000 /dev/urandom >data; git add data
        git -c user.name=a -c user.email=a@example commit -q -m one
        git clone -q --bare . {bare}; cd {bare}; git update-server-info
        """
    done = tools.run("sh", "-c", script)
    assert done.returncode == 0, done.stderr

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path / "site"))

        def log_message(self, *_):
            pass

    return servers.WebSite(handler=Files)


def test_git_clone(hopgate, tmp_path):
    git = tools.need("git")
    site, gateway = git_site(tmp_path), hopgate()
    proxy = f"http.proxy=socks5h://{gateway.hostport}"
    url = f"http://localhost:{site.port}/repository.git"
    done = tools.run(git, "-c", proxy, "clone", "-q", url, tmp_path / "clone")
    site.close()
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "clone/data").read_bytes() == (tmp_path / "work/data").read_bytes()


@pytest.mark.parametrize("kind", ["socks4", "socks5", "http"])
def test_ncat(hopgate, serve, kind):
    origin, gateway = serve(servers.echo), hopgate()
    done = tools.run(
        *(tools.need("ncat"), "--proxy", gateway.hostport, "--proxy-type", kind),
        *("127.0.0.1", origin.port),
        input="through " * 1000,
    )
    assert done.stdout == "through " * 1000, done.stderr


@pytest.mark.parametrize("kind", ["SOCKS4", "SOCKS4A", "PROXY"])
def test_socat(hopgate, serve, kind):
    origin, gateway = serve(servers.answer_after_end()), hopgate()
    option = "proxyport" if kind == "PROXY" else "socksport"
    address = f"{kind}:127.0.0.1:127.0.0.1:{origin.port},{option}={gateway.port}"
    done = tools.run(tools.need("socat"), "-t", "20", "-", address, input="x" * 5000)
    assert done.stdout == "5000 answer", done.stderr


def test_ssh_with_a_proxy_command(hopgate, serve):
    """What is said by the server first must arrive."""
    origin, gateway = serve(servers.say(b"SSH-2.0-test\r\n")), hopgate()
    ncat = tools.need("ncat", "ssh")
    done = tools.run(
        *("ssh", "-F", "none", "-v", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"),
        *("-o", f"ProxyCommand={ncat} --proxy {gateway.hostport} --proxy-type socks5 %h %p"),
        *("-p", origin.port, "nobody@127.0.0.1", "true"),
    )
    assert "SSH-2.0-test" in done.stderr or "version test" in done.stderr, done.stderr
