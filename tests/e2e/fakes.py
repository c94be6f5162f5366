# SPDX-License-Identifier: ISC
"""Hops that follow a script: they do wrong what a hop can do wrong, if the port says so."""
import contextlib
import socket
import struct
import threading

from clients import read_exactly, read_head
from servers import Server, reset

# --- reading requests -------------------------------------------------------------


def _socks4_target(connection):
    head = read_exactly(connection, 7)
    port, address = struct.unpack(">xH4s", head)
    _until_nul(connection)
    if address[:3] == b"\0\0\0" and address[3]:
        return _until_nul(connection).decode(), port
    return socket.inet_ntoa(address), port


def _until_nul(connection):
    text = b""
    while (byte := read_exactly(connection, 1)) != b"\0":
        text += byte
    return text


def _socks5_target(connection):
    kind = read_exactly(connection, 4)[3]
    if kind == 3:
        host = read_exactly(connection, read_exactly(connection, 1)[0]).decode()
    else:
        family, length = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
        host = socket.inet_ntop(family, read_exactly(connection, length))
    return host, struct.unpack(">H", read_exactly(connection, 2))[0]


# --- what each protocol says --------------------------------------------------------

GRANTED = {
    "socks4": b"\0\x5a\0\0\0\0\0\0",
    "socks5": b"\5\0\0\1\x7f\0\0\1\x12\x34",
    "http": b"HTTP/1.1 200 Yes\r\nX-Hop: fake\r\n\r\n",
}


def refusal(protocol, code):
    if protocol == "socks4":
        return bytes([0, code]) + bytes(6)
    if protocol == "socks5":
        return bytes([5, code, 0, 1]) + bytes(6)
    return f"HTTP/1.1 {code} No\r\nContent-Length: 3\r\n\r\nno\n".encode()


class FakeHop(Server):
    """
    A hop that speaks `protocol`, or two of them.  script(port) gives what it does to a request
    for that port:
      relay                   as it should, to the address asked for
      (code, N)               refuse with N
      silent-first | silent   stop before the first answer | before the answer to the request
      garbage                 answer with nonsense
      close-first | close     FIN before the first answer | in the middle of the last one
      reset                   RST instead of an answer
      early                   grant and say b"early" in the same segment, then echo
      trickle                 grant byte by byte, then echo
      name                    grant, then say the host that was asked for
    """

    def __init__(self, script=lambda port: "relay", first=None, password=None, **options):
        self.script, self.first, self.password = script, first, password
        self.targets = []
        super().__init__(self.converse, **options)

    def converse(self, connection):
        if self.first == "silent-first":
            return _wait(connection)
        if self.first == "close-first":
            return None
        if self.first == "garbage-first":
            connection.sendall(b"220 mail.example ESMTP\r\n")
            return _wait(connection)
        protocol, target = self.read_request(connection)
        if protocol is None:
            return None
        self.targets.append(target)
        return self.act(connection, protocol, target)

    def read_request(self, connection):
        first = connection.recv(1)
        if first == b"\4":
            return "socks4", _socks4_target(connection)
        if first == b"\5":
            methods = read_exactly(connection, read_exactly(connection, 1)[0])
            if not self.let_in(connection, methods):
                return None, None
            return "socks5", _socks5_target(connection)
        if not first:
            return None, None
        words = (first + read_head(connection)).split()
        host, port = words[1].decode().rsplit(":", 1)
        return "http", (host.strip("[]"), int(port))

    def let_in(self, connection, methods):
        if self.password is None:
            connection.sendall(b"\5\0")
            return True
        if 2 not in methods:
            connection.sendall(b"\5\xff")
            return False
        connection.sendall(b"\5\2")
        read_exactly(connection, 1)
        user = read_exactly(connection, read_exactly(connection, 1)[0])
        password = read_exactly(connection, read_exactly(connection, 1)[0])
        right = (user + b":" + password).decode() == self.password
        connection.sendall(b"\1\0" if right else b"\1\1")
        return right

    def act(self, connection, protocol, target):
        what = self.script(target[1])
        granted = GRANTED[protocol]
        if isinstance(what, tuple):
            connection.sendall(refusal(protocol, what[1]))
        elif what == "relay":
            relay(connection, target, granted, lambda: refusal(protocol, REFUSED[protocol]))
        elif what == "silent":
            _wait(connection)
        elif what == "garbage":
            connection.sendall(b"\xde\xad\xbe\xef" * 64)
            _wait(connection)
        elif what == "close":
            connection.sendall(granted[:3])
        elif what == "reset":
            reset(connection)
        elif what == "early":
            connection.sendall(granted + b"early")
            _echo(connection)
        elif what == "trickle":
            for byte in granted:
                connection.sendall(bytes([byte]))
                _gap()
            _echo(connection)
        elif what == "name":
            connection.sendall(granted + target[0].encode() + b"\n")
        else:
            raise AssertionError(what)


REFUSED = {"socks4": 91, "socks5": 5, "http": 502}


def _gap():
    threading.Event().wait(0.002)


def _wait(connection):
    while connection.recv(65536):
        pass


def _echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def relay(client, target, granted, refused):
    """Both directions, with their ends passed on."""
    try:
        onward = socket.create_connection(target, timeout=20)
    except OSError:
        client.sendall(refused())
        return
    client.sendall(granted)
    back = threading.Thread(target=_pump, args=(onward, client), daemon=True)
    back.start()
    _pump(client, onward)
    back.join(30)
    onward.close()


def _pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # Reset when it is closed; until then wake up whoever reads from it.
        with contextlib.suppress(OSError):
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sink.shutdown(socket.SHUT_RD)
