# SPDX-License-Identifier: ISC
"""Rows 128 and 214 of forwarding: who does not read is waited for, and nothing piles up here."""
import contextlib
import hashlib
import os
import socket
import threading
import time

import pytest

import tools
from messages import CHUNKED, Client, chunked, request, response
from scripted_origin import answering
from waiting import until

MIB = 1 << 20
LENGTH = 64 * MIB
BLOCK = os.urandom(MIB // 4)
HASH = hashlib.sha256(BLOCK * (LENGTH // len(BLOCK))).digest()
GROWTH_KIB = 8192  # of 64 MiB: a pipe and a few buffers, several times that under a sanitizer


def narrow(wire, which=socket.SO_RCVBUF):
    """The kernel does not hold what the gateway may not."""
    wire.sock.setsockopt(socket.SOL_SOCKET, which, MIB)


class Pump:
    """Sends the 64 MiB in a thread; `sent` tells how far it got."""

    def __init__(self, wire, wrap=lambda data: data, end=b""):
        self.wire, self.wrap, self.end, self.sent = wire, wrap, end, 0
        narrow(wire, socket.SO_SNDBUF)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):  # the other side has gone: the test says why
            for _ in range(LENGTH // len(BLOCK)):
                self.wire.send(self.wrap(BLOCK))
                self.sent += len(BLOCK)
            self.wire.send(self.end)

    def until_stuck(self):
        """Until nothing has moved for a while."""
        last, since = -1, time.monotonic()

        def still():
            nonlocal last, since
            if self.sent != last:
                last, since = self.sent, time.monotonic()
            return time.monotonic() - since > 0.5

        until(still, "the end of what is taken", pause=0.05)
        assert self.thread.is_alive() and self.sent < LENGTH, "all of it was taken"


def start(hopgate):
    """One worker; what a sanitizer keeps of freed memory and of left stacks is not ours."""
    checker = ":quarantine_size_mb=1:detect_stack_use_after_return=0"
    checker = os.environ.get("ASAN_OPTIONS", "") + checker
    return hopgate("workers 1\n", environment={"ASAN_OPTIONS": checker})


def grown(gateway, before):
    return tools.memory_kib(gateway.gateway_pid()) - before


def warm(gateway, origin):
    """The memory of a gateway that has served somebody."""
    with Client(gateway) as client:
        assert client.ask(request(origin)).status == 200
    return tools.memory_kib(gateway.gateway_pid())


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_row_128_a_download_that_nobody_reads(hopgate, scripted, framing, version):
    pumps = []

    def script(connection):
        while connection.request().target == "/":
            connection.send(response())
        fields = {"length": [f"Content-Length: {LENGTH}"], "chunked": [CHUNKED], "close": []}
        connection.send(response(b"", "200 OK", *fields[framing], length=False))
        if framing == "chunked":
            wrap, end = (lambda data: chunked(data, last=False)), b"0\r\n\r\n"
        else:
            wrap, end = (lambda data: data), b""
        pumps.append(Pump(connection, wrap, end))
        pumps[0].thread.join()
        connection.close()

    origin = scripted(script)
    gateway = start(hopgate)
    before = warm(gateway, origin)
    with Client(gateway) as client:
        narrow(client)
        client.send(request(origin, path="/big", version=version))
        until(lambda: pumps, "the request")
        pumps[0].until_stuck()
        assert grown(gateway, before) < GROWTH_KIB
        got = client.response()
        assert hashlib.sha256(got.body).digest() == HASH
        assert grown(gateway, before) < GROWTH_KIB


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_row_128_an_upload_that_nobody_reads(hopgate, scripted, framing):
    go_on = threading.Event()

    def script(connection):
        narrow(connection)
        while message := connection.head():
            if message.target == "/big":
                connection.wait(go_on)
            connection.send(response(hashlib.sha256(connection.body(message)).digest()))

    origin = scripted(script)
    gateway = start(hopgate)
    before = warm(gateway, origin)
    with Client(gateway) as client:
        if framing == "chunked":
            client.send(request(origin, "POST", "/big", CHUNKED))
            pump = Pump(client, lambda data: chunked(data, last=False), b"0\r\n\r\n")
        else:
            client.send(request(origin, "POST", "/big", f"Content-Length: {LENGTH}"))
            pump = Pump(client)
        pump.until_stuck()
        assert grown(gateway, before) < GROWTH_KIB
        go_on.set()
        assert client.response().body == HASH
        assert grown(gateway, before) < GROWTH_KIB


def test_row_214_requests_whose_answers_nobody_reads(hopgate, scripted):
    """A pipeline without end: at some point the gateway reads no more of it."""
    origin = scripted(answering(response(b"a" * 2000)))
    gateway = start(hopgate)
    before = warm(gateway, origin)
    many = request(origin) * 2000
    with Client(gateway) as client:
        narrow(client)
        pump = Pump(client, lambda data: many * (len(data) // len(many)))
        pump.until_stuck()
        assert grown(gateway, before) < GROWTH_KIB
        for _ in range(100):
            assert client.response().status == 200


def test_one_that_does_not_read_delays_nobody_else(hopgate, scripted):
    origin = scripted(
        answering(lambda m: response(b"x" * LENGTH if m.target == "/big" else b"small"))
    )
    gateway = start(hopgate)
    with Client(gateway) as stuck, Client(gateway) as client:
        stuck.send(request(origin, path="/big"))
        stuck.head()
        worst = 0
        for _ in range(50):
            begin = time.monotonic()
            assert client.ask(request(origin)).body == b"small"
            worst = max(worst, time.monotonic() - begin)
    assert worst < 1


def test_many_clients_at_once(hopgate, scripted):
    """Two hundred, each with its own content; the gateway mixes nothing up."""
    origin = scripted(answering(lambda m: response(m.target.encode() + m.body)))
    gateway = hopgate()
    crowd = [Client(gateway) for _ in range(200)]
    for round_ in range(3):
        for number, client in enumerate(crowd):
            client.send(request(origin, "PUT", f"/{number}.{round_}", body=b"x" * number))
        for number, client in enumerate(crowd):
            assert client.response().body == b"/%d.%d" % (number, round_) + b"x" * number
    for client in crowd:
        client.sock.close()
