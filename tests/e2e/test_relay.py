# SPDX-License-Identifier: ISC
"""Rows 120 to 135: bytes, ends and resets are passed on as they were, direct and through hops."""
import contextlib
import hashlib
import os
import socket
import struct
import threading
import time

import pytest

import clients
import servers
import tools
from fakes import FakeHop
from names import NameServer
from waiting import until

MIB = 1 << 20
WAYS = ("direct", "one-hop", "three-hops")


def start(hopgate, way):
    """A gateway whose way leads through that many others."""
    count = {"direct": 0, "one-hop": 1, "three-hops": 3, "five": 4}[way]
    hops = [f"socks5://{hopgate().hostport}" for _ in range(count)]
    return hopgate(f"routes {{ route default via {' '.join(hops)} }}" if hops else "")


def tunnel_to(gateway, origin, **options):
    return clients.socks5(gateway.address(), "127.0.0.1", origin.port, **options)


def send(sock, length, digest=None):
    block = os.urandom(64 * 1024)
    for _ in range(length // len(block)):
        sock.sendall(block)
        if digest:
            digest.update(block)


@pytest.mark.parametrize("way", WAYS)
def test_row_120_the_answer_flows_after_the_clients_end(hopgate, serve, way):
    def handler(connection):
        digest = hashlib.sha256(clients.read_all(connection)).digest()
        connection.sendall(digest + b"a" * MIB)

    tunnel = tunnel_to(start(hopgate, way), serve(handler))
    sent = hashlib.sha256()
    send(tunnel, 4 * MIB, sent)
    tunnel.shutdown(socket.SHUT_WR)
    answer = clients.read_all(tunnel)
    assert answer[:32] == sent.digest()
    assert answer[32:] == b"a" * MIB


@pytest.mark.parametrize("way", WAYS)
def test_row_120_upload_then_end_with_a_slow_answer(hopgate, serve, way):
    def handler(connection):
        total = len(clients.read_all(connection))
        time.sleep(1.5)
        connection.sendall(b"%d" % total)

    tunnel = tunnel_to(start(hopgate, way), serve(handler))
    send(tunnel, MIB)
    tunnel.shutdown(socket.SHUT_WR)
    assert clients.read_all(tunnel) == b"%d" % MIB


@pytest.mark.parametrize("way", WAYS)
def test_row_121_the_client_goes_on_after_the_targets_end(hopgate, serve, way):
    got = []

    def handler(connection):
        connection.sendall(b"that was all")
        connection.shutdown(socket.SHUT_WR)
        got.append(len(clients.read_all(connection)))

    tunnel = tunnel_to(start(hopgate, way), serve(handler))
    assert clients.read_all(tunnel) == b"that was all"
    send(tunnel, 2 * MIB)
    tunnel.shutdown(socket.SHUT_WR)
    assert until(lambda: got, "the end at the target") == [2 * MIB]


def test_row_122_both_ends_close_everything(hopgate, serve):
    origin, gateway = serve(servers.echo), hopgate()
    tunnel = tunnel_to(gateway, origin)
    assert clients.ask(tunnel, b"x") == b"x"
    tunnel.shutdown(socket.SHUT_WR)
    assert clients.read_all(tunnel) == b""
    origin.until_idle()
    assert gateway.session(protocol="socks5")["end"] == "closed"


@pytest.mark.parametrize("way", WAYS)
def test_row_123_a_reset_of_the_target_reaches_the_client(hopgate, serve, way):
    def handler(connection):
        clients.read_exactly(connection, 1)
        connection.sendall(b"d" * 100000)
        until_sent(connection)
        servers.reset(connection)

    gateway = start(hopgate, way)
    tunnel = tunnel_to(gateway, serve(handler))
    tunnel.sendall(b"x")
    time.sleep(0.3)  # the reset is there before the client reads
    assert clients.read_exactly(tunnel, 100000) == b"d" * 100000
    with pytest.raises(ConnectionResetError):
        clients.read_all(tunnel)
    assert gateway.session(protocol="socks5")["end"] == "target-reset"


def until_sent(connection):
    """Nothing of ours is waiting in the kernel: a reset would throw it away."""
    siocoutq = 0x5411

    def empty():
        import fcntl

        return struct.unpack("i", fcntl.ioctl(connection, siocoutq, b"\0\0\0\0"))[0] == 0

    until(empty, "an empty send queue")


@pytest.mark.parametrize("way", WAYS)
def test_row_124_a_reset_of_the_client_reaches_the_target(hopgate, serve, way):
    got = []
    gateway = start(hopgate, way)
    tunnel = tunnel_to(gateway, serve(servers.keep(got)))
    tunnel.sendall(b"half of an upload")
    until(lambda: got, "the upload")
    servers.reset(tunnel)
    until(lambda: len(got) > 1, "the end")
    assert isinstance(got[-1], ConnectionResetError), got
    assert gateway.session(protocol="socks5")["end"] == "client-reset"


def test_row_126_five_of_ourselves(hopgate, serve):
    def handler(connection):
        digest = hashlib.sha256(clients.read_all(connection)).digest()
        connection.sendall(digest + b"b" * MIB)

    tunnel = tunnel_to(start(hopgate, "five"), serve(handler))
    sent = hashlib.sha256()
    send(tunnel, 8 * MIB, sent)
    tunnel.shutdown(socket.SHUT_WR)
    answer = clients.read_all(tunnel)
    assert answer[:32] == sent.digest() and answer[32:] == b"b" * MIB


@pytest.mark.parametrize("way", ["direct", "one-hop"])
def test_row_127_an_urgent_byte_stays_in_its_place(hopgate, serve, way):
    got = []

    def handler(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        got.append(clients.read_all(connection))

    tunnel = tunnel_to(start(hopgate, way), serve(handler))
    tunnel.sendall(b"ab")
    tunnel.send(b"!", socket.MSG_OOB)
    tunnel.sendall(b"cd")
    tunnel.shutdown(socket.SHUT_WR)
    assert until(lambda: got, "the bytes") == [b"ab!cd"]


def test_row_127_an_urgent_byte_in_the_middle_of_bulk(hopgate, serve):
    """The relay has gone over to splicing when the mark comes."""
    got = []

    def handler(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        got.append(clients.read_all(connection))

    tunnel = tunnel_to(hopgate(), serve(handler))
    tunnel.sendall(b"x" * (8 * MIB))
    tunnel.send(b"!", socket.MSG_OOB)
    tunnel.sendall(b"y" * (8 * MIB))
    tunnel.shutdown(socket.SHUT_WR)
    until(lambda: got, "the bytes")
    assert got[0] == b"x" * (8 * MIB) + b"!" + b"y" * (8 * MIB)


def test_row_128_stalled_readers_cost_little(hopgate, serve):
    """The source is stopped, not the memory filled."""
    pushed = []

    def push(connection):
        total = 0
        block = b"z" * 65536
        connection.settimeout(2)
        with contextlib.suppress(OSError):
            while total < 256 * MIB:
                total += connection.send(block)
        pushed.append(total)
        connection.settimeout(30)
        clients.read_all(connection)

    gateway, origin = hopgate(), serve(push)
    pairs = 40
    before = tools.memory_kib(gateway.gateway_pid())
    tunnels = [tunnel_to(gateway, origin) for _ in range(pairs)]
    until(lambda: len(pushed) == pairs, "the stall of every origin", seconds=60)
    grown = tools.memory_kib(gateway.gateway_pid()) - before
    assert max(pushed) < 64 * MIB, "the window never closed"
    assert grown < pairs * 600, f"{grown} KiB for {pairs} stalled tunnels"
    assert clients.read_exactly(tunnels[0], 10 * 65536) == b"z" * (10 * 65536)
    for tunnel in tunnels:
        tunnel.close()
    fresh = tunnel_to(gateway, serve(servers.echo))
    assert clients.ask(fresh, b"others go on") == b"others go on"


def test_row_129_a_half_closed_tunnel_ends_in_time(hopgate, serve):
    gateway = hopgate("timeouts { half-close 1s }\n")
    tunnel = tunnel_to(gateway, serve(servers.say(b"bye")))
    assert clients.read_all(tunnel) == b"bye"
    assert gateway.session(protocol="socks5")["end"] == "half-close-timeout"
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        tunnel.send(b"too late")


def test_row_129_one_busy_direction_keeps_the_other_alive(hopgate, serve):
    gateway = hopgate("timeouts { idle 1s }\n")

    def drip(connection):
        for _ in range(8):
            connection.sendall(b".")
            time.sleep(0.3)
        connection.sendall(clients.read_exactly(connection, 5))

    tunnel = tunnel_to(gateway, serve(drip))
    assert clients.read_exactly(tunnel, 8) == b"." * 8
    assert clients.ask(tunnel, b"alive") == b"alive"


def test_row_130_an_idle_tunnel_ends_with_a_reset(hopgate, serve):
    gateway = hopgate("timeouts { idle 1s }\n")
    got = []
    tunnel = tunnel_to(gateway, serve(servers.keep(got)))
    tunnel.settimeout(15)
    with pytest.raises(ConnectionResetError):
        tunnel.recv(1)
    until(lambda: got, "the end at the target")
    assert isinstance(got[0], ConnectionResetError)
    assert gateway.session(protocol="socks5")["end"] == "idle-timeout"


def test_row_131_keep_alive_on_both_legs(hopgate, serve):
    ss = tools.need("ss")
    gateway = hopgate()
    origin = serve(servers.silent)
    tunnel = tunnel_to(gateway, origin)
    for spot in (f"sport = :{gateway.port}", f"dport = :{origin.port}"):
        command = (ss, "-Htno", "state", "established", spot)
        until(lambda: "keepalive" in tools.run(*command).stdout, f"keep-alive on {spot}")
    tunnel.close()


@pytest.mark.parametrize("way", ["direct", "one-hop"])
def test_row_132_small_messages_do_not_wait(hopgate, serve, way):
    tunnel = tunnel_to(start(hopgate, way), serve(servers.echo))
    clients.ask(tunnel, b"x")
    times = []
    for _ in range(50):
        begin = time.monotonic()
        for byte in (b"1", b"2"):  # two small writes: Nagle would hold the second for 40 ms
            tunnel.sendall(byte)
        clients.read_exactly(tunnel, 2)
        times.append(time.monotonic() - begin)
    assert sorted(times)[25] < 0.02


@pytest.mark.parametrize("way", WAYS)
def test_row_133_data_and_error_at_once(hopgate, serve, way):
    """Everything that was said before the reset arrives."""

    def handler(connection):
        clients.read_exactly(connection, 1)
        connection.sendall(b"last words" * 10)
        until_sent(connection)
        servers.reset(connection)

    tunnel = tunnel_to(start(hopgate, way), serve(handler))
    tunnel.sendall(b"?")
    assert clients.read_exactly(tunnel, 100) == b"last words" * 10


def test_row_133_an_origin_that_speaks_and_resets_at_once(hopgate, serve):
    """The connection was there, however short: nobody refused it."""

    def handler(connection):
        connection.sendall(b"busy, come back later")
        until_sent(connection)
        servers.reset(connection)

    gateway, origin = hopgate(), serve(handler)
    for _ in range(100):
        tunnel = tunnel_to(gateway, origin)
        assert clients.read_exactly(tunnel, 21) == b"busy, come back later"
        tunnel.close()


@pytest.mark.parametrize("protocol", clients.PROTOCOLS)
@pytest.mark.parametrize("way", WAYS)
def test_row_134_early_data_arrives_once_and_in_order(hopgate, serve, way, protocol):
    origin = serve(servers.echo)
    dial = clients.PROTOCOLS[protocol]
    early = bytes(range(256)) * 30
    tunnel = dial(start(hopgate, way).address(), "127.0.0.1", origin.port, early=early)
    assert clients.read_exactly(tunnel, len(early)) == early
    tunnel.shutdown(socket.SHUT_WR)
    assert clients.read_all(tunnel) == b""
    assert origin.count == 1


def test_row_134_early_data_and_end_before_the_target_answers(hopgate, serve):
    origin = serve(servers.answer_after_end())
    gateway = hopgate()
    sock = clients.connect(gateway.address())
    sock.sendall(clients.http_request("127.0.0.1", origin.port) + b"all of it")
    sock.shutdown(socket.SHUT_WR)
    assert clients.read_all(sock).endswith(b"\r\n\r\n9 answer")


@pytest.mark.parametrize("how", ["reset", "end"])
def test_row_135_a_client_gone_during_dial_cancels_it(hopgate, serve, how):
    fake = FakeHop(first="silent-first")
    gateway = hopgate(f"routes {{ route default via socks5://127.0.0.1:{fake.port} }}\n")
    sock = clients.connect(gateway.address())
    clients.socks5_greet(sock)
    sock.sendall(clients.socks5_request("127.0.0.1", 80))
    fake.until_connections(1)
    if how == "reset":
        servers.reset(sock)
    else:
        sock.shutdown(socket.SHUT_WR)
    fake.until_idle()
    assert gateway.session(protocol="socks5")["end"] == "client-gone"
    fake.close()


@pytest.mark.parametrize("how", ["reset", "close"])
def test_row_135_a_client_gone_during_look_up_cancels_it(hopgate, serve, how):
    """The target's address comes when nobody wants it any more."""
    origin, server = serve(servers.echo), NameServer({"late.example": ["127.0.0.1"]}, late=3)
    gateway = hopgate(
        f"resolver {{ servers 127.0.0.1:{server.port}; hosts off; timeout 9s; tries 1 }}\n"
    )
    sock = clients.connect(gateway.address())
    clients.socks5_greet(sock)
    sock.sendall(clients.socks5_request("late.example", origin.port))
    until(lambda: server.asked("late.example"), "the question")
    begin = time.monotonic()
    if how == "reset":
        servers.reset(sock)
    else:
        sock.close()
    assert gateway.session(seconds=2.5, protocol="socks5")["end"] == "client-gone"
    time.sleep(begin + 3.5 - time.monotonic())  # the answer is there
    assert origin.count == 0
    server.close()


def test_row_135_a_client_gone_during_its_login_cancels_it(hopgate, serve, tmp_path):
    """The verdict on its password comes when nobody waits for it."""
    origin, users = serve(servers.echo), tmp_path / "users"
    users.write_text("alice:$2b$13$c92SVSfjeiCD6F2nAD6y0upBuw1Mk9cXElfJQTuMAgG8Rjw7Q4ZSW\n")
    users.chmod(0o600)
    gateway = hopgate(
        f"auth staff {{ password-file {users} }}\n"
        "listen main { address 127.0.0.1:0; auth staff }\n"
    )
    sock = clients.connect(gateway.address())
    sock.sendall(clients.http_request("127.0.0.1", origin.port, "alice", "slowly checked"))
    time.sleep(0.1)
    servers.reset(sock)
    gateway.session(end="client-gone")
    with pytest.raises(clients.Refused):  # and the next one is served
        clients.http(gateway.address(), "127.0.0.1", origin.port)
    assert origin.count == 0


def test_row_135_an_end_after_early_data_is_no_cancel(hopgate, serve):
    release = threading.Event()
    origin = serve(servers.answer_after_end(b"late"))

    class Slow(FakeHop):
        def read_request(self, connection):
            request = super().read_request(connection)
            release.wait(10)
            return request

    slow = Slow()
    gateway = hopgate(f"routes {{ route default via socks5://127.0.0.1:{slow.port} }}\n")
    sock = clients.connect(gateway.address())
    clients.socks5_greet(sock)
    sock.sendall(clients.socks5_request("127.0.0.1", origin.port) + b"upload")
    sock.shutdown(socket.SHUT_WR)
    time.sleep(0.3)
    release.set()
    clients.socks5_reply(sock)
    assert clients.read_all(sock) == b"6 late"
    slow.close()
