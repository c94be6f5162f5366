# SPDX-License-Identifier: ISC
"""More clients than there is room for."""
import contextlib
import resource
import time

import pytest

import clients
import hopgate as program
import servers
from waiting import until


@pytest.fixture(name="origin")
def echo_origin(serve):
    return serve(servers.echo)


def few_descriptors(number):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))

    return limit


def test_five_hundred_clients_and_64_descriptors(hopgate, origin):
    gateway = hopgate("workers 2\n", preexec_fn=few_descriptors(64))
    crowd = []
    for _ in range(500):
        sock = clients.connect(gateway.address())
        sock.setblocking(False)
        crowd.append(sock)
    time.sleep(0.5)
    begin, used = time.monotonic(), gateway.cpu_seconds()
    time.sleep(3)
    share = (gateway.cpu_seconds() - used) / (time.monotonic() - begin)
    assert share < 0.05, f"{share:.0%} of a CPU while there are no descriptors"
    for sock in crowd:
        sock.close()
    begin = time.monotonic()
    until(lambda: served(gateway, origin), "service", seconds=5)
    assert time.monotonic() - begin < 1
    gateway.stop()


def served(gateway, origin):
    try:
        with clients.socks5(gateway.address(), "127.0.0.1", origin.port) as tunnel:
            tunnel.settimeout(1)
            return clients.ask(tunnel, b"x") == b"x"
    except (clients.Refused, OSError):
        return False


def test_the_budget_is_told(hopgate):
    gateway = hopgate("workers 1\n", preexec_fn=few_descriptors(1024))
    assert "1024 descriptors" in gateway.wait_log("sessions at once")


def test_limit_of_sessions_per_client(hopgate, origin):
    gateway = hopgate("workers 2\nlimits { sessions-per-client 5 }\n")
    held = [clients.socks5(gateway.address(), "127.0.0.1", origin.port) for _ in range(5)]
    for protocol, code in (("socks5", 1), ("socks4", 91), ("socks4a", 91), ("http", 503)):
        with pytest.raises(clients.Refused) as refused:
            clients.PROTOCOLS[protocol](gateway.address(), "127.0.0.1", origin.port)
        assert refused.value.code == code, protocol
    held.pop().close()
    until(lambda: served(gateway, origin), "room for one more")
    assert gateway.session(end="limit")


def test_limit_of_sessions_waits(hopgate, origin):
    gateway = hopgate("workers 1\nlimits { sessions 3 }\n")
    held = [clients.socks5(gateway.address(), "127.0.0.1", origin.port) for _ in range(3)]
    waiting = clients.connect(gateway.address())
    waiting.sendall(b"\5\1\0")
    waiting.settimeout(0.5)
    with pytest.raises(TimeoutError):
        waiting.recv(2)
    held.pop().close()
    waiting.settimeout(10)
    assert clients.read_exactly(waiting, 2) == b"\5\0"


def test_handshakes_have_a_deadline(hopgate):
    gateway = hopgate("timeouts { handshake 1s }\n")
    slow = []
    for first in (b"", b"\5", b"\5\1\0", b"\4\1", b"CONNECT a:1 HTT"):
        sock = clients.connect(gateway.address())
        sock.sendall(first)
        slow.append(sock)
    begin = time.monotonic()
    for sock in slow:
        sock.settimeout(10)
        while sock.recv(1000):
            pass
    assert 0.5 < time.monotonic() - begin < 6
    until(lambda: len(gateway.sessions()) == len(slow), "a line for each")
    assert {row["end"] for row in gateway.sessions()} == {"handshake-timeout"}


def test_the_deadline_is_not_moved_by_bytes(hopgate):
    gateway = hopgate("timeouts { handshake 1s }\n")
    sock = clients.connect(gateway.address())
    begin = time.monotonic()
    with pytest.raises((ConnectionError, clients.Refused)):
        for byte in b"CONNECT " + b"a" * 1000:
            sock.sendall(bytes([byte]))
            time.sleep(0.05)
            if time.monotonic() - begin > 10:
                raise AssertionError("still there")
    assert time.monotonic() - begin < 5


def test_an_idle_gateway_uses_no_cpu(hopgate, origin):
    gateway = hopgate()
    tunnels = [clients.socks5(gateway.address(), "127.0.0.1", origin.port) for _ in range(50)]
    time.sleep(0.5)
    used = gateway.cpu_seconds()
    time.sleep(2)
    assert gateway.cpu_seconds() - used < 0.1
    del tunnels


def refusals(gateway, origin, attempts):
    """How many of so many attempts, one after the other, are refused."""
    count = 0
    for _ in range(attempts):
        try:
            clients.socks5(gateway.address(), "127.0.0.1", origin.port).close()
        except (clients.Refused, ConnectionError):
            count += 1
    return count


def test_limit_of_new_connections(hopgate, origin):
    gateway = hopgate("limits { rate-per-client 3/s }\n")
    assert 4 <= refusals(gateway, origin, 10) <= 7
    until(lambda: refusals(gateway, origin, 1) == 0, "another second")


def test_limit_of_handshakes(hopgate, origin):
    gateway = hopgate("limits { handshakes-per-client 4 }\n")
    halfway = [clients.connect(gateway.address()) for _ in range(4)]
    for sock in halfway:
        clients.socks5_greet(sock)  # and no request; now it is counted
    assert refusals(gateway, origin, 1) == 1
    halfway.pop().close()
    until(lambda: refusals(gateway, origin, 1) == 0, "room for one")


def test_limit_of_sessions_per_user(hopgate, origin, tmp_path):
    path = tmp_path / "users"
    for user in ("alice", "bob"):
        program.command("passwd", path, user, input="secret\n")
    gateway = hopgate(
        f"auth staff {{ password-file {path} }}\nlimits {{ sessions-per-user 2 }}\n"
        "listen main { address 127.0.0.1:0; auth staff }\n"
    )

    def tunnel(user):
        options = {"user": user, "password": "secret"}
        return clients.socks5(gateway.address(), "127.0.0.1", origin.port, **options)

    held = [tunnel("alice"), tunnel("alice"), tunnel("bob")]
    with pytest.raises(clients.Refused):
        tunnel("alice")
    assert gateway.session(end="limit")["user"] == "alice"
    tunnel("bob").close()
    del held


@pytest.mark.parametrize(
    "limits,code",
    [
        ("sessions-per-client 1", 1),
        ("sessions-per-user 1", "password"),  # the login is what is refused
        ("handshakes-per-client 1", 1),
        ("rate-per-client 1/h", 1),
        ("quota-per-user 1/day", 2),
    ],
)
def test_a_limit_says_no_at_once(hopgate, origin, tmp_path, limits, code):
    """Within 10 ms, when the machine has nothing else to do."""
    path = tmp_path / "users"
    program.command("passwd", path, "alice", input="secret\n")
    gateway = hopgate(
        f"auth staff {{ password-file {path} }}\nlimits {{ {limits} }}\n"
        f"quota-file {tmp_path}/quota\n"
        "listen main { address 127.0.0.1:0; auth staff none }\n"
    )
    login = {"user": "alice", "password": "secret"} if "user" in limits else {}
    if "handshakes" in limits:
        first = clients.connect(gateway.address())
        clients.socks5_greet(first)
    else:
        first = clients.socks5(gateway.address(), "127.0.0.1", origin.port, **login)
    if "quota" in limits:
        with contextlib.suppress(ConnectionError):
            clients.ask(first, b"xx")
    fastest = 1
    for _ in range(20):
        begin = time.monotonic()
        with pytest.raises(clients.Refused) as refused:
            clients.socks5(gateway.address(), "127.0.0.1", origin.port, **login)
        fastest = min(fastest, time.monotonic() - begin)
        assert refused.value.code == code
    assert fastest < 0.01, fastest
    first.close()
