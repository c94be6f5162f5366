# SPDX-License-Identifier: ISC
"""Rows 179 to 183, 213 to 219 and 226: which connections go on, and who may use them next."""
import threading

import pytest

from messages import CHUNKED, Client, Ended, chunked_response, request, response
from scripted_origin import ENDS, answering, once
from servers import reset
from waiting import until

ONE = "workers 1\n"  # connections are kept by each worker


@pytest.fixture(name="origin")
def answering_origin(scripted):
    return scripted()


def close(connection):
    connection.close()


# --- the client's connection -----------------------------------------------------------


def test_many_origins_over_one_connection(hopgate, scripted):
    origins = [scripted(answering(response(b"of %d" % number))) for number in range(8)]
    with Client(hopgate(ONE)) as client:
        for round_ in range(3):
            for number, origin in enumerate(origins):
                got = client.ask(request(origin, path=f"/{round_}"))
                assert got.body == b"of %d" % number and not got.closes
    for origin in origins:
        assert origin.count == 1 and [m.target for m in origin.requests] == ["/0", "/1", "/2"]


def test_row_215_no_keep_alive_with_http_1_0(hopgate, origin):
    fields = ["Connection: keep-alive", "Proxy-Connection: keep-alive", "Keep-Alive: 300"]
    with Client(hopgate()) as client:
        client.send(request(origin, "GET", "/", *fields, version="1.0"), request(origin))
        got = client.response()
        assert got.status == 200 and "keep-alive" not in got.listed("Connection")
        assert client.ended()
    assert len(origin.requests) == 1


def test_row_216_close_is_the_end(hopgate, origin):
    with Client(hopgate(ONE)) as client:
        client.send(request(origin, "GET", "/", "Connection: close"), request(origin))
        got = client.response()
        assert got.body == b"hello" and got.closes and client.ended()
    assert len(origin.requests) == 1 and not origin.requests[0].closes


def test_row_216_proxy_connection_is_no_connection_field(hopgate, origin):
    """Nobody reads it any more but what is old: RFC 9112, C.2.2."""
    with Client(hopgate()) as client:
        got = client.ask(request(origin, "GET", "/", "Proxy-Connection: close"))
        assert got.status == 200
        assert client.ended() if got.closes else client.ask(request(origin)).status == 200


def test_row_216_the_origins_close_is_not_the_clients(hopgate, scripted):
    origin = scripted(once(response(b"hello", "200 OK", "Connection: close"), close))
    with Client(hopgate(ONE)) as client:
        for _ in range(3):
            got = client.ask(request(origin))
            assert got.body == b"hello" and not got.closes
    assert origin.count == 3


def test_row_218_a_half_close_does_not_end_the_request(hopgate, scripted):
    asked, go_on = threading.Event(), threading.Event()

    def script(connection):
        connection.request()
        asked.set()
        connection.wait(go_on)
        connection.send(response(b"a" * 100000))

    origin = scripted(script)
    gateway = hopgate()
    with Client(gateway) as client:
        client.send(request(origin))
        client.half_close()
        assert asked.wait(20)
        go_on.set()
        assert client.response().body == b"a" * 100000 and client.ended()
    assert gateway.session()["status"] == "200"


def test_row_218_all_pipelined_requests_before_a_half_close_are_answered(hopgate, origin):
    with Client(hopgate()) as client:
        client.send(b"".join(request(origin, path=f"/{i}") for i in range(10)))
        client.half_close()
        for _ in range(10):
            assert client.response().status == 200
        assert client.ended()
    assert [m.target for m in origin.requests] == [f"/{i}" for i in range(10)]


def test_row_218_a_half_close_after_a_whole_upload(hopgate, origin):
    with Client(hopgate()) as client:
        client.send(request(origin, "POST", "/", body=b"x" * 300000))
        client.half_close()
        assert client.response().status == 200 and client.ended()
    assert len(origin.requests[0].body) == 300000


def test_an_idle_client_is_let_go(hopgate, origin):
    """And that is no refusal: no 408 that could be taken for an answer."""
    gateway = hopgate("timeouts { keep-alive 1s }\n")
    with Client(gateway) as client:
        assert client.ask(request(origin)).status == 200
        assert client.ended()
    assert len(gateway.sessions()) == 1


def test_a_further_request_has_the_time_of_a_handshake(hopgate, origin):
    """From its first byte, and however slowly it goes on."""
    gateway = hopgate("timeouts { handshake 1s }\n")
    with Client(gateway) as client:
        assert client.ask(request(origin)).status == 200
        client.send(request(origin)[:-2])
        rest = client.rest()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")
    assert gateway.session(end="handshake-timeout")
    assert len(origin.requests) == 1


def test_a_gateway_that_stops_says_so(hopgate, scripted):
    """An answer that it leaves unfinished is cut, an idle client sees the end."""
    origin = scripted(once(chunked_response(b"begun", last=False)))
    gateway = hopgate()
    with Client(gateway) as busy, Client(gateway) as idle:
        busy.send(request(origin))
        busy.until(b"begun")
        assert idle.ask(request(1)).status == 502
        gateway.stop()
        assert idle.ended()
        with pytest.raises((ConnectionResetError, Ended)):
            busy.take(1000)
        assert b"\r\n0\r\n\r\n" not in busy.seen
    assert gateway.session(status=200)["end"] == "stopped"


# --- pipelining ------------------------------------------------------------------------


def test_row_214_answers_come_in_the_order_of_the_requests(hopgate, scripted):
    """The first origin is slow; the others wait for their turn."""
    go_on = threading.Event()

    def slow(connection):
        connection.request()
        connection.wait(go_on)
        connection.send(response(b"slow"))

    first, others = scripted(slow), [scripted(answering(response(b"%d" % i))) for i in range(5)]
    with Client(hopgate()) as client:
        client.send(b"".join(request(origin) for origin in [first, *others]))
        first.until_requests(1)
        go_on.set()
        bodies = [client.response().body for _ in range(6)]
    assert bodies == [b"slow", b"0", b"1", b"2", b"3", b"4"]


def test_row_214_content_among_pipelined_requests(hopgate, scripted):
    origin = scripted(answering(lambda m: response(m.method.encode() + m.body)))
    pipeline = [
        (request(origin, "POST", body=b"GET / HTTP/1.1\r\n\r\n"), b"POSTGET / HTTP/1.1\r\n\r\n"),
        (request(origin), b"GET"),
        (request(origin, "PUT", "/", CHUNKED) + b"3\r\nabc\r\n0\r\n\r\n", b"PUTabc"),
        (request(origin, "POST", body=b""), b"POST"),
        (request(origin, "DELETE"), b"DELETE"),
    ]
    with Client(hopgate()) as client:
        client.send(b"".join(sent for sent, _ in pipeline * 5))
        assert [client.response().body for _ in range(25)] == [told for _, told in pipeline * 5]


def test_row_214_a_bad_one_ends_it(hopgate, origin):
    bad = request(origin, path="/bad").replace(b"Host:", b"Host :")
    with Client(hopgate()) as client:
        client.send(request(origin, path="/1") + request(origin, path="/2") + bad)
        client.send(request(origin, path="/3"))
        assert [client.response().status for _ in range(3)] == [200, 200, 400]
        assert client.ended()
    assert [m.target for m in origin.requests] == ["/1", "/2"]


def test_row_214_a_refused_one_does_not(hopgate, scripted, origin):
    dead = scripted(close)
    with Client(hopgate("access { block any ports 9; pass any }\n")) as client:
        client.send(request(origin), request(9), request(dead), request(origin))
        assert [client.response().status for _ in range(4)] == [200, 403, 502, 200]


# --- the origin's connection -----------------------------------------------------------


def test_an_origins_connection_is_used_by_the_next_client(hopgate, origin):
    gateway = hopgate(ONE)
    for number in range(5):
        with Client(gateway) as client:
            assert client.ask(request(origin, path=f"/{number}")).status == 200
    assert origin.count == 1 and len(origin.requests) == 5


def test_two_at_once_need_two(hopgate, scripted):
    barrier = threading.Barrier(2)

    def answer(_):
        barrier.wait(20)
        return response()

    origin = scripted(answering(answer))
    gateway = hopgate(ONE)
    with Client(gateway) as one, Client(gateway) as two:
        one.send(request(origin))
        two.send(request(origin))
        assert one.response().status == two.response().status == 200
    assert origin.count == 2


def test_an_idle_connection_is_let_go(hopgate, origin):
    with Client(hopgate(ONE + "timeouts { keep-alive 1s }\n")) as client:
        assert client.ask(request(origin)).status == 200
        assert origin.until_end() == "FIN"


def test_a_connection_that_the_origin_ends_is_not_used(hopgate, scripted):
    ended = threading.Event()

    def script(connection):
        connection.request()
        connection.send(response())
        connection.close()  # returns when the gateway has ended too
        ended.set()

    origin = scripted(script, answering())
    with Client(hopgate(ONE)) as client:
        assert client.ask(request(origin)).status == 200
        assert ended.wait(20)
        assert client.ask(request(origin, "POST", body=b"x")).status == 200
    assert origin.count == 2


@pytest.mark.parametrize("answer", [response(), chunked_response(b"hello")])
def test_row_183_what_is_said_too_much_is_never_an_answer(hopgate, scripted, answer):
    poison = response(b"poison", "200 Poison")
    origin = scripted(once(answer + poison, None), answering())
    gateway = hopgate(ONE)
    with Client(gateway) as client:
        assert client.ask(request(origin)).body == b"hello"
        assert client.ask(request(origin)).body == b"hello"
    assert origin.count == 2 and len(origin.connections[0].requests) == 1


@pytest.mark.parametrize(
    "method,status", [("HEAD", "200 OK"), ("GET", "204 None"), ("GET", "304 Old")]
)
def test_row_183_content_where_there_is_none(hopgate, scripted, method, status):
    """To one reader it is content, to another the next answer."""
    poison = response(b"poison", "200 Poison")
    bare = response(b"", status, f"Content-Length: {len(poison)}", length=False)
    origin = scripted(once(bare + poison, None), answering())
    with Client(hopgate(ONE)) as client:
        got = client.ask(request(origin, method), method=method)
        assert got.status == int(status[:3])
        assert client.ask(request(origin)).body == b"hello"
    assert origin.count == 2


def test_row_183_what_is_said_while_nobody_asks(hopgate, scripted):
    told = threading.Event()

    def unasked(connection):
        connection.wait(told)
        connection.send(response(b"poison", "200 Poison"))

    origin = scripted(once(response(), unasked), answering())
    with Client(hopgate(ONE)) as client:
        assert client.ask(request(origin)).body == b"hello"
        told.set()
        assert origin.until_end() in ("FIN", "RST")
        assert client.ask(request(origin)).body == b"hello"


def test_after_an_early_answer_it_is_not_used(hopgate, scripted):
    """The rest of the content would be the next request."""

    def early(connection):
        connection.head()
        connection.send(response(b"early"))

    origin = scripted(early, answering())
    gateway = hopgate(ONE)
    with Client(gateway) as client:
        client.send(request(origin, "POST", "/", "Content-Length: 100") + b"x" * 10)
        assert client.response().body == b"early"
    with Client(gateway) as client:
        assert client.ask(request(origin)).body == b"hello"
    assert origin.count == 2


def test_a_connection_of_http_1_0_is_not_used_again(hopgate, scripted):
    origin = scripted(answering(response(version="1.0")))
    with Client(hopgate(ONE)) as client:
        for _ in range(2):
            assert client.ask(request(origin)).body == b"hello"
    assert origin.count == 2


# --- once more -------------------------------------------------------------------------


def stale(end):
    """One answer; the second request is read and not answered."""

    def script(connection):
        connection.request()
        connection.send(response())
        connection.head()
        ENDS[end](connection)

    return script


@pytest.mark.parametrize("end", ["FIN", "RST"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_row_213_on_a_stale_connection_it_is_tried_once_more(hopgate, scripted, method, end):
    origin = scripted(
        stale(end), answering(lambda m: response(b"" if m.method == "HEAD" else b"new"))
    )
    with Client(hopgate(ONE)) as client:
        assert client.ask(request(origin)).status == 200
        assert client.ask(request(origin, method, "/2"), method=method).status == 200
    assert [m.target for m in origin.requests] == ["/", "/2", "/2"]


def test_row_213_only_once(hopgate, scripted):
    def nothing(connection):
        connection.head()
        connection.close()

    origin = scripted(stale("FIN"), nothing)
    with Client(hopgate(ONE)) as client:
        assert client.ask(request(origin)).status == 200
        got = client.ask(request(origin, path="/2"))
        assert got.status == 502 and got.error == "connection_terminated"
    assert origin.count == 2


def test_row_213_a_new_connection_is_no_reason(hopgate, scripted):
    origin = scripted(once(b"", close), answering())
    with Client(hopgate(ONE)) as client:
        assert client.ask(request(origin)).status == 502
    assert origin.count == 1


@pytest.mark.parametrize("said", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
def test_row_213_not_when_an_answer_has_begun(hopgate, scripted, said):
    def script(connection):
        connection.request()
        connection.send(response())
        connection.head()
        connection.send(said)
        connection.close()

    origin = scripted(script, answering())
    with Client(hopgate(ONE)) as client:
        assert client.ask(request(origin)).status == 200
        client.send(request(origin, path="/2"))
        got = client.response()
        if got.status == 100:
            got = client.response()
        assert got.status == 502
    assert origin.count == 1


@pytest.mark.parametrize(
    "method,field,body",
    [
        ("POST", "Content-Length: 0", b""),
        ("POST", "Content-Length: 5", b"hello"),
        ("PATCH", CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"),
        ("NEWMETHOD", "X: y", b""),
    ],
)
def test_row_213_what_may_not_be_repeated_uses_no_idle_connection(
    hopgate, scripted, method, field, body
):
    """That one may be stale; but its own may be used by the next."""
    origin = scripted(stale("FIN"), answering())
    with Client(hopgate(ONE)) as client:
        assert client.ask(request(origin)).status == 200
        assert client.ask(request(origin, method, "/2", field) + body).status == 200
        assert client.ask(request(origin, path="/3")).status == 200
    assert [m.target for m in origin.requests].count("/2") == 1
    assert [m.target for m in origin.connections[1].requests] == ["/2", "/3"]


def test_row_213_content_is_not_sent_twice(hopgate, scripted):
    """PUT may be repeated, but its content is gone."""
    origin = scripted(stale("RST"), answering())
    with Client(hopgate(ONE)) as client:
        assert client.ask(request(origin)).status == 200
        got = client.ask(request(origin, "PUT", "/2", body=b"hello"))
        assert got.status in (200, 502)
    puts = [m for m in origin.requests if m.method == "PUT"]
    assert len(puts) == 1 and puts[0].body in (b"hello", b"")


# --- logins that belong to a connection ------------------------------------------------


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate", "ntlm"])
def test_row_226_a_login_of_a_connection_is_its_clients(hopgate, scripted, scheme):
    def answer(message):
        if message.every("Authorization"):
            return response(b"in")
        return response(b"who", "401 Who", f"WWW-Authenticate: {scheme}")

    origin = scripted(answering(answer))
    gateway = hopgate(ONE)
    with Client(gateway) as alice:
        for token in ("TlRMTVNTUAAB", "TlRMTVNTUAAD"):
            head = request(origin, "GET", "/alice", f"Authorization: {scheme} {token}")
            assert alice.ask(head).body == b"in"
        login = origin.requests[-1]
        with Client(gateway) as bob:
            assert bob.ask(request(origin, path="/bob")).status == 401
        assert alice.ask(request(origin, path="/alice")).status == 401
    pinned = [c for c in origin.connections if login in c.requests]
    assert len(pinned) == 1 and {m.target for m in pinned[0].requests} == {"/alice"}
    assert len([m for m in pinned[0].requests if m.every("Authorization")]) == 2
    until(lambda: pinned[0].end, "the end of what only alice may use")
    with Client(gateway) as carol:
        assert carol.ask(request(origin, path="/carol")).status == 401
    assert {m.target for m in pinned[0].requests} == {"/alice"}


def test_row_226_an_offer_of_one_pins_it_too(hopgate, scripted):
    """401 with a challenge: the next request of this client goes the same way."""
    origin = scripted(answering(response(b"who", "401 Who", "WWW-Authenticate: NTLM TlRMTVNTUAAC")))
    gateway = hopgate(ONE)
    with Client(gateway) as alice:
        for _ in range(3):
            assert alice.ask(request(origin, path="/alice")).status == 401
        assert origin.count == 1
        with Client(gateway) as bob:
            assert bob.ask(request(origin, path="/bob")).status == 401
    assert {m.target for m in origin.connections[0].requests} == {"/alice"}


def test_row_226_basic_pins_nothing(hopgate, origin):
    gateway = hopgate(ONE)
    for _ in range(3):
        with Client(gateway) as client:
            client.ask(request(origin, "GET", "/", "Authorization: Basic YTpi"))
    assert origin.count == 1


def test_a_client_that_goes_takes_its_request_along(hopgate, scripted):
    """Row 135 of forwarding: nobody waits for the answer any more."""
    origin = scripted(lambda connection: connection.request())
    gateway = hopgate()
    with Client(gateway) as client:
        client.send(request(origin))
        origin.until_requests(1)
        reset(client.sock)
    assert origin.until_end() in ("FIN", "RST")
    assert gateway.session()["end"] in ("client-reset", "client-gone")
