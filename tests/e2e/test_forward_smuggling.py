# SPDX-License-Identifier: ISC
"""Rows 137 to 195 and table 1.N: what two readers could understand differently goes nowhere."""
import random

import pytest

import clients
from messages import CHUNKED, Client, chunked, request
from waiting import until

# `ORIGIN` stands for the authority of an origin; every one is followed by a request of its own.
LINE = b"GET http://ORIGIN/ HTTP/1.1\r\n"
GOOD = LINE + b"Host: ORIGIN\r\n"
HEADS = {
    "row_137_bare_lf": (b"GET http://ORIGIN/ HTTP/1.1\nHost: ORIGIN\n\n", 400),
    "row_137_bare_lf_at_one_line": (LINE + b"Host: ORIGIN\nA: b\r\n\r\n", 400),
    "row_137_bare_lf_at_the_end": (GOOD + b"\n", 400),
    "row_138_bare_cr_in_a_value": (GOOD + b"A: b\rC: d\r\n\r\n", 400),
    "row_138_bare_cr_ends_a_line": (GOOD + b"A: b\r\r\n\r\n", 400),
    "row_138_bare_cr_in_the_first_line": (
        b"GET http://ORIGIN/\rHTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        400,
    ),
    "row_140_blank_before_a_field": (LINE + b" Host: ORIGIN\r\n\r\n", 400),
    "row_140_blank_line_before_a_field": (LINE + b" \r\nHost: ORIGIN\r\n\r\n", 400),
    "row_143_version_2": (b"GET http://ORIGIN/ HTTP/2.0\r\nHost: ORIGIN\r\n\r\n", 505),
    "row_143_version_3": (b"GET http://ORIGIN/ HTTP/3.0\r\nHost: ORIGIN\r\n\r\n", 505),
    "row_143_version_0": (b"GET http://ORIGIN/ HTTP/0.9\r\nHost: ORIGIN\r\n\r\n", (400, 505)),
    "row_143_small_letters": (b"GET http://ORIGIN/ http/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_143_leading_zero": (b"GET http://ORIGIN/ HTTP/01.1\r\nHost: ORIGIN\r\n\r\n", (400, 505)),
    "row_143_no_minor": (b"GET http://ORIGIN/ HTTP/1.\r\nHost: ORIGIN\r\n\r\n", (400, 505)),
    "row_143_no_dot": (b"GET http://ORIGIN/ HTTP/11\r\nHost: ORIGIN\r\n\r\n", (400, 505)),
    "row_143_minor_10": (b"GET http://ORIGIN/ HTTP/1.10\r\nHost: ORIGIN\r\n\r\n", (400, 505)),
    "row_143_another_name": (b"GET http://ORIGIN/ HTTPS/1.1\r\nHost: ORIGIN\r\n\r\n", (400, 505)),
    "row_145_version_0_9": (b"GET http://ORIGIN/\r\n", 400),
    "row_146_two_blanks": (b"GET  http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_146_two_blanks_after": (b"GET http://ORIGIN/  HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_146_tab": (b"GET\thttp://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_146_vertical_tab": (b"GET http://ORIGIN/\x0bHTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_146_form_feed": (b"GET\x0chttp://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_146_blank_at_the_end": (b"GET http://ORIGIN/ HTTP/1.1 \r\nHost: ORIGIN\r\n\r\n", 400),
    "row_147_no_token": (b"GE(T http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_147_long_method": (
        b"G" * 70 + b" http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        (400, 501),
    ),
    "row_147_long_target": (
        b"GET http://ORIGIN/" + b"a" * 9000 + b" HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        414,
    ),
    "row_149_no_host": (LINE + b"A: b\r\n\r\n", 400),
    "row_149_two_hosts": (GOOD + b"Host: ORIGIN\r\n\r\n", 400),
    "row_149_two_hosts_for_1_0": (
        b"GET http://ORIGIN/ HTTP/1.0\r\nHost: ORIGIN\r\nhost: a\r\n\r\n",
        400,
    ),
    "row_149_host_with_a_path": (LINE + b"Host: ORIGIN/x\r\n\r\n", 400),
    "row_149_host_with_a_blank": (LINE + b"Host: a b\r\n\r\n", 400),
    "row_149_host_with_a_comma": (LINE + b"Host: ORIGIN, ORIGIN\r\n\r\n", 400),
    "row_149_host_with_a_user": (LINE + b"Host: a@ORIGIN\r\n\r\n", 400),
    "row_149_host_with_a_bad_port": (LINE + b"Host: a:b\r\n\r\n", 400),
    "row_154_asterisk_is_for_options": (b"GET * HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_154_authority_is_for_connect": (b"GET ORIGIN HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_154_absolute_is_not_for_connect": (
        b"CONNECT http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        400,
    ),
    "row_155_origin_form": (b"GET / HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_155_two_slashes": (b"GET //ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_155_options_of_us": (b"OPTIONS * HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_156_a_user": (b"GET http://user@ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_156_a_password": (b"GET http://user:pass@ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_156_a_user_that_looks_like_a_host": (
        b"GET http://good.example:80@ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        400,
    ),
    "row_157_no_host": (b"GET http:///x HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_157_only_a_port": (b"GET http://:80/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_157_one_slash": (b"GET http:/ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_157_no_slash": (b"GET http:ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n", 400),
    "row_159_control_in_the_target": (
        b"GET http://ORIGIN/\x01 HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        400,
    ),
    "row_159_delete_in_the_target": (
        b"GET http://ORIGIN/\x7f HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        400,
    ),
    "row_159_eight_bit_in_the_target": (
        b"GET http://ORIGIN/\xff HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        400,
    ),
    "row_159_backslash_in_the_authority": (
        b"GET http://ORIGIN\\a/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        400,
    ),
    "row_159_percent_in_the_host": (
        b"GET http://127.0.0.1%2fORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        400,
    ),
    "row_160_blank_before_the_colon": (LINE + b"Host : ORIGIN\r\n\r\n", 400),
    "row_160_tab_before_the_colon": (GOOD + b"A\t: b\r\n\r\n", 400),
    "row_161_folded": (GOOD + b"A: b\r\n c\r\n\r\n", 400),
    "row_161_folded_by_a_tab": (GOOD + b"A: b\r\n\tc\r\n\r\n", 400),
    "row_162_nul": (GOOD + b"A: b\0c\r\n\r\n", 400),
    "row_162_nul_in_the_first_line": (
        b"GET http://ORIGIN/\0 HTTP/1.1\r\nHost: ORIGIN\r\n\r\n",
        400,
    ),
    "row_163_empty_name": (GOOD + b": b\r\n\r\n", 400),
    "row_163_eight_bit_name": (GOOD + b"A\xff: b\r\n\r\n", 400),
    "row_163_nul_in_a_name": (GOOD + b"A\0: b\r\n\r\n", 400),
    **{
        f"row_163_name_with_{ord(sign):02x}": (
            GOOD + b"A" + sign.encode() + b"b: c\r\n\r\n",
            400,
        )
        for sign in '(),/;<=>?@[\\]{}" '
    },
    "row_164_no_colon": (GOOD + b"no colon\r\n\r\n", 400),
    "row_166_many_fields": (
        GOOD + b"A: b\r\n" * 100 + b"\r\n",
        431,
    ),
    "row_166_a_long_field": (
        GOOD + b"A: " + b"b" * 16400 + b"\r\n\r\n",
        431,
    ),
}
PORTS = ("0", "65536", "4294967376", "+80", "-80", "0x50", "80x", "8_0", "80,80", "99999999999999")
SCHEMES = ("https", "ftp", "gopher", "file", "ws", "wss", "httpx", "xhttp")
# What a request with 5 bytes of content may not say of them.
FRAMINGS = {
    "row_168_both": ("Content-Length: 5", CHUNKED),
    "row_168_both_the_other_way": ("Transfer-Encoding: chunked", "Content-Length: 5"),
    "row_168_both_and_nothing": ("Transfer-Encoding: chunked", "Content-Length: 0"),
    "row_169_gzip": ("Transfer-Encoding: gzip",),
    "row_169_chunked_is_not_the_last": ("Transfer-Encoding: chunked, identity",),
    "row_169_codings_before_chunked": ("Transfer-Encoding: gzip, chunked",),
    "row_169_something_like_chunked": ("Transfer-Encoding: xchunked",),
    "row_169_identity": ("Transfer-Encoding: identity",),
    "row_169_nothing": ("Transfer-Encoding:",),
    "row_172_twice": ("Transfer-Encoding: chunked, chunked",),
    "row_172_two_lines": ("Transfer-Encoding: chunked", CHUNKED),
    "row_172_two_lines_and_identity": ("Transfer-Encoding: identity", "transfer-encoding: chunked"),
    "row_173_empty_element": ("Transfer-Encoding: ,chunked",),
    "row_173_empty_element_at_the_end": ("Transfer-Encoding: chunked,",),
    "row_173_parameter": ("Transfer-Encoding: chunked;q=1",),
    "row_173_quoted": ('Transfer-Encoding: "chunked"',),
    "row_173_vertical_tab": ("Transfer-Encoding: \x0bchunked",),
    "row_173_form_feed": ("Transfer-Encoding: chunked\x0c",),
    "row_173_no_break_space": ("Transfer-Encoding: \xa0chunked",),
    "row_173_folded": ("Transfer-Encoding:\r\n chunked",),
    "row_173_another_name": ("Transfer_Encoding: chunked", "Transfer-Encoding : chunked"),
    "row_174_plus": ("Content-Length: +5",),
    "row_174_minus": ("Content-Length: -1",),
    "row_174_hexadecimal": ("Content-Length: 0x5",),
    "row_174_underscore": ("Content-Length: 5_0",),
    "row_174_nothing": ("Content-Length:",),
    "row_174_letter": ("Content-Length: 5a",),
    "row_174_blank": ("Content-Length: 5 5",),
    "row_174_point": ("Content-Length: 5.0",),
    "row_174_quoted": ('Content-Length: "5"',),
    "row_175_two_lines": ("Content-Length: 5", "Content-Length: 6"),
    "row_175_two_equal_lines": ("Content-Length: 5", "content-length: 5"),
    "row_175_a_list": ("Content-Length: 5, 5",),
    "row_175_a_list_that_differs": ("Content-Length: 5, 6",),
    "row_176_2_to_63": (f"Content-Length: {2**63}",),
    "row_176_2_to_64": (f"Content-Length: {2**64}",),
    "row_176_2_to_64_and_5": (f"Content-Length: {2**64 + 5}",),
    "row_176_400_digits": ("Content-Length: " + "9" * 400,),
    "row_195_connection_lists_length": ("Content-Length: 5", "Connection: content-length"),
    "row_195_connection_lists_coding": (
        "Transfer-Encoding: chunked",
        "Connection: x, Transfer-encoding",
    ),
    "row_195_connection_lists_host": ("Content-Length: 5", "Connection: close, HOST"),
}
UNKNOWN_CODINGS = ("row_169_gzip", "row_169_codings", "row_169_something", "row_169_identity")
# Chunks of a request of which the head is good.
CHUNKS = {
    "row_184_overflow": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "row_184_17_digits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "row_184_many_zeros": b"0" * 64 + b"5\r\nhello\r\n0\r\n\r\n",
    "row_185_prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "row_185_prefix_of_zero": b"0x0\r\n\r\n",
    "row_185_plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "row_185_plus_zero": b"+0\r\n\r\n",
    "row_185_minus_zero": b"-0\r\n\r\n",
    "row_185_blank_before": b" 5\r\nhello\r\n0\r\n\r\n",
    "row_185_blank_after": b"5 \r\nhello\r\n0\r\n\r\n",
    "row_185_letters": b"5zz\r\nhello\r\n0\r\n\r\n",
    "row_185_nothing": b"\r\nhello\r\n0\r\n\r\n",
    "row_185_only_an_extension": b";a\r\nhello\r\n0\r\n\r\n",
    "row_186_a_long_extension": b"5;" + b"a" * 20000 + b"\r\nhello\r\n0\r\n\r\n",
    "row_187_bare_lf": b"5\nhello\r\n0\r\n\r\n",
    "row_187_bare_lf_in_an_extension": b"5;a\nhello\r\n0\r\n\r\n",
    "row_187_bare_cr_in_an_extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "row_187_bare_lf_within_an_extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "row_187_nul_in_an_extension": b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "row_187_no_crlf_after_the_data": b"5\r\nhelloXX0\r\n\r\n",
    "row_187_only_lf_after_the_data": b"5\r\nhello\n0\r\n\r\n",
    "row_187_only_cr_after_the_data": b"5\r\nhello\r0\r\n\r\n",
    "row_187_more_data_than_said": b"4\r\nhello\r\n0\r\n\r\n",
    "row_187_bare_lf_at_the_end": b"5\r\nhello\r\n0\n\n",
    "row_187_bare_lf_after_the_last": b"5\r\nhello\r\n0\r\n\n",
    "row_187_trailer_without_colon": b"5\r\nhello\r\n0\r\nGET / HTTP/1.1\r\n\r\n",
    "row_187_folded_trailer": b"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n",
    "row_187_bare_lf_in_a_trailer": b"5\r\nhello\r\n0\r\nA: b\nC: d\r\n\r\n",
}


def smuggled(origin):
    return request(origin, "GET", "/smuggled")


def refused(gateway, origin, data):
    """Send; there is one answer, the connection ends well, and the origin knows of nothing."""
    with Client(gateway) as client:
        client.send(data.replace(b"ORIGIN", origin.authority.encode()) + smuggled(origin))
        answer = client.response()
        assert answer.closes and client.ended()
    assert origin.count == 0, origin.seen
    return answer


def check(answer, statuses):
    assert answer.status in (statuses if isinstance(statuses, tuple) else (statuses,)), answer
    assert answer.get("Content-Type") and answer.get("X-Content-Type-Options") == "nosniff"
    assert answer.body.endswith(b"\n")


@pytest.fixture(name="origin")
def answering_origin(scripted):
    return scripted()


@pytest.mark.parametrize("name", HEADS)
def test_heads(hopgate, origin, name):
    data, statuses = HEADS[name]
    check(refused(hopgate(), origin, data), statuses)


@pytest.mark.parametrize("port", PORTS)
def test_row_158_ports(hopgate, origin, port):
    data = f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    check(refused(hopgate(), origin, data), 400)


def test_row_158_a_port_is_not_taken_modulo_65536(hopgate, origin):
    data = f"GET http://127.0.0.1:{65536 + origin.port}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    check(refused(hopgate(), origin, data), 400)


@pytest.mark.parametrize(
    "host", ["0x7f.1", "127.1", "2130706433", "0177.0.0.1", "[::1%25lo]", "[::1"]
)
def test_row_158_hosts_that_other_readers_take_for_addresses(hopgate, origin, host):
    data = f"GET http://{host}:{origin.port}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    check(refused(hopgate(), origin, data), 400)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_rows_224_and_225_schemes(hopgate, origin, scheme):
    data = f"GET {scheme}://{origin.authority}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with Client(hopgate()) as client:
        answer = client.ask(data)
    check(answer, (400, 501))
    assert origin.count == 0


@pytest.mark.parametrize("name", FRAMINGS)
def test_framings(hopgate, origin, name):
    fields = FRAMINGS[name]
    body = b"hello" if "Content-Length" in fields[0] else chunked(b"hello")
    answer = refused(hopgate(), origin, request(origin, "POST", "/", *fields) + body)
    check(answer, (400, 501) if name.startswith(UNKNOWN_CODINGS) else 400)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_row_171_chunks_of_http_1_0(hopgate, origin, method):
    head = request(origin, method, "/", "Transfer-Encoding: chunked", version="1.0")
    check(refused(hopgate(), origin, head + chunked(b"hello")), 400)


@pytest.mark.parametrize("name", [name for name in CHUNKS if len(CHUNKS[name]) < 1000])
def test_chunks(hopgate, origin, name):
    head = request(origin, "POST", "/", CHUNKED)
    answer = refused(hopgate(), origin, head + CHUNKS[name])
    assert 400 <= answer.status < 500, answer
    check(answer, answer.status)


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_that_come_later(hopgate, origin, name):
    """The head has gone on, and some of the content: the origin never sees the end of it."""
    head = request(origin, "POST", "/", CHUNKED)
    with Client(hopgate()) as client:
        client.send(head + chunked(b"first", last=False))
        origin.until_seen(b"first")
        client.send(CHUNKS[name] + smuggled(origin))
        answer = client.response()
        assert 400 <= answer.status < 500 and answer.closes and client.ended()
    origin.until_idle()
    (connection,) = origin.connections
    assert connection.cut and len(origin.requests) == 1
    assert b"smuggled" not in connection.seen


def test_row_195_what_connection_lists_is_gone_and_the_content_is_not(hopgate, origin):
    fields = ["Connection: x-a, accept", "X-A: b", "Accept: c"]
    with Client(hopgate()) as client:
        assert client.ask(request(origin, "POST", "/", *fields, body=b"hello")).status == 200
    (message,) = origin.requests
    assert message.body == b"hello" and not message.every("X-A")


def test_row_177_a_length_is_said_in_its_plainest_form(hopgate, origin):
    with Client(hopgate()) as client:
        data = request(origin, "POST", "/", "Content-Length: 00005") + b"hello"
        assert client.ask(data).status == 200
    (message,) = origin.requests
    assert message.get("Content-Length") == "5" and message.body == b"hello"


def test_row_173_chunked_has_no_case(hopgate, origin):
    with Client(hopgate()) as client:
        data = request(origin, "POST", "/", "Transfer-Encoding: CHUNKED") + chunked(b"hello")
        assert client.ask(data).status == 200
    (message,) = origin.requests
    assert message.body == b"hello"


def test_the_same_byte_by_byte(hopgate, origin):
    """However it is cut, the verdict is the same."""
    gateway = hopgate()
    hostile = [request(origin, "POST", "/", *FRAMINGS[name]) + b"5\r\nhello" for name in FRAMINGS]
    head = request(origin, "POST", "/", CHUNKED)
    hostile += [head + chunks for chunks in CHUNKS.values() if len(chunks) < 200]
    for data in random.Random(7).sample(hostile, 30):
        with Client(gateway) as client:
            with_cuts(client, data + smuggled(origin))
            assert 400 <= client.response().status < 502, data
            assert client.ended()
    assert all(connection.cut for connection in origin.connections)
    assert all(b"smuggled" not in seen for seen in origin.seen)


def with_cuts(client, data):
    """One byte a segment, as far as the gateway listens."""
    try:
        for byte in data:
            client.send(bytes([byte]))
    except ConnectionError:
        pass


def test_row_230_a_failed_tunnel_is_no_way_in(hopgate, origin):
    with Client(hopgate()) as client:
        client.send(clients.http_request("127.0.0.1", 1) + smuggled(origin))
        answer = client.response()
        assert answer.status == 502 and answer.closes and client.ended()
    assert origin.count == 0


@pytest.mark.parametrize("first", [b"GET", b"POST"])
def test_row_155_a_tunnel_after_forwarding(hopgate, origin, first):
    """CONNECT may follow on a connection that has been forwarded, and then is no second one."""
    gateway = hopgate()
    with Client(gateway) as client:
        assert client.ask(request(origin, first.decode())).status == 200
        client.send(clients.http_request("127.0.0.1", origin.port))
        answer = client.head()
        if answer.status == 200:
            assert client.ask(b"GET /inside HTTP/1.1\r\nHost: a\r\n\r\n").status == 200
            assert origin.requests[-1].target == "/inside"
        else:
            assert answer.closes
    assert until(gateway.sessions, "a line")
