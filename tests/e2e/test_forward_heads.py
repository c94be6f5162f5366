# SPDX-License-Identifier: ISC
"""Rows 136 to 167 and 193 to 204: heads as they are forwarded, to the origin and back."""
import re
import socket

import pytest

from messages import DATE, Client, request, response
from scripted_origin import answering


@pytest.fixture(name="origin")
def answering_origin(scripted):
    return scripted()


def forwarded(hopgate, origin, head, text=""):
    """What the origin gets of a request that the gateway forwards."""
    with Client(hopgate(text)) as client:
        assert client.ask(head).status == 200
    (message,) = origin.requests
    return message


def returned(hopgate, scripted, answer, text=""):
    """What the client gets of an answer."""
    origin = scripted(answering(answer))
    with Client(hopgate(text)) as client:
        return client.ask(request(origin))


# --- the request line -------------------------------------------------------------------


def test_row_139_empty_lines_before_a_request(hopgate, origin):
    assert forwarded(hopgate, origin, b"\r\n\r\n" + request(origin)).raw.startswith(b"GET /")


def test_row_139_empty_lines_are_bounded(hopgate, origin):
    with Client(hopgate()) as client:
        assert client.ask(b"\r\n" * 3 + request(origin)).status == 400
        assert client.ended()
    assert origin.count == 0


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.9"])
def test_rows_142_and_144_we_send_our_own_version(hopgate, origin, version):
    message = forwarded(hopgate, origin, request(origin, version=version))
    assert message.start == "GET / HTTP/1.1"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_row_142_the_answer_has_our_own_version(hopgate, scripted, version):
    assert returned(hopgate, scripted, response(version=version)).start == "HTTP/1.1 200 OK"


def test_row_147_eight_thousand_octets_are_not_too_long(hopgate, origin):
    rest = len(request(origin, path="/").split(b"\r\n", maxsplit=1)[0])
    path = "/" + "a" * (8000 - rest)
    head = request(origin, path=path)
    assert len(head.split(b"\r\n", maxsplit=1)[0]) == 8000
    assert forwarded(hopgate, origin, head).target == path


@pytest.mark.parametrize("method", ["get", "PROPFIND", "M-SEARCH", "X" * 64, "!#$%&'*+-.^_`|~1"])
def test_row_148_methods_are_what_the_client_says(hopgate, origin, method):
    assert forwarded(hopgate, origin, request(origin, method)).start == f"{method} / HTTP/1.1"


def test_row_148_a_method_of_http2_is_none_of_a_tunnel(hopgate, origin):
    """Only CONNECT opens one, and methods have a case."""
    assert forwarded(hopgate, origin, request(origin, "connect")).method == "connect"


# --- Host and target --------------------------------------------------------------------


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1", "[::1]:80", ""])
def test_row_150_host_says_what_the_target_says(hopgate, origin, host):
    head = request(origin).replace(b"Host: " + origin.authority.encode(), b"Host: " + host.encode())
    message = forwarded(hopgate, origin, head)
    assert message.get("Host") == origin.authority


def test_row_150_host_is_added_for_http_1_0(hopgate, origin):
    head = f"GET http://{origin.authority}/old HTTP/1.0\r\nUser-Agent: old\r\n\r\n".encode()
    message = forwarded(hopgate, origin, head)
    assert message.start == "GET /old HTTP/1.1"
    assert message.get("Host") == origin.authority
    assert message.get("User-Agent") == "old"


@pytest.mark.parametrize(
    "path,target",
    [
        ("", "/"),
        ("?q=1", "/?q=1"),
        ("/?", "/?"),
        ("/a?b=c/d?e", "/a?b=c/d?e"),
        ("/%7euser/%2e%2E/../x//y/./", "/%7euser/%2e%2E/../x//y/./"),
        ("/a;b=c,d:e@f!$&'()*+", "/a;b=c,d:e@f!$&'()*+"),
        ('/"<>[]\\^`{|}', '/"<>[]\\^`{|}'),
        ("/http://other.example/", "/http://other.example/"),
    ],
)
def test_rows_151_and_203_the_path_is_not_touched(hopgate, origin, path, target):
    assert forwarded(hopgate, origin, request(origin, path=path)).target == target


def test_row_151_the_scheme_has_no_case(hopgate, origin):
    message = forwarded(hopgate, origin, request(origin).replace(b"http://", b"HTTP://"))
    assert message.start == "GET / HTTP/1.1"


def test_row_151_an_ipv6_literal(hopgate, scripted):
    origin = scripted(host="::1")
    message = forwarded(hopgate, origin, request(origin.authority))
    assert message.get("Host") == origin.authority


@pytest.mark.parametrize("path,target", [("", "*"), ("/", "/"), ("?q", "/?q")])
def test_row_153_options_of_the_whole_server(hopgate, origin, path, target):
    message = forwarded(hopgate, origin, request(origin, "OPTIONS", path))
    assert (message.method, message.target) == ("OPTIONS", target)
    assert message.get("Host") == origin.authority


# --- fields -----------------------------------------------------------------------------


def test_row_136_eight_bit_values_are_opaque(hopgate, origin):
    value = bytes(range(0x80, 0x100)).decode("latin-1") + "\tx"
    message = forwarded(hopgate, origin, request(origin, "GET", "/", f"X-Opaque: {value}"))
    assert message.get("X-Opaque") == value


def test_row_136_eight_bit_values_come_back(hopgate, scripted):
    value = bytes(range(0x80, 0x100)).decode("latin-1")
    answer = returned(hopgate, scripted, response(b"", "200 \xe9tat", f"X-Opaque: {value}"))
    assert answer.get("X-Opaque") == value


FIELDS = [
    ("aCCept", "*/*"),
    ("User-Agent", "test (a; b) 'c' \"d\""),
    ("X-Twice", "first"),
    ("Cookie", "a=b; c=d"),
    ("X-Empty", ""),
    ("x-twice", "second, third"),
    ("Cookie", "e=f"),
    ("Authorization", "Basic YTpi"),
    ("Range", "bytes=0-1"),
    ("If-None-Match", 'W/"x"'),
    ("Cache-Control", "no-transform"),
]


def lines(fields):
    return [f"{name}: {value}" for name, value in fields]


def test_rows_165_196_and_222_fields_keep_order_case_and_number(hopgate, origin):
    message = forwarded(hopgate, origin, request(origin, "GET", "/", *lines(FIELDS)))
    kept = [field for field in message.fields if field[0].lower() not in ("host", "via")]
    assert kept == FIELDS


ANSWERED = [
    ("Set-Cookie", "a=b; Expires=Sun, 06 Nov 1994 08:49:37 GMT"),
    ("sERVER", "x/1"),
    ("Set-Cookie", "c=d"),
    ("WWW-Authenticate", 'Basic realm="a", charset="UTF-8"'),
    ("WWW-Authenticate", "Digest qop=auth"),
    ("Allow", "GET, HEAD"),
    ("X-Empty", ""),
    ("ETag", '"x"'),
]


def test_rows_165_and_204_fields_of_the_answer_keep_order_and_number(hopgate, scripted):
    answer = returned(hopgate, scripted, response(b"x", "401 No", *lines(ANSWERED)))
    ours = ("date", "via", "content-length", "connection")
    assert [field for field in answer.fields if field[0].lower() not in ours] == ANSWERED
    assert (answer.start, answer.body) == ("HTTP/1.1 401 No", b"x")


def test_row_160_a_blank_before_the_colon_of_an_answer_is_dropped(hopgate, scripted):
    answer = returned(hopgate, scripted, response(b"x", "200 OK", "X-Blank : a", "X-Tab\t:b"))
    assert (answer.get("X-Blank"), answer.get("X-Tab"), answer.body) == ("a", "b", b"x")


@pytest.mark.parametrize("line", [b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.0 200"])
def test_row_167_a_status_line_without_a_phrase(hopgate, scripted, line):
    answer = returned(hopgate, scripted, response().replace(b"HTTP/1.1 200 OK", line))
    assert answer.start.rstrip() == "HTTP/1.1 200" and answer.body == b"hello"


@pytest.mark.parametrize("status", [299, 418, 499, 599])
def test_row_167_statuses_that_nobody_knows(hopgate, scripted, status):
    answer = returned(hopgate, scripted, response(b"x", f"{status} What"))
    assert answer.start == f"HTTP/1.1 {status} What" and answer.body == b"x"


HOP_BY_HOP = [
    "Proxy-Connection: keep-alive",
    "Keep-Alive: timeout=5",
    "TE: trailers, deflate",
    "X-Listed: secret",
    "X-Also-Listed: secret",
    "Proxy-Authorization: Basic YTpi",
    "Upgrade: h2c",
]


@pytest.mark.parametrize(
    "connection",
    [
        ["Connection: keep-alive, x-listed, X-ALSO-LISTED"],
        ["connection: x-listed", "Accept: */*", "CONNECTION: x-also-listed,, keep-alive ,"],
        ["Connection: \tX-Also-Listed\t,x-listed"],
    ],
)
def test_rows_193_194_and_239_what_is_for_one_hop_ends_there(hopgate, origin, connection):
    head = request(origin, "GET", "/", *HOP_BY_HOP, *connection, "X-Kept: yes")
    message = forwarded(hopgate, origin, head)
    assert message.get("X-Kept") == "yes"
    for line in HOP_BY_HOP:
        assert not message.every(line.split(":")[0]), line
    assert "listed" not in str(message.listed("Connection"))


def test_rows_193_and_194_of_an_answer(hopgate, scripted):
    fields = ["Connection: keep-alive, X-Listed", "Keep-Alive: timeout=5", "X-Listed: a"]
    fields += ["Proxy-Connection: keep-alive", "Upgrade: h2c", "X-Kept: yes"]
    answer = returned(hopgate, scripted, response(b"x", "200 OK", *fields))
    assert answer.get("X-Kept") == "yes" and answer.body == b"x"
    for name in ("X-Listed", "Keep-Alive", "Proxy-Connection", "Upgrade"):
        assert not answer.every(name), name


# --- Via and Date -----------------------------------------------------------------------


@pytest.mark.parametrize("version,said", [("1.1", "1.1"), ("1.0", "1.0")])
def test_row_197_via_has_the_version_that_came(hopgate, origin, version, said):
    via = forwarded(hopgate, origin, request(origin, version=version)).get("Via")
    assert re.fullmatch(rf"{said} \S+", via), via


def test_row_197_via_goes_behind_others(hopgate, origin):
    head = request(origin, "GET", "/", "Via: 1.0 fred, 1.1 p.example (x)", "Via: 1.1 last")
    message = forwarded(hopgate, origin, head)
    others = ["1.0 fred", "1.1 p.example (x)", "1.1 last"]
    listed = [part.strip() for part in ",".join(message.every("Via")).split(",")]
    assert listed[:3] == others and len(listed) == 4


def test_row_197_an_answer_has_via_too(hopgate, scripted):
    via = returned(hopgate, scripted, response(b"", "200 OK", "Via: 1.0 inner")).listed("Via")
    assert via[0] == "1.0 inner" and re.fullmatch(r"1\.1 \S+", via[1]) and len(via) == 2


def test_row_198_no_name_and_no_port_of_ours_is_told(hopgate, origin):
    gateway = hopgate()
    with Client(gateway) as client:
        answer = client.ask(request(origin))
    for via in (origin.requests[0].get("Via"), answer.get("Via")):
        assert not re.search(r"127\.|::1|localhost", via)
        assert str(gateway.port) not in via and socket.gethostname() not in via


def test_row_205_a_date_is_added(hopgate, scripted):
    answer = returned(hopgate, scripted, response().replace(DATE.encode() + b"\r\n", b""))
    form = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d GMT"
    assert re.fullmatch(form, answer.get("Date"))


def test_row_205_a_date_is_kept(hopgate, scripted):
    assert f"Date: {returned(hopgate, scripted, response()).get('Date')}" == DATE


# --- TRACE, OPTIONS, Max-Forwards ---------------------------------------------------------


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS"])
@pytest.mark.parametrize("count,left", [("1", "0"), ("10", "9"), ("007", "6")])
def test_row_200_max_forwards_is_counted_down(hopgate, origin, method, count, left):
    message = forwarded(hopgate, origin, request(origin, method, "/", f"Max-Forwards: {count}"))
    assert message.get("Max-Forwards") == left


@pytest.mark.parametrize("count", ["2147483648", "9" * 30])
def test_row_200_a_huge_max_forwards_is_bounded(hopgate, origin, count):
    with Client(hopgate()) as client:
        answer = client.ask(request(origin, "OPTIONS", "/", f"Max-Forwards: {count}"))
    assert answer.status in (200, 400)
    for message in origin.requests:
        assert 0 < int(message.get("Max-Forwards")) < int(count)


def test_row_200_max_forwards_means_nothing_to_other_methods(hopgate, origin):
    message = forwarded(hopgate, origin, request(origin, "GET", "/", "Max-Forwards: 0"))
    assert message.get("Max-Forwards") == "0"


@pytest.mark.parametrize("method", ["GET", "TRACE", "OPTIONS"])
def test_row_201_max_forwards_is_never_added(hopgate, origin, method):
    assert not forwarded(hopgate, origin, request(origin, method)).every("Max-Forwards")


def test_rows_200_and_202_trace_that_ends_here(hopgate, origin):
    secrets = ["Cookie: s3cret", "Authorization: Basic s3cret", "Proxy-Authorization: Basic s3cret"]
    head = request(origin, "TRACE", "/way", "Max-Forwards: 0", "X-Seen: yes", *secrets)
    with Client(hopgate()) as client:
        answer = client.ask(head)
        assert client.ask(request(origin)).status == 200  # the connection goes on
    assert len(origin.requests) == 1
    assert answer.status in (200, 405)
    if answer.status == 200:
        assert answer.get("Content-Type") == "message/http"
        assert answer.body.startswith(b"TRACE http://") and b"X-Seen: yes" in answer.body
        assert b"s3cret" not in answer.body


def test_row_200_options_that_ends_here(hopgate, origin):
    with Client(hopgate()) as client:
        assert client.ask(request(origin, "OPTIONS", "/", "Max-Forwards: 0")).status in (200, 204)
        assert client.ask(request(origin, path="/next")).status == 200
    assert [message.target for message in origin.requests] == ["/next"]


@pytest.mark.parametrize("count", ["", "x", "-1", "1.5", "+1", "1, 1"])
def test_row_200_a_max_forwards_that_is_no_number(hopgate, origin, count):
    with Client(hopgate()) as client:
        answer = client.ask(request(origin, "TRACE", "/", f"Max-Forwards: {count}"))
        assert answer.status == 400 and client.ended()
    assert origin.count == 0
