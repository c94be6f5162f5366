# SPDX-License-Identifier: ISC
"""Messages of HTTP/1, written byte by byte and read strictly: for clients and for origins."""
import base64
import socket

import clients

DATE = "Date: Sun, 06 Nov 1994 08:49:37 GMT"
# What a request has no content for, whatever its fields say: RFC 9112, 6.3.
BODILESS = (204, 304)


class Ended(OSError):
    """The connection ended in the middle of a message; what came of it."""


class Message:
    """A message as it came: `raw` its head, `fields` in their order, `body` without framing."""

    def __init__(self, raw):
        self.raw = bytes(raw)
        assert raw.endswith(b"\r\n\r\n"), raw
        lines = raw[:-4].split(b"\r\n")
        for line in lines:
            assert not set(b"\r\n\0") & set(line), f"a control in {raw!r}"
        self.start = lines[0].decode("latin-1")
        self.fields = []
        for line in lines[1:]:
            name, colon, value = line.decode("latin-1").partition(":")
            assert colon and name and name.strip() == name, f"no field: {line!r}"
            self.fields.append((name, value.strip(" \t")))
        self.body, self.chunks, self.trailers = b"", None, []
        self.framing = None  # none, length, chunked or close

    def __repr__(self):
        return f"<{self.raw!r} + {len(self.body)} bytes>"

    def every(self, name):
        """The values of all fields of that name."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        """The only value of that name, or None."""
        values = self.every(name)
        assert len(values) < 2, f"{name} is said {len(values)} times: {self.raw!r}"
        return values[0] if values else None

    def listed(self, name):
        """The elements of a list, in lower case."""
        return [part.strip().lower() for part in ",".join(self.every(name)).split(",") if part]

    # --- of a request -------------------------------------------------------------------

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    # --- of a response ------------------------------------------------------------------

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    @property
    def error(self):
        """The error of RFC 9209 that the proxy gives."""
        for part in (self.get("Proxy-Status") or "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == "error":
                return value
        return None

    @property
    def closes(self):
        return "close" in self.listed("Connection")


class Wire:
    """One end of a connection; `seen` is every byte that came, `at` how far it was understood."""

    def __init__(self, sock):
        self.sock, self.seen, self.at = sock, bytearray(), 0

    # --- bytes ----------------------------------------------------------------------------

    def send(self, *pieces):
        """Each piece in a segment of its own."""
        for piece in pieces:
            self.sock.sendall(piece)

    def more(self):
        data = self.sock.recv(65536)
        self.seen += data
        return len(data)

    def until(self, end):
        """Everything up to and with `end`."""
        start = self.at
        while (found := self.seen.find(end, start)) < 0:
            start = max(self.at, len(self.seen) - len(end) + 1)
            if not self.more():
                raise Ended(bytes(self.seen[self.at :]))
        return self.take(found + len(end) - self.at)

    def take(self, length):
        while len(self.seen) - self.at < length:
            if not self.more():
                raise Ended(bytes(self.seen[self.at :]))
        self.at += length
        return bytes(self.seen[self.at - length : self.at])

    def rest(self):
        """What is left until FIN; a reset raises ConnectionResetError."""
        while self.more():
            pass
        return self.take(len(self.seen) - self.at)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    # --- messages ---------------------------------------------------------------------------

    def head(self):
        return Message(self.until(b"\r\n\r\n"))

    def body_of(self, message, otherwise):
        """Read the content; what tells its end, if no field does, is `otherwise`."""
        length, codings = message.get("Content-Length"), message.get("Transfer-Encoding")
        assert length is None or codings is None, f"framed twice: {message.raw!r}"
        if codings is not None:
            assert codings == "chunked", message.raw
            message.framing, message.chunks = "chunked", []
            self._chunks_of(message)
        elif length is not None:
            assert length.isascii() and length.isdigit() and str(int(length)) == length, length
            message.framing, message.body = "length", self.take(int(length))
        else:
            message.framing = otherwise
            message.body = self.rest() if otherwise == "close" else b""

    def _chunks_of(self, message):
        """RFC 9112, 7.1, as it is sent by who adds nothing to it."""
        pieces = []
        while True:
            line = self.until(b"\r\n")[:-2]
            assert line and not set(line) - set(b"0123456789abcdefABCDEF"), f"no size: {line!r}"
            if (size := int(line, 16)) == 0:
                break
            message.chunks.append(size)
            pieces.append(self.take(size))
            assert self.take(2) == b"\r\n"
        message.body = b"".join(pieces)
        while line := self.until(b"\r\n")[:-2]:
            message.trailers.append(line)


class Client(Wire):
    """A client of the gateway that sends what it is told to and reads strictly."""

    def __init__(self, address):
        super().__init__(clients.connect(getattr(address, "address", lambda: address)()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def response(self, method="GET"):
        """The next response to that method; an interim one too."""
        message = self.head()
        assert message.start.startswith("HTTP/1.1 "), message.start
        if message.status < 200 or message.status in BODILESS:
            assert not message.every("Transfer-Encoding"), "RFC 9112, 6.1"
            message.framing = "none"
        elif method == "HEAD":
            message.framing = "none"
        else:
            self.body_of(message, "close")
        return message

    def ask(self, *pieces, method="GET"):
        """Send, and read the response."""
        self.send(*pieces)
        return self.response(method)

    def ended(self):
        """Nothing more comes than FIN."""
        rest = self.rest()
        assert rest == b"", rest
        return True


# --- written --------------------------------------------------------------------------------


def request(where, method="GET", path="/", *fields, body=None, version="1.1", host=None):
    """In absolute form to an origin, a port of 127.0.0.1, or HOST:PORT; `body` with its length."""
    authority = where if isinstance(where, str) else f"127.0.0.1:{getattr(where, 'port', where)}"
    lines = [f"{method} http://{authority}{path} HTTP/{version}", f"Host: {host or authority}"]
    lines += fields
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def response(body=b"hello", status="200 OK", *fields, length=True, version="1.1"):
    """Of an origin; `length` False: without Content-Length."""
    lines = [f"HTTP/{version} {status}", DATE, *fields]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(*pieces, last=True):
    """Content in these chunks; `last` False: without the one that ends it."""
    parts = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return b"".join(parts) + (b"0\r\n\r\n" if last else b"")


CHUNKED = "Transfer-Encoding: chunked"


def chunked_request(where, *pieces, method="POST", path="/", fields=(), last=True):
    return request(where, method, path, *fields, CHUNKED) + chunked(*pieces, last=last)


def chunked_response(*pieces, fields=(), last=True):
    return response(b"", "200 OK", *fields, CHUNKED, length=False) + chunked(*pieces, last=last)


def basic(user, password, name="Proxy-Authorization"):
    return f"{name}: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
