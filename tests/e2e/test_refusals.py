# SPDX-License-Identifier: ISC
"""What was refused stays refused, and who is refused does not stay."""
import time

import pytest

import clients
import servers
from fakes import FakeHop
from names import NameServer
from test_access import guarded, login, password_file
from waiting import until

PATIENT = "resolver { servers 127.0.0.1:%d; hosts off; timeout 5s; tries 1 }\n"


@pytest.fixture(name="origin")
def echo_origin(serve):
    return serve(servers.echo)


@pytest.fixture(name="late_name")
def late_name_server():
    server = NameServer({"late.example": ["127.0.0.1"]})
    yield PATIENT % server.port
    server.close()


def refused(gateway, host, port):
    """Ask, and stay after the refusal as a slow client does; the code of the reply."""
    sock = clients.connect(gateway.address())
    clients.socks5_greet(sock)
    sock.sendall(clients.socks5_request(host, port))
    with pytest.raises(clients.Refused) as refusal:
        clients.socks5_reply(sock)
    gateway.session(target=f"{host}:{port}")  # it has waited for us long enough
    sock.close()
    return refusal.value.code


def test_an_address_that_comes_after_the_refusal_is_not_dialled(hopgate, origin, late_name):
    gateway = hopgate(late_name + "timeouts { dial 1s }\n")
    assert refused(gateway, "late.example", origin.port) == 1
    assert [row["end"] for row in gateway.sessions()] == ["name-timeout"]
    assert origin.count == 0


def test_a_route_that_would_have_been_found_later_is_not_taken(hopgate, origin, late_name):
    gateway = hopgate(
        late_name + 'routes { route 127.0.0.0/8 direct; route default reject "no" }\n'
    )
    assert refused(gateway, "late.example", origin.port) == 2
    (row,) = gateway.sessions()
    assert row["end"] == "rejected"
    assert origin.count == 0


def test_the_time_for_dialling_counts_the_look_up(hopgate):
    """One second for all: a name that takes 0.7 s leaves 0.3 s for the hop."""
    server = NameServer({"late.example": ["127.0.0.1"]}, late=0.7)
    silent = FakeHop(first="silent-first")
    gateway = hopgate(
        PATIENT % server.port + "timeouts { dial 1s }\n"
        f"hop slow {{ uri socks5://127.0.0.1:{silent.port}; name-resolution local }}\n"
        "routes { route default via slow }\n"
    )
    with pytest.raises(clients.Refused):
        clients.socks5(gateway.address(), "late.example", 80)
    row = gateway.session(end="hop-timeout")
    assert 900 <= int(row["duration_ms"]) < 1400, row
    server.close()
    silent.close()


def test_no_limit_for_a_login_is_not_no_time(hopgate, origin, tmp_path):
    users = password_file(tmp_path, alice="secret")
    gateway = hopgate(guarded(users) + "timeouts { auth off }\n")
    assert clients.ask(login(gateway, origin, "secret"), b"in") == b"in"


def closed_after(sock):
    """How long until the other end closes."""
    begin = time.monotonic()
    try:
        while sock.recv(1000):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - begin


@pytest.mark.parametrize("first", [b"", b"\5", b"\4\1\0", b"CONNECT "])
def test_who_is_one_too_many_is_not_waited_for(hopgate, origin, first):
    """Else the limit would be none: each connection could be held for the handshake's time."""
    gateway = hopgate("limits { sessions-per-client 1 }\n")
    held = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    sock = clients.connect(gateway.address())
    sock.sendall(first)
    assert closed_after(sock) < 5
    sock.close()
    assert until(gateway.sessions, "a line")[0]["end"] == "limit"
    assert clients.ask(held, b"x") == b"x"


def test_who_is_denied_and_goes_silently_is_logged_as_denied(hopgate):
    gateway = hopgate("listen main { address 127.0.0.1:0; allow 192.0.2.0/24 }\n")
    clients.connect(gateway.address()).close()
    row = until(gateway.sessions, "a line")[0]
    assert row["end"] == "client-denied"
