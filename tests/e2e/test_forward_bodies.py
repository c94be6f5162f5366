# SPDX-License-Identifier: ISC
"""Rows 170 to 192 and 206 to 209: content both ways, its ends, and what has none."""
import hashlib
import os
import threading

import pytest

from messages import (
    CHUNKED,
    Client,
    Ended,
    chunked,
    chunked_request,
    chunked_response,
    request,
    response,
)
from scripted_origin import answering, once
from waiting import until

MIB = 1 << 20


@pytest.fixture(name="origin")
def answering_origin(scripted):
    return scripted()


def get(hopgate, scripted, answer, *fields, method="GET", version="1.1"):
    """The answer as a client gets it; and the next one, if the connection goes on."""
    origin = scripted(answering(answer))
    with Client(hopgate()) as client:
        got = client.ask(request(origin, method, "/", *fields, version=version), method=method)
        if version == "1.0" or got.closes:
            assert client.ended()
        else:
            assert client.ask(request(origin), method="GET").start == got.start
    return got


# --- up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 16383, 65536, MIB + 1])
@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE", "OPTIONS"])
def test_row_180_a_length(hopgate, origin, method, length):
    body = os.urandom(length)
    with Client(hopgate()) as client:
        assert client.ask(request(origin, method, "/", body=body)).status == 200
        assert client.ask(request(origin, path="/next")).status == 200
    first, second = origin.requests
    assert first.body == body and first.get("Content-Length") == str(length)
    assert (second.target, second.body) == ("/next", b"")


@pytest.mark.parametrize(
    "pieces", [(), (b"x",), (b"hello", b" ", b"world"), (b"a" * 70000, b"b"), (b"c",) * 500]
)
def test_row_180_chunks(hopgate, origin, pieces):
    with Client(hopgate()) as client:
        assert client.ask(chunked_request(origin, *pieces)).status == 200
        assert client.ask(request(origin, path="/next")).status == 200
    first, second = origin.requests
    assert first.framing == "chunked" and first.body == b"".join(pieces)
    assert (second.target, second.body) == ("/next", b"")


def test_row_180_chunks_in_pieces(hopgate, origin):
    data = chunked_request(origin, b"hello", b"wonderful", b"world")
    with Client(hopgate()) as client:
        client.send(*(data[i : i + 1] for i in range(len(data))))
        assert client.response().status == 200
    assert origin.requests[0].body == b"hellowonderfulworld"


def test_a_head_and_its_content_arrive_as_they_are_sent(hopgate, origin):
    """Nothing waits for the end of the content."""
    with Client(hopgate()) as client:
        client.send(request(origin, "POST", "/", CHUNKED))
        origin.until_requests(1)
        for piece in (b"first", b"second"):
            client.send(chunked(piece, last=False))
            origin.until_seen(piece)
        assert client.ask(b"0\r\n\r\n").status == 200


def test_row_186_extensions_are_dropped(hopgate, origin):
    head = request(origin, "POST", "/", CHUNKED)
    data = b'5;a=b;c="d e"\r\nhello\r\n005;x\r\nworld\r\n0;last\r\n\r\n'
    with Client(hopgate()) as client:
        assert client.ask(head + data).status == 200
    (message,) = origin.requests
    assert message.body == b"helloworld" and b";" not in origin.seen[0].split(b"\r\n\r\n", 1)[1]


def test_row_188_extensions_have_a_budget(hopgate, origin):
    """Content of one byte a chunk, with a kilobyte beside each."""
    with Client(hopgate()) as client:
        client.send(request(origin, "POST", "/", CHUNKED))
        with pytest.raises((ConnectionError, AssertionError)):
            for _ in range(1000):
                client.send((b"1;" + b"a" * 1022 + b"\r\nx\r\n") * 100)
            raise AssertionError(client.response())
    origin.until_idle()
    assert all(connection.cut for connection in origin.connections)


@pytest.mark.parametrize("trailer", ["X-Sum: 1", "Content-Length: 5", "Host: evil", "X:", "Via: x"])
def test_row_189_trailers_are_dropped(hopgate, origin, trailer):
    head = request(origin, "POST", "/", CHUNKED, "Trailer: X-Sum")
    with Client(hopgate()) as client:
        data = head + b"5\r\nhello\r\n0\r\n" + trailer.encode() + b"\r\n\r\n"
        assert client.ask(data).status == 200
        assert client.ask(request(origin, path="/next")).status == 200
    first, second = origin.requests
    assert first.body == b"hello" and not first.trailers and second.target == "/next"
    assert not first.every("X-Sum") and first.get("Host") == origin.authority


@pytest.mark.parametrize("how", ["FIN", "RST"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_row_179_content_that_is_cut_is_not_completed(hopgate, origin, framing, how):
    field = CHUNKED if framing == "chunked" else "Content-Length: 1000"
    part = chunked(b"hello", last=False) if framing == "chunked" else b"hello"
    gateway = hopgate()
    with Client(gateway) as client:
        client.send(request(origin, "POST", "/", field) + part)
        origin.until_seen(b"hello")
        if how == "RST":
            from servers import reset

            reset(client.sock)
        else:
            client.sock.close()
        origin.until_idle()
    (connection,) = origin.connections
    assert connection.cut and connection.end in ("FIN", "RST")
    assert b"\r\n0\r\n\r\n" not in connection.seen
    with Client(gateway) as client:
        assert client.ask(request(origin, path="/next")).status == 200
    assert origin.count == 2


# --- down ----------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 16383, 65536, MIB + 1])
def test_a_length_comes_back(hopgate, scripted, length):
    body = os.urandom(length)
    got = get(hopgate, scripted, response(body))
    assert got.body == body and got.get("Content-Length") == str(length)


@pytest.mark.parametrize("pieces", [(), (b"x",), (b"hello", b"world"), (b"a" * 200000,)])
def test_chunks_come_back(hopgate, scripted, pieces):
    got = get(hopgate, scripted, chunked_response(*pieces))
    assert got.framing == "chunked" and got.body == b"".join(pieces) and not got.trailers


def test_row_189_trailers_of_an_answer_are_dropped(hopgate, scripted):
    data = chunked_response(b"hello", last=False) + b"0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n"
    got = get(hopgate, scripted, data)
    assert got.body == b"hello" and not got.trailers and not got.every("X-Sum")


def test_row_186_extensions_of_an_answer_are_dropped(hopgate, scripted):
    data = chunked_response(last=False) + b"5;a=b\r\nhello\r\n0;c\r\n\r\n"
    assert get(hopgate, scripted, data).body == b"hello"


def test_row_170_the_end_of_the_connection_is_the_end_of_the_content(hopgate, scripted):
    """Framed anew, so that the client's connection goes on."""
    body = os.urandom(100000)
    origin = scripted(once(response(body, length=False), lambda connection: connection.close()))
    with Client(hopgate()) as client:
        for _ in range(2):
            got = client.ask(request(origin))
            assert (got.framing, got.body) == ("chunked", body) and not got.closes
    assert origin.count == 2


def test_row_170_identity_is_no_coding(hopgate, scripted):
    """RFC 2616, 3.6, had it."""
    identity = response(b"plain", "200 OK", "Transfer-Encoding: identity", length=False)
    origin = scripted(once(identity, lambda connection: connection.close()))
    with Client(hopgate()) as client:
        got = client.ask(request(origin))
    assert got.status == 502 or (got.framing, got.body) == ("chunked", b"plain")


def test_an_answer_byte_by_byte(hopgate, scripted):
    """However it is cut, it is the same."""
    data = b"HTTP/1.1 103 Hints\r\nA: b\r\n\r\n" + chunked_response(
        b"hello", b"wonderful", b"world"
    )

    def script(connection):
        connection.request()
        connection.send(*(data[i : i + 1] for i in range(len(data))))

    origin = scripted(script)
    with Client(hopgate()) as client:
        assert client.ask(request(origin)).status == 103
        assert client.response().body == b"hellowonderfulworld"


def test_row_190_no_chunks_for_http_1_0(hopgate, scripted):
    got = get(hopgate, scripted, chunked_response(b"hello", b"world"), version="1.0")
    assert got.body == b"helloworld" and got.framing == "close" and got.closes


def test_row_190_a_length_for_http_1_0(hopgate, scripted):
    got = get(hopgate, scripted, response(b"hello"), version="1.0")
    assert got.body == b"hello" and got.framing == "length"


def test_content_arrives_as_it_is_sent(hopgate, scripted):
    """A stream of events is not collected."""
    heard = threading.Event()

    def script(connection):
        connection.request()
        connection.send(chunked_response(b"first", last=False))
        connection.wait(heard)
        connection.send(chunked(b"second"))

    origin = scripted(script)
    with Client(hopgate()) as client:
        client.send(request(origin))
        client.until(b"first\r\n")
        heard.set()
        assert b"second" in client.until(b"0\r\n\r\n")


# --- answers without content ------------------------------------------------------------------

BODILESS = {
    "length": response(b"", "200 OK", "Content-Length: 1000", length=False),
    "chunked": response(b"", "200 OK", CHUNKED, length=False),
    "neither": response(b"", length=False),
}


@pytest.mark.parametrize("name", BODILESS)
def test_row_181_head(hopgate, scripted, name):
    origin = scripted(answering(lambda m: BODILESS[name] if m.method == "HEAD" else response()))
    with Client(hopgate()) as client:
        for _ in range(2):
            got = client.ask(request(origin, "HEAD"), method="HEAD")
            assert got.status == 200 and not got.closes
            if name == "length":
                assert got.get("Content-Length") == "1000"
        assert client.ask(request(origin)).body == b"hello"
    assert origin.count == 1


@pytest.mark.parametrize("status", ["204 None", "304 Old"])
@pytest.mark.parametrize("fields", [(), ("Content-Length: 0",), ("Content-Length: 1000",)])
def test_row_181_204_and_304(hopgate, scripted, status, fields):
    bare = response(b"", status, *fields, "ETag: x", length=False)
    origin = scripted(answering(lambda m: bare if m.target == "/bare" else response()))
    with Client(hopgate()) as client:
        for _ in range(2):
            got = client.ask(request(origin, path="/bare"))
            assert got.start == f"HTTP/1.1 {status}" and got.get("ETag") == "x"
            assert status.startswith("304") or not got.every("Content-Length")
        assert client.ask(request(origin)).body == b"hello"
    promised = status.startswith("204") and "Content-Length: 1000" in fields
    assert origin.count == (3 if promised else 1)  # RFC 9110, 8.6: no 204 may say that


@pytest.mark.parametrize("status", ["204 None", "304 Old"])
def test_row_191_no_coding_where_there_is_no_content(hopgate, scripted, status):
    bare = response(b"", status, CHUNKED, length=False)
    origin = scripted(answering(lambda m: bare if m.target == "/bare" else response()))
    with Client(hopgate()) as client:
        got = client.ask(request(origin, path="/bare"))
        assert got.status in (int(status[:3]), 502) and not got.every("Transfer-Encoding")
        assert client.ask(request(origin)).body == b"hello"


# --- answers that are cut ---------------------------------------------------------------------

CUT = {
    "length": response(b"", "200 OK", "Content-Length: 1000", length=False) + b"hello",
    "chunk": chunked_response(last=False) + b"3e8\r\nhello",
    "chunks": chunked_response(b"hello", last=False),
    "last chunk": chunked_response(b"hello", last=False) + b"0\r\n",
}


def close(connection):
    connection.close()


def reset_when_told(connection):
    connection.wait(connection.origin.told)
    connection.reset()


def cut_answer(scripted, data, then):
    origin = scripted(once(data, then))
    origin.told = threading.Event()
    return origin


@pytest.mark.parametrize("then", [close, reset_when_told])
@pytest.mark.parametrize("name", CUT)
def test_row_192_a_cut_answer_stays_one(hopgate, scripted, name, then):
    origin = cut_answer(scripted, CUT[name], then)
    gateway = hopgate()
    with Client(gateway) as client:
        client.send(request(origin))
        client.until(b"hello")
        origin.told.set()
        with pytest.raises((ConnectionResetError, Ended)):
            client.take(1000)
        assert b"\r\n0\r\n\r\n" not in client.seen
    assert gateway.session()["end"] in ("response-incomplete", "target-reset")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_row_192_a_reset_is_not_the_end_of_the_content(hopgate, scripted, version):
    origin = cut_answer(scripted, response(b"hello", length=False), reset_when_told)
    with Client(hopgate()) as client:
        client.send(request(origin, version=version))
        client.until(b"hello")
        origin.told.set()
        with pytest.raises((ConnectionResetError, Ended)):
            client.take(1000 if version == "1.1" else 1)
            client.take(1000)
        assert b"\r\n0\r\n\r\n" not in client.seen


def test_row_192_what_a_stopped_gateway_leaves_unfinished_is_cut(hopgate, scripted):
    """Where nothing else tells the end, FIN would say that this was all."""
    origin = scripted(once(response(b"hello", length=False)))
    gateway = hopgate()
    with Client(gateway) as client:
        client.send(request(origin, version="1.0"))
        client.until(b"hello")
        gateway.stop()
        with pytest.raises(ConnectionResetError):
            client.rest()
    row = gateway.session(end="stopped")
    assert (row["status"], int(row["down"]) > 5) == ("200", True)


def test_row_192_for_http_1_0_only_a_reset_says_that_it_is_cut(hopgate, scripted):
    origin = cut_answer(scripted, CUT["chunks"], reset_when_told)
    with Client(hopgate()) as client:
        client.send(request(origin, version="1.0"))
        client.until(b"hello")
        origin.told.set()
        with pytest.raises(ConnectionResetError):
            client.rest()


@pytest.mark.parametrize(
    "bad", [b"0x5\r\nhello", b"5\r\nhelloXX0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n"]
)
def test_row_187_bad_chunks_of_an_answer(hopgate, scripted, bad):
    """What was good has gone on; the client learns that it was not all."""
    origin = scripted(once(chunked_response(b"first", last=False), lambda c: later(c, bad)))
    origin.told = threading.Event()
    with Client(hopgate()) as client:
        client.send(request(origin))
        client.until(b"first")
        origin.told.set()
        with pytest.raises((ConnectionResetError, Ended)):
            client.take(1000)
        assert b"\r\n0\r\n\r\n" not in client.seen
    assert until(lambda: origin.connections[0].end, "the end at the origin")


def later(connection, data):
    connection.wait(connection.origin.told)
    connection.send(data)


# --- both at once -------------------------------------------------------------------------


def test_an_echo_of_both_directions_at_once(hopgate, scripted):
    """The answer begins before the request has ended, and both go on."""

    def script(connection):
        message = connection.head()
        assert message.get("Transfer-Encoding") == "chunked"
        connection.send(chunked_response(last=False))
        while (size := int(connection.until(b"\r\n"), 16)) > 0:
            connection.send(chunked(connection.take(size), last=False))
            connection.take(2)
        connection.take(2)
        connection.send(b"0\r\n\r\n")

    origin = scripted(script)
    with Client(hopgate()) as client:
        client.send(request(origin, "POST", "/", CHUNKED))
        client.head()
        for number in range(50):
            piece = b"%d" % number * 100
            client.send(chunked(piece, last=False))
            client.until(piece + b"\r\n")
        client.send(b"0\r\n\r\n")
        client.until(b"0\r\n\r\n")


def test_a_large_exchange_is_whole(hopgate, scripted):
    def script(connection):
        message = connection.request()
        connection.send(response(hashlib.sha256(message.body).digest() + message.body))

    body = os.urandom(8 * MIB)
    origin = scripted(script)
    with Client(hopgate()) as client:
        got = client.ask(request(origin, "POST", "/", body=body))
    assert got.body == hashlib.sha256(body).digest() + body
