# SPDX-License-Identifier: ISC
"""WebSocket, RFC 6455, as much as tests need: frames, an origin that echoes, and a client."""
import base64
import hashlib
import os
import re
import struct

import clients

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def masked(data, key):
    """Exclusive or with the key, again and again."""
    whole = (key * (len(data) // 4 + 1))[: len(data)]
    number = int.from_bytes(data, "little") ^ int.from_bytes(whole, "little")
    return number.to_bytes(len(data), "little")


def frame(kind, data, key=None):
    """The bytes of an unfragmented frame; clients give a key."""
    mask = 0x80 if key else 0
    if len(data) < 126:
        head = struct.pack(">BB", 0x80 | kind, mask | len(data))
    elif len(data) < 65536:
        head = struct.pack(">BBH", 0x80 | kind, mask | 126, len(data))
    else:
        head = struct.pack(">BBQ", 0x80 | kind, mask | 127, len(data))
    return head + key + masked(data, key) if key else head + data


class Reader:
    """Frames out of a socket; `surplus` came before."""

    def __init__(self, sock, surplus=b""):
        self.sock, self.bytes, self.at = sock, bytearray(surplus), 0

    def take(self, length):
        while len(self.bytes) - self.at < length:
            more = self.sock.recv(1 << 18)
            if not more:
                raise EOFError("the connection ended within a frame")
            del self.bytes[: self.at]
            self.at = 0
            self.bytes += more
        self.at += length
        return bytes(self.bytes[self.at - length : self.at])

    def frame(self):
        """(kind, payload, was it masked)"""
        first, second = self.take(2)
        assert first & 0xF0 == 0x80, "a fragment"
        length = second & 0x7F
        if length > 125:
            size, form = (2, ">H") if length == 126 else (8, ">Q")
            (length,) = struct.unpack(form, self.take(size))
        key = self.take(4) if second & 0x80 else None
        data = self.take(length)
        return first & 15, masked(data, key) if key else data, bool(key)


# --- the origin -----------------------------------------------------------------------------------


def origin(first=b"", heads=None):
    """A handler that says `first` in one piece with 101, then echoes until it is closed."""

    def handler(connection):
        head = clients.read_head(connection)
        if heads is not None:
            heads.append(head)
        key = re.search(rb"(?i)\r\nsec-websocket-key: *(\S+)", head)
        if not key or not re.search(rb"(?i)\r\nupgrade: *websocket\r\n", head):
            connection.sendall(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
            return
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key[1]) + b"\r\n\r\n" + first
        )
        echo(connection)

    return handler


def echo(connection):
    reader, kind = Reader(connection), None
    while kind != CLOSE:
        kind, data, was_masked = reader.frame()
        assert was_masked
        connection.sendall(frame(PONG if kind == PING else kind, data))


# --- the client -----------------------------------------------------------------------------------


def upgrade(sock, target, host):
    """Ask for the upgrade; (the answer's head, a reader of what follows)."""
    key = base64.b64encode(os.urandom(16))
    sock.sendall(
        b"GET " + target.encode() + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: " + key + b"\r\n\r\n"
    )
    head = b""
    while b"\r\n\r\n" not in head:
        more = sock.recv(65536)
        assert more, head
        head += more
    head, surplus = head.split(b"\r\n\r\n", 1)
    if head.split()[1] == b"101":
        assert re.search(rb"(?i)\r\nsec-websocket-accept: *(\S+)", head)[1] == accept_key(key)
    return head, Reader(sock, surplus)
