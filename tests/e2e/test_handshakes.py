# SPDX-License-Identifier: ISC
"""Rows 1 to 60 and 227 to 244 as they look on the wire; the unit tests have every cut."""
import socket
import struct
import time

import pytest

import clients
import servers


@pytest.fixture(name="origin")
def echo_origin(serve):
    return serve(servers.echo)


def trickle(address, data, gap=0.002):
    sock = clients.connect(address)
    for byte in data:
        sock.sendall(bytes([byte]))
        time.sleep(gap)
    return sock


def ipv4(port, address="127.0.0.1"):
    return socket.inet_aton(address) + struct.pack(">H", port)


# --- SOCKS4 ---------------------------------------------------------------------------


def test_row_001_a_granted_request_begins_with_zero(hopgate, origin):
    sock = clients.connect(hopgate().address())
    sock.sendall(clients.socks4_request("127.0.0.1", origin.port, b"user"))
    assert clients.read_exactly(sock, 2) == b"\0\x5a"
    assert clients.ask(sock, b"12345678x", 15)[6:] == b"12345678x"


def test_row_003_a_refusal_is_eight_bytes_and_the_end(hopgate):
    reply = clients.exchange(hopgate().address(), clients.socks4_request("127.0.0.1", 1))
    assert len(reply) == 8 and reply[:2] == b"\0\x5b"


def test_row_011_the_address_zero_is_not_a_name(hopgate, origin):
    request = struct.pack(">BBH", 4, 1, origin.port) + b"\0\0\0\0user\0localhost\0"
    assert clients.exchange(hopgate().address(), request)[:2] == b"\0\x5b"
    assert origin.count == 0


@pytest.mark.parametrize("user", [b"", b"u" * 255, b"\xff\x01"])
def test_row_013_user_ids(hopgate, origin, user):
    sock = clients.connect(hopgate().address())
    sock.sendall(clients.socks4_request("127.0.0.1", origin.port, user))
    assert clients.read_exactly(sock, 8)[1] == 90


def test_row_014_a_user_id_without_end_is_bounded(hopgate):
    sock = clients.connect(hopgate().address())
    sock.sendall(struct.pack(">BBH", 4, 1, 80) + b"\x7f\0\0\1")
    with pytest.raises((clients.Refused, ConnectionError)):
        for _ in range(1000):
            sock.sendall(b"u" * 1000)
        clients.read_exactly(sock, 100)


@pytest.mark.parametrize("host", [b"", b"h" * 256])
def test_row_015_impossible_names(hopgate, host):
    request = struct.pack(">BBH", 4, 1, 80) + b"\0\0\0\1\0" + host + b"\0"
    assert clients.exchange(hopgate().address(), request)[:2] == b"\0\x5b"


def test_row_016_a_name_that_is_an_address(hopgate, origin):
    tunnel = clients.socks4a(hopgate().address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"x") == b"x"


@pytest.mark.parametrize("command", [0, 3, 255])
def test_row_017_unknown_commands(hopgate, command):
    request = clients.socks4_request("127.0.0.1", 80, command=command)
    assert clients.exchange(hopgate().address(), request)[:2] == b"\0\x5b"


def test_row_018_a_name_with_only_ipv6(hopgate, serve):
    from names import NameServer

    server = NameServer({"six.example": ["::1"]})
    origin, gateway = serve(servers.echo, host="::1"), hopgate(server.conf)
    sock = clients.connect(gateway.address())
    sock.sendall(clients.socks4_request("six.example", origin.port))
    reply = clients.read_exactly(sock, 8)
    assert reply[1] == 90 and reply[4:] == b"\0\0\0\0"
    server.close()


# --- SOCKS5 ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "greeting,answer",
    [
        (b"\5\1\0", b"\5\0"),
        (b"\5\0", b"\5\xff"),
        (b"\5\1\1", b"\5\xff"),
        (b"\5\1\xff", b"\5\xff"),
        (b"\5\xff" + b"\2" * 254 + b"\0", b"\5\0"),
    ],
)
def test_rows_021_to_030_methods(hopgate, greeting, answer):
    sock = clients.connect(hopgate().address())
    sock.sendall(greeting)
    assert clients.read_exactly(sock, 2) == answer
    if answer == b"\5\xff":
        assert clients.read_all(sock) == b""


def test_row_023_a_request_after_no_method_is_not_served(hopgate, origin):
    request = b"\5\1\2" + clients.socks5_request("127.0.0.1", origin.port)
    assert clients.exchange(hopgate().address(), request) == b"\5\xff"
    assert origin.count == 0


@pytest.mark.parametrize("first", ["060100", "00000000", "16030100a5", "ff" * 50])
def test_row_028_not_a_protocol(hopgate, first):
    gateway = hopgate()
    assert clients.exchange(gateway.address(), bytes.fromhex(first), end=True) == b""
    assert gateway.session(end="protocol-unknown")


def test_row_029_http_where_only_socks_is_spoken(hopgate):
    gateway = hopgate("listen main { address 127.0.0.1:0; protocols socks4 socks5 }\n")
    begin = time.monotonic()
    reply = clients.exchange(gateway.address(), clients.http_request("127.0.0.1", 80))
    assert time.monotonic() - begin < 10
    assert reply == b"" or reply.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("protocol", ["socks4", "socks5", "http"])
def test_row_029_each_protocol_can_be_shut(hopgate, protocol):
    others = " ".join({"socks4", "socks5", "http"} - {protocol})
    gateway = hopgate(f"listen main {{ address 127.0.0.1:0; protocols {others} }}\n")
    with pytest.raises((clients.Refused, ConnectionError, AssertionError)):
        clients.PROTOCOLS[protocol](gateway.address(), "127.0.0.1", 80)
    assert gateway.session(end="protocol-unknown")


def test_row_031_one_byte_at_a_time(hopgate, origin):
    message = b"\5\1\0" + clients.socks5_request("localhost", origin.port) + b"payload"
    sock = trickle(hopgate().address(), message)
    assert clients.read_exactly(sock, 2) == b"\5\0"
    clients.socks5_reply(sock)
    assert clients.read_exactly(sock, 7) == b"payload"


def test_row_032_everything_in_one_segment(hopgate, origin):
    sock = clients.connect(hopgate().address())
    sock.sendall(b"\5\1\0" + clients.socks5_request("127.0.0.1", origin.port) + b"payload")
    assert clients.read_exactly(sock, 2) == b"\5\0"
    clients.socks5_reply(sock)
    assert clients.read_exactly(sock, 7) == b"payload"


def test_row_034_an_end_after_the_greeting(hopgate):
    gateway = hopgate()
    assert clients.exchange(gateway.address(), b"\5\1\0", end=True) in (b"\5\0", b"")
    assert gateway.session(end="client-gone")


def test_row_035_the_bound_address_is_told(hopgate, serve):
    origin = serve(servers.echo)
    sock = clients.connect(hopgate().address())
    clients.socks5_greet(sock)
    sock.sendall(clients.socks5_request("127.0.0.1", origin.port))
    bound = clients.socks5_reply(sock)
    origin.until_connections(1)
    assert bound == origin.clients[0]


def test_row_037_ipv6_targets(hopgate, serve):
    origin = serve(servers.echo, host="::1")
    tunnel = clients.socks5(hopgate().address(), "::1", origin.port)
    assert clients.ask(tunnel, b"six") == b"six"


BAD_REQUESTS = {
    "row_038_command_0": (b"\5\0\0\1" + ipv4(80), 7),
    "row_038_command_4": (b"\5\4\0\1" + ipv4(80), 7),
    "row_038_command_255": (b"\5\xff\0\1" + ipv4(80), 7),
    "row_039_address_type_0": (b"\5\1\0\0" + ipv4(80), 8),
    "row_039_address_type_2": (b"\5\1\0\2", 8),
    "row_039_address_type_5": (b"\5\1\0\5", 8),
    "row_043_version": (b"\4\1\0\1" + ipv4(80), 1),
    "row_048_empty_name": (b"\5\1\0\3\0\0\x50", (1, 4)),
    "row_049_long_label": (b"\5\1\0\3\x4a" + b"l" * 70 + b".net\0\x50", 4),
    "row_050_nul": (b"\5\1\0\3\x13127.0.0.1\0.evil.com\0\x50", (1, 4, 8)),
    "row_051_blank": (b"\5\1\0\3\x05a b.c\0\x50", (1, 4)),
    "row_051_at": (b"\5\1\0\3\x05a@b.c\0\x50", (1, 4)),
    "row_051_newline": (b"\5\1\0\3\x05a\nb.c\0\x50", (1, 4)),
    "row_051_eight_bit": (b"\5\1\0\3\x05a\xffb.c\0\x50", (1, 4)),
    "row_053_hexadecimal": (b"\5\1\0\3\x060x7f.1\0\x50", (1, 4, 8)),
    "row_053_one_number": (b"\5\1\0\3\x0a2130706433\0\x50", (1, 4, 8)),
    "row_053_octal": (b"\5\1\0\3\x0a0177.0.0.1\0\x50", (1, 4, 8)),
    "row_053_short": (b"\5\1\0\3\x05127.1\0\x50", (1, 4, 8)),
    "row_054_zone": (b"\5\1\0\3\x0afe80::1%lo\0\x50", (1, 4, 8)),
    "row_054_brackets_left_open": (b"\5\1\0\3\x04[::1\0\x50", (1, 4, 8)),
    "row_057_port_0": (b"\5\1\0\1" + ipv4(0), (1, 2, 8)),
    "row_058_any_address": (b"\5\1\0\1" + ipv4(80, "0.0.0.0"), 2),
    "row_058_any_address_6": (b"\5\1\0\4" + bytes(16) + b"\0\x50", 2),
    "row_059_multicast": (b"\5\1\0\1" + ipv4(80, "224.0.0.1"), 2),
    "row_059_broadcast": (b"\5\1\0\1" + ipv4(80, "255.255.255.255"), 2),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_refused_requests(hopgate, name):
    request, codes = BAD_REQUESTS[name]
    reply = clients.exchange(hopgate().address(), b"\5\1\0", request)
    assert reply[:2] == b"\5\0"
    reply = reply[2:]
    assert len(reply) == 10 and reply[0] == 5 and reply[2:4] == b"\0\1", reply
    assert reply[1] != 0
    assert reply[1] in (codes if isinstance(codes, tuple) else (codes,)), reply


@pytest.mark.parametrize("talks_on", [False, True])
@pytest.mark.parametrize("protocol", clients.PROTOCOLS)
def test_row_040_a_refused_client_is_gone_in_ten_seconds(hopgate, protocol, talks_on):
    """Even one that neither closes nor listens; it gets the whole answer before the end."""
    requests = {
        "socks4": clients.socks4_request("127.0.0.1", 1),
        "socks4a": clients.socks4_request("localhost", 1),
        "socks5": b"\5\1\0" + clients.socks5_request("127.0.0.1", 1),
        "http": clients.http_request("127.0.0.1", 1),
    }
    gateway = hopgate()
    begin = time.monotonic()
    sock = clients.connect(gateway.address())
    sock.sendall(requests[protocol])
    answer = clients.read_all(sock)  # and FIN
    assert answer and (protocol != "http" or answer.endswith(b"\n")), answer
    while talks_on and time.monotonic() - begin < 20:
        try:
            sock.sendall(b"more")
        except ConnectionError:
            break
        time.sleep(0.05)
    assert gateway.session(end="refused")
    assert time.monotonic() - begin < 10


def test_row_042_reserved_byte_is_not_looked_at(hopgate, origin):
    sock = clients.connect(hopgate().address())
    clients.socks5_greet(sock)
    sock.sendall(b"\5\1\x77\1" + ipv4(origin.port))
    clients.socks5_reply(sock)


def test_row_052_a_name_that_is_an_address_needs_no_name_server(hopgate, origin):
    sock = clients.connect(hopgate().address())
    clients.socks5_greet(sock)
    sock.sendall(b"\5\1\0\3\x09127.0.0.1" + struct.pack(">H", origin.port))
    clients.socks5_reply(sock)


def test_row_056_case_and_final_dot(hopgate, origin):
    tunnel = clients.socks5(hopgate().address(), "LocalHost.", origin.port)
    assert clients.ask(tunnel, b"x") == b"x"


# --- HTTP -----------------------------------------------------------------------------


def http(gateway, head):
    return clients.exchange(gateway.address(), head)


@pytest.mark.parametrize("target", ["host", "host:", "host:0", "host:99999", "host:80x", ":80"])
def test_row_227_targets_without_a_port(hopgate, target):
    reply = http(hopgate(), f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    assert reply.startswith(b"HTTP/1.1 400 ")


def test_row_228_a_success_has_no_body(hopgate, origin):
    sock = clients.connect(hopgate().address())
    sock.sendall(clients.http_request("127.0.0.1", origin.port))
    head = clients.read_head(sock).lower()
    assert head.startswith(b"http/1.1 200 ")
    assert b"content-length" not in head and b"transfer-encoding" not in head
    assert clients.ask(sock, b"x") == b"x"


def test_row_229_ports_of_connect_by_policy(hopgate, origin):
    """No list of our own: rows of `access` say it, for HTTP alone or for all."""
    gateway = hopgate(
        f"access {{ pass any protocol http ports 443 {origin.port}; block any protocol http\n"
        "pass any }\n"
    )
    clients.http(gateway.address(), "127.0.0.1", origin.port).close()
    with pytest.raises(clients.Refused) as refused:
        clients.http(gateway.address(), "127.0.0.1", 25)
    assert refused.value.code == 403
    with pytest.raises(clients.Refused) as refused:
        clients.socks5(gateway.address(), "127.0.0.1", 1)
    assert refused.value.code == 5


def test_row_230_nothing_is_served_after_a_refusal(hopgate, origin):
    """RFC 9931: the second request would be smuggled."""
    second = clients.http_request("127.0.0.1", origin.port)
    reply = http(hopgate(), clients.http_request("127.0.0.1", 1) + second)
    assert reply.startswith(b"HTTP/1.1 502 ") and reply.count(b"HTTP/1.1") == 1
    assert b"connection: close" in reply.lower()
    assert origin.count == 0


def test_row_233_the_target_wins_over_host(hopgate, origin):
    head = f"CONNECT 127.0.0.1:{origin.port} HTTP/1.1\r\nHost: elsewhere.example:1\r\n\r\n"
    gateway = hopgate("access { pass 127.0.0.1 }\n")
    sock = clients.connect(gateway.address())
    sock.sendall(head.encode())
    assert clients.read_head(sock).split()[1] == b"200"
    assert clients.ask(sock, b"x") == b"x"
    head = f"CONNECT 127.0.0.2:{origin.port} HTTP/1.1\r\nHost: 127.0.0.1:{origin.port}\r\n\r\n"
    assert http(gateway, head.encode()).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "target,status",
    [("[::1]:{}", 200), ("::1:{}", 400), ("[fe80::1%25lo]:{}", 400), ("[127.0.0.1]:{}", 400)],
)
def test_row_234_brackets(hopgate, serve, target, status):
    origin = serve(servers.echo, host="::1")
    target = target.format(origin.port)
    sock = clients.connect(hopgate().address())
    sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    assert clients.read_head(sock).split()[1] == b"%d" % status


@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_row_235_a_connect_with_a_body(hopgate, origin, field):
    head = f"CONNECT 127.0.0.1:{origin.port} HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\nhello"
    assert http(hopgate(), head.encode()).startswith(b"HTTP/1.1 400 ")
    assert origin.count == 0


def test_row_236_http_1_0_clients(hopgate, origin):
    sock = clients.connect(hopgate().address())
    sock.sendall(f"CONNECT 127.0.0.1:{origin.port} HTTP/1.0\r\n\r\n".encode())
    assert clients.read_head(sock).startswith(b"HTTP/1.1 200 ")


def test_row_241_no_second_request_after_407(hopgate, origin, tmp_path):
    """The connection ends, so that the body of the first cannot be taken for a second."""
    users = tmp_path / "users"
    users.touch(mode=0o600)
    gateway = hopgate(
        f"auth staff {{ password-file {users} }}\n"
        "listen main { address 127.0.0.1:0; auth staff }\n"
    )
    inner = clients.http_request("127.0.0.1", origin.port)
    for first in (b"CONNECT 127.0.0.1:1 HTTP/1.1", b"POST http://127.0.0.1:1/ HTTP/1.1"):
        head = first + b"\r\nHost: 127.0.0.1:1\r\nProxy-Connection: keep-alive\r\n"
        if first.startswith(b"POST"):
            head += b"Content-Length: %d\r\n" % len(inner)
        reply = http(gateway, head + b"\r\n" + inner)
        assert reply.count(b"HTTP/1.1 ") == 1 and b"connection: close" in reply.lower()
        assert reply.split()[1] in (b"407", b"501"), reply
    assert origin.count == 0


HEADS = {
    "other-scheme": (b"GET https://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 501),
    "origin-form": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "version-2": (b"CONNECT a:1 HTTP/2.0\r\n\r\n", 505),
    "bare-newlines": (b"CONNECT a:1 HTTP/1.1\nHost: a\n\n", 400),
    "blank-before-colon": (b"CONNECT a:1 HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "folded": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
    "nul": (b"CONNECT a:1 HTTP/1.1\r\nX: a\0b\r\n\r\n", 400),
    "two-blanks": (b"CONNECT a:1  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "many-fields": (b"CONNECT a:1 HTTP/1.1\r\n" + b"X: y\r\n" * 2000 + b"\r\n", 431),
    "long-field": (b"CONNECT a:1 HTTP/1.1\r\nX: " + b"y" * 40000 + b"\r\n\r\n", 431),
    "long-target": (b"CONNECT " + b"a" * 9000 + b":1 HTTP/1.1\r\n\r\n", 414),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_that_are_refused(hopgate, name):
    head, status = HEADS[name]
    assert int(http(hopgate(), head).split()[1]) == status


def test_row_243_the_reason_is_told(hopgate):
    reply = http(hopgate(), clients.http_request("127.0.0.1", 1))
    assert b"proxy-status: " in reply.lower() and b"error=connection_refused" in reply


def test_row_244_nothing_of_the_request_is_in_the_answer(hopgate):
    head = b"GET http://h/<script>alert(1)</script> HTTP/1.0\r\nHost: h\r\nX-Secret: s3\r\n\r\n"
    reply = http(hopgate(), head)
    assert b"<script>" not in reply and b"s3" not in reply
    if b"\r\n\r\n" in reply and reply.split(b"\r\n\r\n", 1)[1]:
        assert b"nosniff" in reply.lower()


def test_nonsense_never_kills(hopgate, origin):
    """Whatever is said first, the next client is served."""
    import random

    gateway, chance = hopgate(), random.Random(1)
    for _ in range(200):
        first = chance.choice([b"", b"\4\1", b"\5\1\0\5\1\0", b"CONNECT ", b"\5"])
        with clients.connect(gateway.address()) as sock:
            sock.sendall(first + chance.randbytes(chance.randrange(1, 300)))
            if chance.random() < 0.5:
                sock.shutdown(socket.SHUT_WR)
                try:
                    clients.read_all(sock)
                except ConnectionError:
                    pass
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"well") == b"well"
