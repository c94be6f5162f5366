# SPDX-License-Identifier: ISC
"""Who guesses passwords: waits, is locked out, holds up nobody else, and leaves a line each."""
import configparser
import os
import re
import time

import pytest

import clients
import servers
from test_access import guarded, login, password_file
from waiting import until

FILTER = os.path.join(os.path.dirname(__file__), "../../packaging/examples/fail2ban-filter.conf")
WRONG = b"\5\1\2\1\5alice\5wrong"  # method, user and password at once
ANSWER = b"\5\2\1\1"
FAILED = "failed login from"


@pytest.fixture(name="origin")
def echo_origin(serve):
    return serve(servers.echo)


@pytest.fixture(name="start")
def start_with_a_limit(hopgate, tmp_path):
    users = password_file(tmp_path, alice="secret")

    def begin(most, more=""):
        return hopgate(f"limits {{ auth-failures-per-client {most} }}\n{more}" + guarded(users))

    return begin


def failures(gateway, count):
    """So many lines, once there are at least as many."""
    gateway.wait_log(FAILED, count=count)
    lines = [line for line in list(gateway.stderr) if FAILED in line]
    assert len(lines) == count, lines
    return lines


def wrong(gateway, source=None):
    """Seconds until the answer."""
    begin = time.monotonic()
    with clients.connect(gateway.address(), source) as sock:
        sock.sendall(WRONG)
        assert clients.read_all(sock) == ANSWER
    return time.monotonic() - begin


def test_answers_are_put_off_until_there_is_a_lock(start, origin):
    gateway = start("4/h")
    times = [wrong(gateway) for _ in range(4)]
    assert [least <= t for least, t in zip((0.1, 0.2, 0.4, 0.8), times)] == [True] * 4, times
    gateway.wait_log("are refused for 3600 seconds: 4 have failed")
    # The same answer, to whom knows the password too, and nobody is asked.
    for _ in range(3):
        wrong(gateway)
    with pytest.raises(clients.Refused) as refused:
        login(gateway, origin, "secret")
    assert refused.value.code == "password"
    with pytest.raises(clients.Refused) as refused:
        clients.http(gateway.address(), "127.0.0.1", origin.port, user="alice", password="secret")
    assert refused.value.code == 407
    failures(gateway, 4)
    # It is for that address alone.
    options = {"user": "alice", "password": "secret", "source": ("127.0.0.2", 0)}
    clients.socks5(gateway.address(), "127.0.0.1", origin.port, **options).close()
    origin.until_connections(1)


def test_a_lock_comes_to_its_end(start, origin):
    gateway = start("1/s")
    wrong(gateway)
    with pytest.raises(clients.Refused):
        login(gateway, origin, "secret")

    def let_in():
        try:
            login(gateway, origin, "secret").close()
            return True
        except clients.Refused:
            return False

    until(let_in, "the end of the lock")


def test_success_clears(start, origin):
    gateway = start("3/h")
    for _ in range(2):
        wrong(gateway)
        wrong(gateway)
        login(gateway, origin, "secret").close()
    assert wrong(gateway) >= 0.1


def test_off(start, origin):
    gateway = start("off")
    for _ in range(12):
        wrong(gateway)
    login(gateway, origin, "secret").close()
    failures(gateway, 12)


def test_who_does_not_wait_for_the_answer_has_failed(start, origin):
    gateway = start("3/h", "workers 1\n")
    for _ in range(3):
        with clients.connect(gateway.address()) as sock:
            sock.sendall(WRONG)
            assert clients.read_exactly(sock, 2) == ANSWER[:2]
    with pytest.raises(clients.Refused):
        login(gateway, origin, "secret")


def test_a_login_waits_for_its_turn(start, origin):
    """More at once than may fail: all of them right, all of them let in."""
    gateway = start("2/h", "workers 2\n")
    waiting = []
    for _ in range(20):
        sock = clients.connect(gateway.address())
        request = clients.socks5_request("127.0.0.1", origin.port)
        sock.sendall(b"\5\1\2\1\5alice\6secret" + request)
        waiting.append(sock)
    for sock in waiting:
        assert clients.read_exactly(sock, 6)[:5] == b"\5\2\1\0\5"
        sock.close()


def test_a_flood_of_guesses(start, origin):
    """Few are checked, all are answered, and tunnels go on."""
    gateway = start("5/h", "workers 1\n")
    tunnel = login(gateway, origin, "secret")
    flood = []
    worst = 0
    for _ in range(300):
        sock = clients.connect(gateway.address())
        sock.sendall(WRONG)
        flood.append(sock)
        begin = time.monotonic()
        assert clients.ask(tunnel, b"x") == b"x"
        worst = max(worst, time.monotonic() - begin)
    for sock in flood:
        assert clients.read_all(sock) == ANSWER
        sock.close()
    failures(gateway, 5)
    assert worst < 0.5, worst


def test_the_filter_for_fail2ban(start, hopgate, tmp_path):
    gateway = start("9/h", "log stderr notice\n")
    name = b'x" on main, user "y\xff 1.2.3.4:5 on main, user "'
    message = b"\5\1\2\1" + bytes([len(name)]) + name + b"\1x"
    assert clients.exchange(gateway.address(), message) == ANSWER
    (line,) = failures(gateway, 1)
    reader = configparser.RawConfigParser()
    assert reader.read(FILTER)
    pattern = reader["Definition"]["failregex"]
    match = re.search(pattern.replace("<ADDR>", r"(?P<address>[0-9a-f.:]+)"), line)
    assert match and match["address"] == "127.0.0.1", line
    (tmp_path / "six").mkdir()
    users = password_file(tmp_path / "six", alice="secret")
    six = hopgate(guarded(users).replace("127.0.0.1:0", "[::1]:0"))
    assert clients.exchange(six.address(), WRONG) == ANSWER
    (line,) = failures(six, 1)
    match = re.search(pattern.replace("<ADDR>", r"(?P<address>[0-9a-f.:]+)"), line)
    assert match and match["address"] == "::1", line
