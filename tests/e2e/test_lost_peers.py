# SPDX-License-Identifier: ISC
"""
Conformance 131: a machine that goes without a word is noticed in the configured time, and the
other side learns that this was no end.  Client, gateway and target are networks of their own.
"""
import contextlib
import time

import pytest

import clients
import servers
import spaces
import tools
from waiting import until

SECONDS = 3  # the keep-alive of most tests: probed in the last one
SLACK = 4  # for a machine that has much else to do
DEAF_AND_DUMB = """
    table inet gone {
        chain input { type filter hook input priority -300; policy drop; }
        chain output { type filter hook output priority -300; policy drop; }
    }
    """


@pytest.fixture(name="machines")
def three_machines():
    tools.need_root("network namespaces are made here")
    tools.need("nft", "nsenter")
    with contextlib.ExitStack() as stack:
        client, gateway, target = (stack.enter_context(spaces.Space()) for _ in range(3))
        for one in (client, gateway, target):
            one.ip("link set lo up")
        gateway.cable(client, ["10.5.0.1/24"], ["10.5.0.2/24"])
        gateway.cable(target, ["10.6.0.1/24"], ["10.6.0.2/24"])
        yield client, gateway, target


@pytest.fixture(name="connect")
def tunnel(hopgate, serve, machines):
    """connect(handler, text) is (gateway, origin, client's socket): a tunnel with an origin."""
    client, middle, target = machines
    with contextlib.ExitStack() as stack:

        def begin(handler, text=f"socket {{ keepalive {SECONDS}s }}\n", dial=clients.socks5):
            with target.inside():
                origin = serve(handler, host="10.6.0.2")
            gateway = hopgate(
                "listen main { address 10.5.0.1:0; allow 10.5.0.0/24 }\n" + text,
                prefix=middle.prefix,
            )
            with client.inside():
                sock = dial(gateway.address(), "10.6.0.2", origin.port)
            stack.callback(sock.close)
            origin.until_connections(1)
            return gateway, origin, sock

        yield begin


def until_end(gateway, end, seconds):
    """The session ends so in that time; its row."""
    begun = time.monotonic()
    row = gateway.session(seconds=seconds + SLACK, listener="main")
    assert row["end"] == end and row["target"].startswith("10.6.0.2:"), row
    assert time.monotonic() - begun < seconds + SLACK
    return row


def until_reset(sock):
    with pytest.raises(ConnectionResetError):
        clients.read_all(sock)


# --- nothing moves --------------------------------------------------------------


def test_row_131_a_client_is_lost_from_an_idle_tunnel(connect, machines):
    heard = []
    gateway, _, sock = connect(servers.keep(heard))
    sock.sendall(b"here")
    until(lambda: heard, "the first bytes")
    machines[0].nft(DEAF_AND_DUMB)
    row = until_end(gateway, "client-lost", SECONDS)
    assert row["up"] == "4" and int(row["duration_ms"]) >= 1000 * (SECONDS - 1)
    until(lambda: len(heard) == 2, "the end")
    assert isinstance(heard[1], ConnectionResetError), "no clean end"


def test_row_131_a_target_is_lost_from_an_idle_tunnel(connect, machines):
    gateway, _, sock = connect(servers.echo)
    assert clients.ask(sock, b"here") == b"here"
    machines[2].nft(DEAF_AND_DUMB)
    until_end(gateway, "target-lost", SECONDS)
    until_reset(sock)


def test_row_131_a_machine_whose_cable_is_cut(connect, machines):
    """Then it is the own kernel that says so: no route to host."""
    gateway, _, sock = connect(servers.echo)
    assert clients.ask(sock, b"here") == b"here"
    machines[2].ip(f"link set v{machines[1].pid} down")
    until_end(gateway, "target-lost", SECONDS)
    until_reset(sock)


def test_row_131_a_hop_is_lost(hopgate, connect, machines):
    """A hop has its own time, whatever the listener says."""
    _, _, far = machines
    hop = hopgate("listen main { address 10.6.0.2:0; allow 10.6.0.0/24 }\n", prefix=far.prefix)
    gateway, _, sock = connect(
        servers.echo,
        "socket { keepalive off }\n"
        f"hop far {{ uri socks5://{hop.hostport}; socket {{ keepalive {SECONDS}s }} }}\n"
        "route default via far\n",
    )
    assert clients.ask(sock, b"here") == b"here"
    far.nft(DEAF_AND_DUMB)
    row = until_end(gateway, "target-lost", SECONDS)
    assert row["hops"] == "far"
    until_reset(sock)


# --- something waits ------------------------------------------------------------


def test_row_131_a_client_is_lost_in_mid_answer(connect, machines):
    gateway, origin, _ = connect(servers.silent)
    machines[0].nft(DEAF_AND_DUMB)
    (connection,) = origin.open
    connection.sendall(b"answer")
    until_end(gateway, "client-lost", 1.5 * SECONDS)
    until(lambda: origin.errors, "the end")
    assert isinstance(origin.errors[0], ConnectionResetError)


def test_row_131_a_target_is_lost_in_mid_upload(connect, machines):
    gateway, _, sock = connect(servers.silent)
    machines[2].nft(DEAF_AND_DUMB)
    sock.settimeout(1)
    with contextlib.suppress(TimeoutError):
        for _ in range(1000):  # more than fits anywhere on the way
            sock.sendall(bytes(100000))
    sock.settimeout(2 * SECONDS)
    until_end(gateway, "target-lost", 1.5 * SECONDS)
    until_reset(sock)


def test_row_131_who_does_not_read_is_not_lost(connect):
    """A paused download: there is somebody, with a window of zero."""
    answer = bytes(range(256)) * 64 * 1024  # 16 MiB, several times what fits on the way
    gateway, _, sock = connect(servers.say(answer), "socket { keepalive 2s }\n")
    time.sleep(3 * 2)
    assert gateway.sessions() == []
    sock.sendall(b"still here")
    assert clients.read_all(sock) == answer
    sock.close()
    until_end(gateway, "closed", SLACK)


# --- the same with requests that are forwarded ------------------------------------


def post(address, host, port):
    """The first half of a request."""
    sock = clients.connect(address)
    sock.sendall(f"POST http://{host}:{port}/ HTTP/1.1\r\nHost: x\r\n".encode())
    sock.sendall(b"Content-Length: 20\r\n\r\nfirst half")
    return sock


def test_row_131_a_client_is_lost_in_mid_response(connect, machines):
    gateway, origin, _ = connect(servers.silent, dial=post)
    machines[0].nft(DEAF_AND_DUMB)
    (connection,) = origin.open
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nfirst half")
    until_end(gateway, "client-lost", 1.5 * SECONDS)
    origin.until_idle()


def test_row_131_an_origin_is_lost_in_mid_request(connect, machines):
    gateway, _, sock = connect(servers.silent, dial=post)
    machines[2].nft(DEAF_AND_DUMB)
    sock.sendall(b"the rest..")
    sock.settimeout(2 * SECONDS + SLACK)
    assert clients.read_head(sock).startswith(b"HTTP/1.1 502 ")
    until_end(gateway, "origin-closed", SLACK)
