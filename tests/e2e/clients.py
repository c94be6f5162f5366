# SPDX-License-Identifier: ISC
"""Clients of the four protocols, byte by byte: what a real client sends, and what tests send."""
import base64
import ipaddress
import socket
import struct

from waiting import PATIENCE


class Refused(Exception):
    """The proxy said no: `code` as its protocol has it, `reply` all that it said."""

    def __init__(self, code, reply):
        super().__init__(f"{code}: {reply!r}")
        self.code, self.reply = code, reply


def connect(address, source=None):
    """To (host, port) or to the path of a unix socket."""
    if isinstance(address, str):
        path = "\0" + address[1:] if address.startswith("@") else address
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(PATIENCE)
        sock.connect(path)
        return sock
    sock = socket.create_connection(address, timeout=PATIENCE, source_address=source)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_exactly(sock, length):
    data = b""
    while len(data) < length:
        more = sock.recv(length - len(data))
        if not more:
            raise Refused("closed", data)
        data += more
    return data


def read_all(sock):
    """Everything until FIN; a reset raises ConnectionResetError."""
    data = b""
    while more := sock.recv(65536):
        data += more
    return data


def read_head(sock):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(sock, 1)
    return head


def exchange(address, *pieces, end=False):
    """Send the pieces and return everything that comes back until FIN."""
    with connect(address) as sock:
        for piece in pieces:
            sock.sendall(piece)
        if end:
            sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


# --- requests as bytes ----------------------------------------------------------


def literal(host):
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def socks4_request(host, port, user=b"", command=1):
    """SOCKS4 for an IPv4 literal, else SOCKS4a."""
    address = literal(host)
    head = struct.pack(">BBH", 4, command, port)
    if address and address.version == 4:
        return head + address.packed + user + b"\0"
    return head + b"\0\0\0\1" + user + b"\0" + host.encode() + b"\0"


def socks5_request(host, port, command=1):
    address = literal(host)
    if address is None:
        where = b"\3" + bytes([len(host)]) + host.encode()
    else:
        where = (b"\1" if address.version == 4 else b"\4") + address.packed
    return struct.pack(">BBB", 5, command, 0) + where + struct.pack(">H", port)


def http_request(host, port, user=None, password=None):
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
    if user is not None:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        head += f"Proxy-Authorization: Basic {token}\r\n"
    return head.encode() + b"\r\n"


# --- tunnels ----------------------------------------------------------------------


def _tunnel(negotiate):
    """A connected socket on which negotiate() has succeeded; it is closed if that fails."""

    def dial(address, host, port, source=None, **options):
        sock = connect(address, source)
        try:
            negotiate(sock, host, port, **options)
        except BaseException:
            sock.close()
            raise
        return sock

    return dial


def _socks4_reply(sock):
    reply = read_exactly(sock, 8)
    assert reply[0] == 0, reply
    if reply[1] != 90:
        raise Refused(reply[1], reply)


@_tunnel
def socks4(sock, host, port, user=None, password=None, early=b""):
    """By SOCKS4, or SOCKS4a for a name."""
    del password
    sock.sendall(socks4_request(host, port, (user or "").encode()) + early)
    _socks4_reply(sock)


@_tunnel
def socks4a(sock, host, port, user=None, password=None, early=b""):
    """By SOCKS4a: literals travel as text too."""
    del password
    head = struct.pack(">BBH", 4, 1, port) + b"\0\0\0\1" + (user or "").encode() + b"\0"
    sock.sendall(head + host.encode() + b"\0" + early)
    _socks4_reply(sock)


def socks5_greet(sock, user=None, password=None):
    """Method negotiation and, if the server wants it, the password."""
    sock.sendall(b"\5\1\0" if user is None else b"\5\2\0\2")
    reply = read_exactly(sock, 2)
    assert reply[0] == 5, reply
    if reply[1] == 0xFF:
        raise Refused("method", reply)
    if reply[1] == 2:
        name, secret = user.encode(), password.encode()
        sock.sendall(bytes([1, len(name)]) + name + bytes([len(secret)]) + secret)
        reply = read_exactly(sock, 2)
        assert reply[0] == 1, reply
        if reply[1]:
            raise Refused("password", reply)


def socks5_reply(sock):
    """Read a reply; (bound host, bound port), or Refused."""
    head = read_exactly(sock, 4)
    assert head[0] == 5 and head[2] == 0, head
    if head[3] == 3:
        length = read_exactly(sock, 1)[0]
    else:
        length = {1: 4, 4: 16}[head[3]]
    bound = read_exactly(sock, length)
    port = struct.unpack(">H", read_exactly(sock, 2))[0]
    if head[1]:
        raise Refused(head[1], head + bound)
    return str(ipaddress.ip_address(bound)) if head[3] != 3 else bound.decode(), port


@_tunnel
def socks5(sock, host, port, user=None, password=None, early=b""):
    """By SOCKS5."""
    socks5_greet(sock, user, password)
    sock.sendall(socks5_request(host, port) + early)
    socks5_reply(sock)


@_tunnel
def http(sock, host, port, user=None, password=None, early=b""):
    """By HTTP CONNECT."""
    sock.sendall(http_request(host, port, user, password) + early)
    head = read_head(sock)
    status = int(head.split()[1])
    if status != 200:
        raise Refused(status, head + read_all(sock))


PROTOCOLS = {"socks4": socks4, "socks4a": socks4a, "socks5": socks5, "http": http}


def ask(sock, data, length=None):
    """Send and read as many bytes back."""
    sock.sendall(data)
    return read_exactly(sock, len(data) if length is None else length)
