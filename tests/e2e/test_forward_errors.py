# SPDX-License-Identifier: ISC
"""Rows 141, 162 to 178, 192, 199, 217, 238 to 244: what cannot be forwarded, and how it is told."""
import socket
import threading

import pytest

import clients
from hopgate import LISTEN
from messages import CHUNKED, Client, basic, chunked, request, response
from names import NameServer
from scripted_origin import ENDS, answering, once
from test_access import guarded, password_file
from waiting import free_port, until


@pytest.fixture(name="origin")
def answering_origin(scripted):
    return scripted()


def told(answer, status, error):
    """A refusal that says why, to people and to programs, and nothing else."""
    assert answer.status == status, answer
    assert answer.get("Content-Type").startswith("text/plain")
    assert answer.get("X-Content-Type-Options") == "nosniff"
    assert answer.body.endswith(b"\n") and len(answer.body) > 5 and answer.body.isascii()
    assert answer.error == error, answer
    assert not any(text in answer.raw + answer.body for text in (b"127.0.0.1", b"localhost"))


def goes_on(client, origin, answer):
    """A refused request without content is no reason to leave."""
    assert not answer.closes, answer
    assert client.ask(request(origin, path="/after")).status == 200


# --- who cannot be reached -------------------------------------------------------------


def test_row_242_connection_refused(hopgate, origin):
    with Client(hopgate()) as client:
        answer = client.ask(request(1))
        told(answer, 502, "connection_refused")
        goes_on(client, origin, answer)


NAMES = {
    "nothing.example": (502, "dns_error"),
    "servfail.example": (502, "dns_error"),
    "silent.example": (504, "dns_timeout"),
}


@pytest.mark.parametrize("name", NAMES)
def test_row_242_names(hopgate, origin, name):
    server = NameServer({})
    with Client(hopgate(server.conf)) as client:
        answer = client.ask(request(f"{name}:80"))
        told(answer, *NAMES[name])
        goes_on(client, origin, answer)
    server.close()


def test_row_242_a_connect_that_takes_too_long(hopgate, origin):
    """Nobody accepts there, and there is no more room to wait."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        with Client(hopgate("timeouts { connect 1s }\n")) as client:
            answer = client.ask(request(port))
            told(answer, 504, "connection_timeout")
            goes_on(client, origin, answer)
        for sock in waiting:
            sock.close()


def test_row_242_an_address_that_is_blocked(hopgate, origin):
    text = "access { block 127.0.0.2; pass any }\n"
    with Client(hopgate(text)) as client:
        answer = client.ask(request(f"127.0.0.2:{origin.port}"))
        told(answer, 403, "http_request_denied")
        goes_on(client, origin, answer)
    assert len(origin.requests) == 1


def test_row_242_a_route_that_rejects_says_why(hopgate, origin):
    text = 'routes { route .example reject "no examples here"; route default direct }\n'
    with Client(hopgate(text)) as client:
        answer = client.ask(request("a.example:80"))
        told(answer, 403, "http_request_denied")
        assert b"no examples here" in answer.body
        goes_on(client, origin, answer)


def test_row_242_forwarding_can_be_forbidden(hopgate, origin):
    text = "listen main { address 127.0.0.1:0; commands connect }\n"
    with Client(hopgate(text)) as client:
        answer = client.ask(request(origin))
        assert answer.status == 405 and answer.error == "http_request_denied"
    assert origin.count == 0


def test_row_199_a_target_that_is_ourselves(hopgate, origin):
    gateway = hopgate()
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        with Client(gateway) as client:
            answer = client.ask(request(f"{host}:{gateway.port}"))
            errors = ["proxy_loop_detected"]
            if host == "localhost":
                errors.append("connection_refused")  # by [::1], where we are not
            assert answer.status == 502 and answer.error in errors, host
            goes_on(client, origin, answer)
    assert len(gateway.sessions()) < 8


def test_row_199_our_own_name_in_via(hopgate, origin):
    gateway = hopgate()
    with Client(gateway) as client:
        assert client.ask(request(origin)).status == 200
        via = origin.requests[0].get("Via")
        for value in (via, f"1.0 other, {via}, 1.1 last", via.replace("1.1 ", "1.0  ")):
            answer = client.ask(request(origin, "GET", "/loop", f"Via: {value}"))
            told(answer, 502, "proxy_loop_detected")
        goes_on(client, origin, answer)
    assert "/loop" not in [m.target for m in origin.requests]


def test_row_199_round_and_round(hopgate, origin):
    """Two gateways that are each other's hop."""
    port = free_port()
    far = hopgate(f"routes {{ route default via http://127.0.0.1:{port} }}\n")
    near = hopgate(
        f"listen main {{ address 127.0.0.1:{port} }}\n"
        f"routes {{ route default via http://{far.hostport} }}\n"
    )
    with Client(near) as client:
        answer = client.ask(request(origin))
        assert answer.status == 502 and "proxy_loop_detected" in str(answer.every("Proxy-Status"))
    assert origin.count == 0 and len(near.sessions()) <= 2


def test_row_199_two_in_a_row_are_no_loop(hopgate, origin):
    last = hopgate()
    first = hopgate(f"routes {{ route default via http://{last.hostport} }}\n")
    with Client(first) as client:
        answer = client.ask(request(origin))
    via = origin.requests[0].listed("Via")
    assert len(via) == 2 and len(set(via)) == 2 and answer.status == 200
    assert len(answer.listed("Via")) == 2


# --- answers that two readers could understand differently -----------------------------

BAD_ANSWERS = {
    "row_137_bare_lf": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "row_138_bare_cr": b"HTTP/1.1 200 OK\r\nA: b\rC: d\r\nContent-Length: 5\r\n\r\nhello",
    "row_140_blank_before_a_field": b"HTTP/1.1 200 OK\r\n Content-Length: 5\r\n\r\nhello",
    "row_143_version_2": b"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "row_143_version_0_9": b"hello\r\n\r\n",
    "row_162_nul": b"HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 5\r\n\r\nhello",
    "row_163_empty_name": b"HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 5\r\n\r\nhello",
    "row_163_name": b"HTTP/1.1 200 OK\r\nA(b): c\r\nContent-Length: 5\r\n\r\nhello",
    "row_164_no_colon": b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 5\r\n\r\nhello",
    "row_167_four_digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello",
    "row_167_two_digits": b"HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello",
    "row_167_no_digits": b"HTTP/1.1 OK\r\nContent-Length: 5\r\n\r\nhello",
    "row_167_another_name": b"ICY 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "row_167_status_0": b"HTTP/1.1 000 OK\r\nContent-Length: 5\r\n\r\nhello",
    "row_168_both": response(b"5\r\nhello\r\n0\r\n\r\n", "200 OK", CHUNKED),
    "row_171_chunks_of_http_1_0": response(
        b"5\r\nhello\r\n0\r\n\r\n", "200 OK", CHUNKED, length=False, version="1.0"
    ),
    "row_172_twice": response(b"", "200 OK", "Transfer-Encoding: chunked, chunked", length=False),
    "row_172_two_lines": response(b"", "200 OK", CHUNKED, CHUNKED, length=False),
    "row_173_vertical_tab": response(b"", "200 OK", "Transfer-Encoding: \x0bchunked", length=False),
    "row_174_plus": response(b"hello", "200 OK", "Content-Length: +5", length=False),
    "row_174_minus": response(b"", "200 OK", "Content-Length: -1", length=False),
    "row_174_letters": response(b"hello", "200 OK", "Content-Length: 5a", length=False),
    "row_174_nothing": response(b"", "200 OK", "Content-Length:", length=False),
    "row_175_two_lines": response(b"hello", "200 OK", "Content-Length: 6"),
    "row_195_connection_lists_length": response(b"x", "200 OK", "Connection: content-length"),
    "row_176_2_to_64": response(b"hello", "200 OK", f"Content-Length: {2**64 + 5}", length=False),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_bad_answers(hopgate, scripted, origin, name):
    bad = scripted(once(BAD_ANSWERS[name]))
    gateway = hopgate("workers 1\n")
    with Client(gateway) as client:
        answer = client.ask(request(bad))
        told(answer, 502, "http_protocol_error")
        goes_on(client, origin, answer)
    assert bad.until_end() in ("FIN", "RST")
    assert gateway.session(end="bad-response")["status"] == "502"


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "chunked, gzip", "x, identity"])
def test_row_170_other_codings_of_an_answer(hopgate, scripted, coding):
    """Not understood, so never said to be something else."""
    origin = scripted(
        once(
            response(b"coded", "200 OK", f"Transfer-Encoding: {coding}", length=False),
            lambda connection: connection.close(),
        )
    )
    with Client(hopgate()) as client:
        assert client.ask(request(origin)).status == 502


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 5, 5",),
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: 05",),
    ],
)
def test_row_175_a_length_said_twice_or_oddly(hopgate, scripted, fields):
    """Refused, or said once and plainly."""
    origin = scripted(once(response(b"hello", "200 OK", *fields, length=False)))
    with Client(hopgate()) as client:
        answer = client.ask(request(origin))
    assert answer.status == 502 or (answer.get("Content-Length"), answer.body) == ("5", b"hello")


@pytest.mark.parametrize("fields", [b"A: " + b"b" * 16390 + b"\r\n", b"A: b\r\n" * 101])
def test_row_166_an_answer_with_a_large_head(hopgate, scripted, fields):
    head = b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 5\r\n\r\nhello"
    origin = scripted(once(head))
    with Client(hopgate()) as client:
        told(client.ask(request(origin)), 502, "http_response_header_section_size")


def test_row_166_an_answer_with_an_endless_head(hopgate, scripted):
    def endless(connection):
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                connection.send(b"X-More: and more\r\n" * 100)
        except OSError:
            pass

    with Client(hopgate()) as client:
        told(client.ask(request(scripted(endless))), 502, "http_response_header_section_size")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"])
@pytest.mark.parametrize("end", ["FIN", "RST"])
def test_row_242_no_whole_answer(hopgate, scripted, origin, said, end):
    def script(connection):
        connection.request()
        connection.send(said)
        ENDS[end](connection)

    with Client(hopgate()) as client:
        answer = client.ask(request(scripted(script)))
        errors = ("connection_terminated", "http_response_incomplete", "http_protocol_error")
        assert answer.error in errors
        told(answer, 502, answer.error)
        goes_on(client, origin, answer)


# --- answers that take their time ------------------------------------------------------


def test_row_242_an_origin_that_does_not_answer(hopgate, scripted):
    gateway = hopgate("timeouts { idle 1s }\n")
    origin = scripted(lambda connection: connection.request())
    with Client(gateway) as client:
        told(client.ask(request(origin)), 504, "http_response_timeout")
    assert origin.until_end() in ("FIN", "RST")
    assert gateway.session()["end"] == "response-timeout"


# --- who may not ask -------------------------------------------------------------------


def test_row_238_who_is_not_known(hopgate, origin, tmp_path):
    gateway = hopgate(guarded(password_file(tmp_path, alice="secret")))
    with Client(gateway) as client:
        answer = client.ask(request(origin))
        assert answer.status == 407
        assert answer.get("Proxy-Authenticate").startswith('Basic realm="')
        assert not answer.every("WWW-Authenticate")
        assert not answer.closes
        wrong = request(origin, "GET", "/", basic("alice", "wrong"))
        assert client.ask(wrong).status == 407
        right = request(origin, "GET", "/", basic("alice", "secret"))
        assert client.ask(right).status == 200
    assert [m.every("Proxy-Authorization") for m in origin.requests] == [[]]
    assert b"YWxpY2U6" not in origin.seen[0]


def test_row_241_content_of_who_is_not_known(hopgate, origin, tmp_path):
    """Drained, or the connection ends; never a request."""
    gateway = hopgate(guarded(password_file(tmp_path, alice="secret")))
    inner = request(origin, "GET", "/inner", basic("alice", "secret"))
    for data in (
        request(origin, "POST", "/", body=inner),
        request(origin, "POST", "/", CHUNKED) + chunked(inner),
    ):
        with Client(gateway) as client:
            client.send(data)
            answer = client.response()
            assert answer.status == 407
            if answer.closes:
                assert client.ended()
            else:
                assert (
                    client.ask(request(origin, "GET", "/", basic("alice", "secret"))).status == 200
                )
    assert "/inner" not in [m.target for m in origin.requests]


def test_a_tunnel_that_is_refused_closes_all_the_same(hopgate, origin, tmp_path):
    gateway = hopgate(guarded(password_file(tmp_path, alice="secret")))
    for before in (b"", request(origin, "GET", "/", basic("alice", "secret"))):
        with Client(gateway) as client:
            if before:
                assert client.ask(before).status == 200
            answer = client.ask(clients.http_request("127.0.0.1", origin.port))
            assert answer.status == 407 and answer.closes and client.ended()


def test_connect_ports(hopgate, origin):
    """Of tunnels only."""
    text = LISTEN.replace(" }", f"; http {{ connect-ports 443 {origin.port} }} }}")
    gateway = hopgate(text)
    clients.http(gateway.address(), "127.0.0.1", origin.port).close()
    with pytest.raises(clients.Refused) as refused:
        clients.http(gateway.address(), "127.0.0.1", 25)
    assert refused.value.code == 403 and b"connection: close" in refused.value.reply.lower()
    other = hopgate(LISTEN.replace(" }", "; http { connect-ports 443 8000-8001 } }"))
    with Client(other) as client:
        assert client.ask(request(origin)).status == 200
    clients.socks5(other.address(), "127.0.0.1", origin.port).close()


def test_max_head(hopgate, origin):
    gateway = hopgate(LISTEN.replace(" }", "; http { max-head 4k } }"))
    with Client(gateway) as client:
        assert client.ask(request(origin, "GET", "/", "A: " + "b" * 3000)).status == 200
        answer = client.ask(request(origin, "GET", "/", "A: " + "b" * 5000))
        told(answer, 431, "http_request_error")
        assert answer.closes and client.ended()
    gateway = hopgate(LISTEN.replace(" }", "; http { max-head 64k } }"))
    with Client(gateway) as client:
        fields = [f"A{i}: " + "b" * 10000 for i in range(5)]
        assert client.ask(request(origin, "GET", "/", *fields)).status == 200
        assert len(origin.requests[-1].raw) > 50000


# --- how it is told --------------------------------------------------------------------


def test_row_217_the_refusal_reaches_who_is_still_sending(hopgate):
    """A malformed head, then far more than all buffers hold."""
    with Client(hopgate()) as client:
        client.send(request(1).replace(b"Host:", b"Host :"))
        sender = threading.Thread(target=flood, args=(client,))
        sender.start()
        answer = client.response()
        told(answer, 400, "http_request_error")
        assert answer.closes and client.ended()
        client.sock.close()
        sender.join(20)


def flood(client):
    try:
        for _ in range(1 << 14):
            client.send(b"x" * 65536)
    except OSError:
        pass


def test_a_refusal_of_head_has_no_content(hopgate, origin):
    with Client(hopgate()) as client:
        answer = client.ask(request(1, "HEAD"), method="HEAD")
        assert answer.status == 502 and answer.error == "connection_refused"
        goes_on(client, origin, answer)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_content_of_a_refused_request_is_no_request(hopgate, origin, framing):
    inner = request(origin, path="/inner")
    if framing == "length":
        data = request(1, "POST", "/", body=inner)
    else:
        data = request(1, "POST", "/", CHUNKED) + chunked(inner)
    with Client(hopgate()) as client:
        answer = client.ask(data)
        assert answer.status == 502
        if answer.closes:
            assert client.ended()
        else:
            goes_on(client, origin, answer)
    assert "/inner" not in [m.target for m in origin.requests]


def test_row_244_nothing_of_the_request_is_in_the_answer(hopgate):
    server = NameServer({})
    secrets = ["Cookie: s3cret", basic("s3cret", "s3cret"), "Authorization: Bearer s3cret"]
    head = request("nothing.example:80", "GET", "/<script>s3cret</script>?s3cret", *secrets)
    with Client(hopgate(server.conf)) as client:
        answer = client.ask(head)
        told(answer, 502, "dns_error")
        assert b"<script>" not in answer.body and b"s3cret" not in answer.raw + answer.body
    server.close()


def test_row_243_an_answer_of_the_origin_is_not_ours(hopgate, scripted):
    origin = scripted(answering(response(b"mine", "502 Mine", "Proxy-Status: theirs; error=x")))
    with Client(hopgate()) as client:
        answer = client.ask(request(origin))
    assert answer.body == b"mine" and answer.every("Proxy-Status")[0] == "theirs; error=x"
    assert until(lambda: origin.requests, "the request")
