# SPDX-License-Identifier: ISC
"""Who a client's own machine says it is, by every protocol, in a network with identds."""
import socket
import time

import pytest

import clients
import servers
import spaces
from messages import request
from test_identity import admitted, every_protocol, refused, say_hello
from waiting import PATIENCE, until

HERE, HOST = "198.51.100.1", "198.51.100.2"  # the gateway and its client, in one namespace
HERE6, HOST6 = "2001:db8::1", "2001:db8::2"


class Identd:
    """Says that every connection is of `user`; None says that it will not tell."""

    def __init__(self, host, user):
        self.user, self.questions, self.peers = user, [], []
        self.server = servers.Server(self._answer, host=host, port=113)

    def close(self):
        """The port is free at once: the thread that accepts is woken up."""
        self.server.socket.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def _answer(self, connection):
        line = b""
        while not line.endswith(b"\n"):
            line += connection.recv(100)
        self.peers.append(connection.getpeername()[0])
        self.questions.append(line)
        ports = line.decode().strip()
        if self.user is ...:
            connection.recv(1)  # until the other one has had enough
        elif self.user is None:
            connection.sendall(f"{ports} : ERROR : HIDDEN-USER\r\n".encode())
        else:
            connection.sendall(f"{ports} : USERID : UNIX : {self.user}\r\n".encode())


@pytest.fixture(name="town", scope="module")
def one_network():
    """A namespace with addresses for a gateway, clients and an identd."""
    with spaces.Space() as space:
        space.ip("link set lo up")
        for address in (f"{HERE}/32", f"{HOST}/32", "198.51.100.3/32"):
            space.ip(f"address add {address} dev lo")
        for address in (HERE6, HOST6):
            space.ip(f"address add {address}/128 dev lo nodad")
        yield space


@pytest.fixture(name="identd")
def start_identd(town):
    started = []

    def begin(user, host=HOST):
        with town.inside():
            started.append(Identd(host, user))
        return started[-1]

    yield begin
    for one in started:
        one.close()


@pytest.fixture(name="asking")
def start_asking(town, hopgate):
    """A gateway that asks, and an origin's port; clients come from HOST."""
    with town.inside():
        origin = servers.Server(say_hello, host=HERE)

    def begin(conf="required on", auth="who", more=""):
        gateway = hopgate(
            f"auth who {{ ident; {conf} }}\n{more}\n"
            f"timeouts {{ auth 500ms }}\n"
            f"listen main {{ address {HERE}:0 [{HERE6}]:0; auth {auth} }}\n"
            f"access {{ pass {HERE}; pass any }}\n",  # its own address is a door otherwise
            prefix=town.prefix,
        )
        return gateway, origin.port

    yield begin
    origin.close()


FROM_HOST = {"host": HERE, "source": (HOST, 0)}


@every_protocol
def test_ident(town, identd, asking, protocol):
    """Rows 112, 113 and 118: in the order and from the address that the client knows."""
    daemon = identd("alice")
    gateway, port = asking()
    claim = {"user": "alice"} if protocol.startswith("socks4") else {}
    with town.inside():
        admitted(gateway, protocol, port, "alice", **FROM_HOST, **claim)
    assert daemon.peers == [HERE]
    theirs, ours = daemon.questions[0].decode().strip().split(" , ")
    assert int(ours) == gateway.port
    row = gateway.session(user="alice")
    assert row["client"] == f"{HOST}:{theirs}"


@pytest.mark.parametrize("daemon", ["none", "error", "silent", "liar"])
@every_protocol
def test_ident_names_nobody(town, identd, asking, protocol, daemon):
    """Row 4: no answer refuses, with 92 in SOCKS4."""
    if daemon != "none":
        identd({"error": None, "silent": ..., "liar": "al\1ice"}[daemon])
    gateway, port = asking()
    begin = time.monotonic()
    with town.inside():
        refused(gateway, protocol, port, "ident-failed", codes=(92, "method", 403), **FROM_HOST)
    assert time.monotonic() - begin < PATIENCE / 2


@pytest.mark.parametrize("protocol", ["socks4", "socks4a"])
@pytest.mark.parametrize("claim", ["mallory", "", "alic", "alicea"])
def test_another_user_id_than_ident(town, identd, asking, protocol, claim):
    """Row 4: 93."""
    identd("alice")
    gateway, port = asking()
    with town.inside():
        refused(gateway, protocol, port, "ident-mismatch", codes=(93,), user=claim, **FROM_HOST)


@every_protocol
def test_ident_not_required(town, identd, asking, protocol):
    gateway, port = asking(conf="required off", auth="who none")
    with town.inside():
        admitted(gateway, protocol, port, "-", **FROM_HOST)
        identd("alice")
        claim = {"user": "alice"} if protocol.startswith("socks4") else {}
        admitted(gateway, protocol, port, "alice", **FROM_HOST, **claim)


def test_ident_by_ipv6(town, identd, asking):
    daemon = identd("alice", host=HOST6)
    gateway, port = asking()
    address = [a for a in gateway.addresses() if ":" in a[0]][0]
    with town.inside():
        source = (HOST6, 0)
        admitted(gateway, "socks5", port, "alice", host=HERE, address=address, source=source)
    assert daemon.peers == [HERE6]


def test_ident_is_asked_once_a_connection(town, identd, asking):
    daemon = identd("alice")
    gateway, port = asking()
    with town.inside():
        sock = clients.connect(gateway.address(), (HOST, 0))
        for _ in range(3):
            sock.sendall(request(f"{HERE}:{port}"))
            assert b" 200 " in clients.read_head(sock)
            clients.read_exactly(sock, 2)
        sock.close()
    assert len(daemon.questions) == 1
    until(lambda: len(gateway.sessions()) == 3, "a line for each request")
    assert [row["user"] for row in gateway.sessions()] == ["alice"] * 3


def test_a_silent_identd_holds_up_nobody(town, identd, asking):
    identd(...)
    gateway, port = asking(more="workers 1")
    with town.inside():
        waiting = clients.connect(gateway.address(), (HOST, 0))
        waiting.sendall(b"\5\1\0")
        identd("bob", host="198.51.100.3")
        options = {"host": HERE, "source": ("198.51.100.3", 0)}
        begin = time.monotonic()
        admitted(gateway, "socks5", port, "bob", **options)
        assert time.monotonic() - begin < 0.4
        assert clients.read_all(waiting) == b"\5\xff"


def test_who_leaves_while_identd_thinks(town, identd, asking):
    daemon = identd(...)
    gateway, _ = asking()
    with town.inside():
        sock = clients.connect(gateway.address(), (HOST, 0))
        sock.sendall(b"\5\1\0")
        until(lambda: daemon.questions, "a question")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
    assert gateway.session(end="client-gone")
