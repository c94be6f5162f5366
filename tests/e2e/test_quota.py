# SPDX-License-Identifier: ISC
"""A user's bytes of a day or month: over all protocols, listeners and restarts."""
import os
import signal
import time

import pytest

import clients
import servers
from messages import Client, request
from test_access import password_file
from waiting import until

KIB, MIB = 1 << 10, 1 << 20
RECORD = 40
ALICE = {"user": "alice", "password": "a"}
BOB = {"user": "bob", "password": "b"}


@pytest.fixture(name="text")
def configuration(tmp_path):
    """alice has a quota of a month, by her set; others one of a day."""
    users = password_file(tmp_path, alice="a", bob="b")
    os.chmod(tmp_path, 0o755)
    return (
        f"quota-file {tmp_path}/quota\n"
        "limits { quota-per-user 10m/day }\n"
        "users ops { alice; limits { quota 1m/month } }\n"
        f"auth staff {{ password-file {users} }}\n"
        "listen main { address 127.0.0.1:0; auth staff }\n"
        "listen other { address 127.0.0.1:0; auth staff }\n"
    )


def download(gateway, origin, user, dial=clients.socks5, listener="main"):
    """How much came, and whether it ended as it should."""
    tunnel = dial(gateway.address(listener), "127.0.0.1", origin.port, **user)
    data = b""
    try:
        while more := tunnel.recv(65536):
            data += more
        return len(data), True
    except ConnectionResetError:
        return len(data), False
    finally:
        tunnel.close()


def refused(gateway, origin, user, protocol, listener="main"):
    with pytest.raises(clients.Refused) as refusal:
        clients.PROTOCOLS[protocol](gateway.address(listener), "127.0.0.1", origin.port, **user)
    return refusal.value.code


def test_used_up(hopgate, serve, text):
    """In the middle of a session, then for every protocol and listener; not for others."""
    origin = serve(servers.say(bytes(700 * KIB)))
    gateway = hopgate(text)
    assert download(gateway, origin, ALICE) == (700 * KIB, True)
    size, whole = download(gateway, origin, ALICE, clients.http, "other")
    assert not whole and size <= MIB - 700 * KIB
    row = gateway.session(end="quota")
    assert row["user"] == "alice" and row["listener"] == "other"
    assert int(row["down"]) == MIB - 700 * KIB, row
    for listener in ("main", "other"):
        assert refused(gateway, origin, ALICE, "socks5", listener) == 2
        assert refused(gateway, origin, ALICE, "http", listener) == 403
    assert origin.count == 2
    for _ in range(2):
        assert download(gateway, origin, BOB) == (700 * KIB, True)


def test_forwarded_requests(hopgate, scripted, text):
    """Heads count, too; a client that is known already is told no."""
    big = bytes(600 * KIB)

    def script(connection):
        while connection.request():
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(big) + big)

    origin = scripted(script)
    gateway = hopgate(text)
    login = "Proxy-Authorization: Basic YWxpY2U6YQ=="
    with Client(gateway.address()) as client:
        client.send(request(origin, "GET", "/1", login))
        assert client.response().body == big
    with Client(gateway.address()) as client:
        client.send(request(origin, "GET", "/2", login))
        with pytest.raises(Exception):
            client.response()
    assert gateway.session(end="quota")["status"] == "200"
    with Client(gateway.address()) as client:
        client.send(request(origin, "GET", "/3", login))
        assert client.response().status == 403
    assert len(origin.requests) == 2


def test_uploads_count(hopgate, serve, text):
    origin = serve(servers.silent)
    gateway = hopgate(text)
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port, **ALICE)
    with pytest.raises(OSError):
        for _ in range(100):
            tunnel.sendall(bytes(64 * KIB))
            time.sleep(0)
        tunnel.recv(1)
    tunnel.close()
    assert int(gateway.session(end="quota")["up"]) == MIB
    assert refused(gateway, origin, ALICE, "socks5") == 2


def written(path, least):
    until(lambda: os.path.getsize(path) >= least, "the quota file")


def test_kept_across_restarts(hopgate, serve, text, tmp_path):
    """Of the gateway process by a crash, and of hopgate; and a cut of the file."""
    origin = serve(servers.say(bytes(700 * KIB)))
    path = tmp_path / "quota"
    gateway = hopgate(text)
    assert download(gateway, origin, ALICE)[1]
    written(path, RECORD)
    old = gateway.gateway_pid()
    os.kill(old, signal.SIGKILL)
    gateway.wait_log("serves again")
    assert not download(gateway, origin, ALICE)[1]
    assert refused(gateway, origin, ALICE, "http") == 403
    gateway.stop()
    # Half a record is what a power cut leaves.
    with open(path, "ab") as file:
        file.write(bytes(17))
    again = hopgate(text)
    assert refused(again, origin, ALICE, "http") == 403
    assert download(again, origin, BOB) == (700 * KIB, True)
    again.stop()
    assert path.stat().st_size % RECORD == 0
    assert path.stat().st_mode & 0o777 == 0o600
    # Without the last record it is as it was before.
    os.truncate(path, path.stat().st_size - 1)
    third = hopgate(text)
    assert refused(third, origin, ALICE, "http") == 403
    assert download(third, origin, BOB) == (700 * KIB, True)


def test_two_with_one_file(hopgate, text):
    hopgate(text)
    with pytest.raises(AssertionError, match="another hopgate uses it"):
        hopgate(text)


def test_a_file_that_cannot_be(hopgate, text, tmp_path):
    with pytest.raises(AssertionError, match="No such file"):
        hopgate(text.replace("/quota", "/none/quota"))
    (tmp_path / "quota").mkdir()
    with pytest.raises(AssertionError, match="quota file .*: Is a directory"):
        hopgate(text)


def test_bandwidth_of_a_set(hopgate, serve, text):
    origin = serve(servers.say(bytes(200 * KIB)))
    gateway = hopgate(text.replace("quota 1m/month", "bandwidth 100k/s"))
    begin = time.monotonic()
    assert download(gateway, origin, BOB)[1]
    assert time.monotonic() - begin < 1.5
    begin = time.monotonic()
    assert download(gateway, origin, ALICE)[1]
    assert time.monotonic() - begin >= 1.6
