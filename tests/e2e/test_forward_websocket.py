# SPDX-License-Identifier: ISC
"""WebSocket through the gateway: by an Upgrade in absolute form, and by CONNECT."""
import hashlib
import random
import threading

import pytest

import clients
import websocket
from websocket import BINARY, CLOSE, PING, PONG, TEXT

WAYS = ("absolute", "connect")
FRAMES = 10000
SIZES = (0, 1, 5, 125, 126, 127, 500, 1500, 4000)


@pytest.fixture(name="opened", params=WAYS)
def opened_by(hopgate, request):
    """opened(origin) is (socket, reader, gateway) of an open WebSocket."""
    sockets = []

    def begin(origin):
        gateway, host = hopgate(), f"127.0.0.1:{origin.port}"
        if request.param == "connect":
            sock = clients.http(gateway.address(), "127.0.0.1", origin.port)
            target = "/chat"
        else:
            sock, target = clients.connect(gateway.address()), f"http://{host}/chat"
        sockets.append(sock)
        head, reader = websocket.upgrade(sock, target, host)
        assert head.split()[1] == b"101", head
        return sock, reader, gateway

    yield begin
    for sock in sockets:
        sock.close()


def finish(sock, reader):
    """The closing handshake, and the end after it."""
    sock.sendall(websocket.frame(CLOSE, b"\x03\xe8bye", b"keys"))
    assert reader.frame() == (CLOSE, b"\x03\xe8bye", False)
    assert sock.recv(1) == b""


def test_frames_both_ways(serve, opened):
    """Many of every size, sent while the answers come back."""
    sock, reader, _ = opened(serve(websocket.origin()))
    draw = random.Random(1)
    frames = [draw.randbytes(draw.choice(SIZES)) for _ in range(FRAMES)]
    frames[FRAMES // 2 :: 1000] = [draw.randbytes(65536 + i) for i in range(5)]

    def send():
        for first in range(0, FRAMES, 50):
            some = frames[first : first + 50]
            sock.sendall(b"".join(websocket.frame(BINARY, x, draw.randbytes(4)) for x in some))

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    for number, data in enumerate(frames):
        assert reader.frame() == (BINARY, data, False), f"frame {number}"
    sender.join()
    finish(sock, reader)


def test_one_frame_at_a_time(serve, opened):
    """Each is answered before the next is sent; one in ten is a ping."""
    sock, reader, gateway = opened(serve(websocket.origin()))
    for number in range(2000):
        kind = PING if number % 10 == 0 else TEXT
        sock.sendall(websocket.frame(kind, b"%d" % number, b"mask"))
        assert reader.frame() == (PONG if kind == PING else TEXT, b"%d" % number, False)
    finish(sock, reader)
    sock.close()
    assert gateway.session()["end"] == "closed"


def test_what_comes_with_the_101(serve, opened):
    """A hundred thousand frames from an origin that speaks at once: none is lost."""
    count, sent = 10 * FRAMES, hashlib.sha256()
    first = b"".join(websocket.frame(TEXT, b"event %d" % n) for n in range(count))
    sent.update(first)
    sock, reader, _ = opened(serve(websocket.origin(first)))
    for number in range(count):
        assert reader.frame() == (TEXT, b"event %d" % number, False)
    finish(sock, reader)


def test_an_upgrade_after_other_requests(hopgate, serve):
    """On a connection that was kept; the answer says which protocol it goes on in."""
    heads = []
    origin, gateway = serve(websocket.origin(heads=heads)), hopgate()
    host = f"127.0.0.1:{origin.port}"
    with clients.connect(gateway.address()) as sock:
        sock.sendall(f"GET http://{host}/plain HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert b" 426 " in clients.read_head(sock)
        head, reader = websocket.upgrade(sock, f"http://{host}/chat", host)
        assert b" 101 " in head and b"upgrade: websocket" in head.lower()
        sock.sendall(websocket.frame(TEXT, b"hello", b"mask"))
        assert reader.frame() == (TEXT, b"hello", False)
        finish(sock, reader)
    assert heads[-1].startswith(b"GET /chat HTTP/1.1\r\n")
    assert gateway.session(status="101")["method"] == "GET"
