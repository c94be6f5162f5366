# SPDX-License-Identifier: ISC
"""Rows 206 to 212: 100-continue and other interim answers, early answers, other protocols."""
import socket
import threading

import pytest

import clients
from messages import CHUNKED, Client, request, response
from scripted_origin import answering, once

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
EXPECT = "Expect: 100-continue"
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: y\r\n\r\n"
)


@pytest.fixture(name="origin")
def answering_origin(scripted):
    return scripted()


# --- interim answers ------------------------------------------------------------------------


def test_row_206_hints_are_passed_on(hopgate, scripted):
    origin = scripted(answering(HINTS * 3 + response()))
    with Client(hopgate()) as client:
        client.send(request(origin))
        for _ in range(3):
            hint = client.response()
            assert hint.start == "HTTP/1.1 103 Early Hints"
            assert hint.get("Link") == "</a.css>; rel=preload"
        assert client.response().body == b"hello"
        assert client.ask(request(origin)).status == 103


def test_row_206_hints_arrive_before_the_answer(hopgate, scripted):
    heard = threading.Event()

    def script(connection):
        connection.request()
        connection.send(HINTS)
        connection.wait(heard)
        connection.send(response())

    origin = scripted(script)
    with Client(hopgate()) as client:
        assert client.ask(request(origin)).status == 103
        heard.set()
        assert client.response().body == b"hello"


def test_row_206_none_for_http_1_0(hopgate, scripted):
    origin = scripted(answering(HINTS + CONTINUE + response()))
    with Client(hopgate()) as client:
        got = client.ask(request(origin, version="1.0"))
        assert (got.status, got.body) == (200, b"hello") and client.ended()


def final(client):
    """How many interim answers came, and the last."""
    for number in range(1000):
        got = client.response()
        if got.status >= 200:
            return number, got
    raise AssertionError("a thousand interim answers")


def test_row_206_sixteen_interim_answers(hopgate, scripted):
    origin = scripted(answering(HINTS * 16 + response()))
    with Client(hopgate()) as client:
        client.send(request(origin))
        number, got = final(client)
        assert (number, got.status) == (16, 200)


def test_row_206_a_flood_of_interim_answers(hopgate, scripted):
    origin = scripted(once(HINTS * 100, None))
    with Client(hopgate()) as client:
        client.send(request(origin))
        number, got = final(client)
        assert number <= 16 and got.status == 502
        assert got.error == "http_protocol_error"
    assert origin.until_end() in ("FIN", "RST")


def test_row_206_an_unasked_100_does_no_harm(hopgate, scripted):
    origin = scripted(answering(CONTINUE + response()))
    with Client(hopgate()) as client:
        for _ in range(2):
            client.send(request(origin))
            assert final(client)[1].body == b"hello"


# --- 100-continue ---------------------------------------------------------------------------


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_row_207_the_origin_says_go_on(hopgate, scripted, framing):
    field, body = ("Content-Length: 5", b"hello")
    if framing == "chunked":
        field, body = CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"

    def script(connection):
        while message := connection.head():
            if message.get("Expect"):
                connection.send(CONTINUE)
            connection.body(message)
            connection.send(response())

    origin = scripted(script)
    with Client(hopgate()) as client:
        for _ in range(2):
            assert client.ask(request(origin, "POST", "/", EXPECT, field)).status == 100
            assert client.ask(body).status == 200
    assert [message.body for message in origin.requests] == [b"hello"] * 2
    assert origin.requests[0].get("Expect") == "100-continue"


def test_row_207_the_origin_says_no(hopgate, scripted):
    """At once, without waiting for the content; which the client need not send."""

    def script(connection):
        connection.head()
        connection.send(response(b"too large", "413 No", "Connection: close"))
        connection.close()

    origin = scripted(script)
    gateway = hopgate()
    with Client(gateway) as client:
        got = client.ask(request(origin, "POST", "/", EXPECT, "Content-Length: 1000000"))
        assert (got.status, got.body) == (413, b"too large")
        if got.closes:
            assert client.ended()
    assert gateway.session()["status"] == "413"


def test_row_207_a_client_that_does_not_wait(hopgate, origin):
    with Client(hopgate()) as client:
        client.send(request(origin, "POST", "/", EXPECT, body=b"hello"))
        assert final(client)[1].status == 200
    assert origin.requests[0].body == b"hello"


def test_row_208_an_expectation_of_http_1_0_is_none(hopgate, origin):
    with Client(hopgate()) as client:
        got = client.ask(request(origin, "POST", "/", EXPECT, body=b"hello", version="1.0"))
        assert got.status == 200
    assert not origin.requests[0].every("Expect")


def test_row_208_other_expectations(hopgate, origin):
    with Client(hopgate()) as client:
        got = client.ask(request(origin, "POST", "/", "Expect: miracles", body=b"hello"))
    assert got.status in (200, 417)
    assert len(origin.requests) == (got.status == 200)


# --- early answers --------------------------------------------------------------------------


@pytest.mark.parametrize("closes", [True, False])
def test_row_209_an_early_answer_reaches_who_is_still_sending(hopgate, scripted, closes):
    def script(connection):
        connection.head()
        fields = ["Connection: close"] if closes else []
        connection.send(response(b"no more" * 1000, "413 Too Large", *fields))
        if closes:
            connection.close()

    origin = scripted(script)
    with Client(hopgate()) as client:
        sender = threading.Thread(target=upload, args=(client, origin))
        sender.start()
        got = client.response()
        assert (got.status, got.body) == (413, b"no more" * 1000) and got.closes
        assert client.ended()
        client.sock.close()
        sender.join(20)
    assert len(origin.requests) == 1


def upload(client, origin):
    """Far more than all buffers hold; a client that reads only when it must."""
    try:
        client.send(request(origin, "POST", "/", f"Content-Length: {1 << 30}"))
        for _ in range(1 << 14):
            client.send(b"x" * 65536)
    except OSError:
        pass


def test_row_209_an_answer_that_comes_with_the_end_of_the_content(hopgate, scripted):
    """Early, but all of the content comes soon: the answer is whole all the same."""

    def script(connection):
        message = connection.head()
        connection.send(response(b"early"))
        connection.body(message)

    origin = scripted(script)
    with Client(hopgate()) as client:
        client.send(request(origin, "POST", "/", "Content-Length: 100000"))
        got = client.response()
        assert (got.status, got.body) == (200, b"early")


# --- other protocols ------------------------------------------------------------------------


def upgrading(answer, then=None):
    """An origin that answers an upgrade so, and then keeps what comes."""

    def script(connection):
        message = connection.head()
        assert message.get("Upgrade") == "websocket" and "upgrade" in message.listed("Connection")
        assert message.get("Sec-WebSocket-Key") == "x"
        connection.send(answer)
        if then:
            then(connection)

    return script


def test_row_210_an_upgrade_is_a_relay(hopgate, scripted):
    def echo(connection):
        assert connection.take(5) == b"early"
        connection.send(b"echo")
        assert connection.take(4) == b"more"
        connection.send(b"bye")
        connection.half_close()

    origin = scripted(upgrading(SWITCH + b"first", echo))
    gateway = hopgate()
    with Client(gateway) as client:
        client.send(request(origin, "GET", "/ws", *WEBSOCKET) + b"early")
        got = client.response()
        assert got.status == 101 and got.get("Upgrade") == "websocket"
        assert "upgrade" in got.listed("Connection") and got.get("Sec-WebSocket-Accept") == "y"
        assert client.take(9) == b"firstecho"
        client.send(b"more")
        assert client.rest() == b"bye"  # one end by itself
        client.send(b"last")
        client.half_close()
    assert origin.until_end() == "FIN"
    assert bytes(origin.connections[0].seen).endswith(b"earlymorelast")
    assert gateway.session()["status"] == "101"


def test_row_210_a_relay_is_bulk_too(hopgate, scripted):
    def pump(connection):
        connection.send(connection.take(4 << 20))

    origin = scripted(upgrading(SWITCH, pump))
    data = bytes(range(256)) * (1 << 14)
    with Client(hopgate()) as client:
        assert client.ask(request(origin, "GET", "/ws", *WEBSOCKET)).status == 101
        threading.Thread(target=client.send, args=(data,), daemon=True).start()
        assert client.take(4 << 20) == data


def test_row_210_a_reset_of_a_relay_is_one(hopgate, scripted):
    origin = scripted(
        upgrading(SWITCH, lambda connection: (connection.take(1), connection.reset()))
    )
    with Client(hopgate()) as client:
        assert client.ask(request(origin, "GET", "/ws", *WEBSOCKET)).status == 101
        client.send(b"x")
        with pytest.raises(ConnectionResetError):
            client.rest()


def test_row_210_an_upgrade_that_nobody_asked_for(hopgate, scripted):
    origin = scripted(once(SWITCH + b"first", None))
    with Client(hopgate()) as client:
        got = client.ask(request(origin))
        assert got.status == 502 and got.error == "http_protocol_error"
    assert origin.until_end() in ("FIN", "RST")


def test_row_210_an_upgrade_before_the_end_of_the_request(hopgate, scripted):
    """RFC 9110, 7.8: then the rest of the content would be taken for the other protocol."""

    def script(connection):
        connection.head()
        connection.send(SWITCH)

    origin = scripted(script)
    with Client(hopgate()) as client:
        client.send(request(origin, "POST", "/", *WEBSOCKET, "Content-Length: 10") + b"hello")
        assert client.response().status == 502
    assert origin.until_end() in ("FIN", "RST")


def test_row_211_no_upgrade_for_http_1_0(hopgate, origin):
    with Client(hopgate()) as client:
        assert client.ask(request(origin, "GET", "/", *WEBSOCKET, version="1.0")).status == 200
    (message,) = origin.requests
    assert not message.every("Upgrade") and "upgrade" not in message.listed("Connection")


def test_row_211_an_upgrade_that_is_not_listed_is_none(hopgate, origin):
    with Client(hopgate()) as client:
        assert client.ask(request(origin, "GET", "/", "Upgrade: websocket")).status == 200
    assert not origin.requests[0].every("Upgrade")


def test_row_211_the_100_precedes_the_101(hopgate, scripted):
    def script(connection):
        message = connection.head()
        connection.send(CONTINUE)
        assert connection.body(message) == b"hello"
        connection.send(SWITCH + b"first")

    origin = scripted(script)
    with Client(hopgate()) as client:
        head = request(origin, "POST", "/", *WEBSOCKET, EXPECT, "Content-Length: 5")
        assert client.ask(head).status == 100
        assert client.ask(b"hello").status == 101
        assert client.take(5) == b"first"


@pytest.mark.parametrize("status", ["403 No", "200 OK", "426 Other"])
def test_row_212_a_refused_upgrade_goes_on_as_http(hopgate, scripted, status):
    """What came behind it was the next request after all."""
    origin = scripted(
        answering(lambda m: response(b"no", status) if m.get("Upgrade") else response())
    )
    with Client(hopgate()) as client:
        client.send(request(origin, "GET", "/ws", *WEBSOCKET), request(origin, path="/next"))
        got = client.response()
        assert (got.start, got.body) == (f"HTTP/1.1 {status}", b"no")
        if not got.closes:
            assert client.response().body == b"hello"
            assert client.ask(request(origin, path="/third")).body == b"hello"
    assert [m.target for m in origin.requests][:1] == ["/ws"]


def test_row_212_a_relay_is_not_used_again(hopgate, scripted):
    origin = scripted(upgrading(SWITCH, lambda connection: connection.close()), answering())
    gateway = hopgate("workers 1\n")
    with Client(gateway) as client:
        assert client.ask(request(origin, "GET", "/ws", *WEBSOCKET)).status == 101
        client.half_close()
        assert client.ended()
    with Client(gateway) as client:
        assert client.ask(request(origin)).status == 200
    assert origin.count == 2


def test_row_212_through_a_tunnel(hopgate, scripted):
    origin = scripted(upgrading(SWITCH + b"first"))
    with Client(hopgate()) as client:
        client.send(clients.http_request("127.0.0.1", origin.port))
        assert client.head().status == 200
        head = request(origin, "GET", "/", *WEBSOCKET)
        assert client.ask(head.replace(f"http://{origin.authority}".encode(), b"")).status == 101
        assert client.take(5) == b"first"
        client.sock.shutdown(socket.SHUT_WR)
    assert origin.until_end() == "FIN"
