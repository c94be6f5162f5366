# SPDX-License-Identifier: ISC
"""Many requests of one client: what one of them leaves behind must not change the next."""
import signal
import socket
import threading

import pytest

from messages import Client, Ended, basic, chunked_request, chunked_response, request, response
from scripted_origin import once
from test_access import guarded, password_file
from waiting import until

ONE = "workers 1\n"
UPGRADE = ("Connection: upgrade", "Upgrade: echo")
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
)


def test_many_requests_are_one_handshake(hopgate, scripted):
    """The first one gives the place of a handshake back, and no other does it again."""
    origin = scripted()
    gateway = hopgate(ONE + "limits { handshakes-per-client 4 }\n")
    with Client(gateway) as client:
        for _ in range(10):
            assert client.ask(request(origin)).status == 200
        with Client(gateway) as other:
            assert other.ask(request(origin)).status == 200


def test_refusals_that_wait_eat_no_request(hopgate):
    """A client that does not read for a while has pipelined many requests that are refused."""
    number = 60000  # their answers are more than fits between the two
    gateway = hopgate("access { block any }\ntimeouts { close 60s }\n", access_log=False)
    with Client(gateway) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sender = threading.Thread(target=client.send, args=(request(9, "GET", "/", "X: " + "x" * 500) * number,))
        sender.start()
        sender.join(2)
        assert sender.is_alive()
        answer = client.response()
        assert answer.status == 403
        length = client.at
        assert client.take((number - 1) * length) == bytes(client.seen[:length]) * (number - 1)
        sender.join()


def test_a_gateway_that_drains_keeps_nobody(hopgate, scripted):
    """An answer that was under way when draining began is the last one of its connection."""
    go_on = threading.Event()

    def script(connection):
        connection.request()
        connection.wait(go_on)
        connection.send(response(b"late"))

    origin = scripted(script)
    gateway = hopgate(ONE + "timeouts { keep-alive 10m }\ndrain-timeout 60s\n")
    with Client(gateway) as client:
        client.send(request(origin))
        origin.until_requests(1)
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: not accepts_more(gateway), "the end of accepting")
        go_on.set()
        assert client.response().body == b"late"
        assert client.ended()
    gateway.ended()


def accepts_more(gateway):
    try:
        Client(gateway).sock.close()
    except OSError:
        return False
    return True


def test_a_login_of_another_leaves_the_pinned_connection(hopgate, scripted, tmp_path):
    """NTLM logs the connection in: it is not for who comes after on the client's connection."""
    origin = scripted()
    path = password_file(tmp_path, alice="secret", bob="hidden")
    with Client(hopgate(ONE + guarded(path))) as client:
        login = ["Authorization: NTLM TlRMTVNTUAABAAAA", basic("alice", "secret")]
        assert client.ask(request(origin, "GET", "/login", *login)).status == 200
        alice = request(origin, "GET", "/alice", basic("alice", "secret"))
        assert client.ask(alice).status == 200
        assert origin.count == 1
        assert client.ask(request(origin, "GET", "/bob", basic("bob", "hidden"))).status == 200
        assert client.ask(alice).status == 200
    assert [m.target for m in origin.connections[0].requests] == ["/login", "/alice"]


def test_content_that_turns_out_wrong_while_connecting(hopgate, scripted):
    """The origin is let go at once, not when the refusal has lingered."""
    origin = scripted()
    gateway = hopgate(ONE)
    with Client(gateway) as client:
        client.send(chunked_request(origin, b"good", last=False))
        origin.until_requests(1)
        client.send(b"xyz\r\n")
        assert client.response().status == 400
        assert origin.until_end() == "RST"


def test_what_went_well_is_no_line_in_the_log(hopgate, scripted):
    origin = scripted()
    gateway = hopgate(ONE)
    with Client(gateway) as client:
        for _ in range(3):
            assert client.ask(request(origin)).status == 200
        assert client.ask(request(1)).status == 502
    gateway.wait_log("127.0.0.1:1")
    assert f"127.0.0.1:{origin.port}" not in gateway.log


def test_an_upgrade_on_a_kept_connection_is_logged_as_one(hopgate, scripted):
    def script(connection):
        for answer in (response(), SWITCH):
            connection.request()
            connection.send(answer)

    origin = scripted(script)
    gateway = hopgate(ONE)
    with Client(gateway) as client:
        assert client.ask(request(origin)).status == 200
        assert client.ask(request(origin, "GET", "/socket", *UPGRADE)).status == 101
        assert origin.count == 1
    row = gateway.session(status=101)
    assert (row["family"], row["connect_ms"], row["route"]) == ("-", "-", "direct")


def test_posts_in_turn_leave_one_connection(hopgate, scripted):
    """What may not be repeated needs a new one, and an idle one gives way to it."""
    origin = scripted()
    with Client(hopgate(ONE)) as client:
        for number in range(10):
            asked = request(origin, "POST", f"/{number}", body=b"x")
            assert client.ask(asked, method="POST").status == 200
        until(lambda: [c.end for c in origin.connections].count(None) == 1, "the ends of all but one")
        assert client.ask(request(origin)).status == 200
    assert origin.count == 10


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


def test_row_210_an_upgrade_before_the_end_of_the_request(hopgate, scripted):
    """RFC 9110, 7.8: then the rest of the content would be taken for the other protocol."""

    def script(connection):
        connection.head()
        connection.send(SWITCH)

    origin = scripted(script)
    with Client(hopgate()) as client:
        client.send(request(origin, "POST", "/", *UPGRADE, "Content-Length: 10") + b"hello")
        assert client.response().status == 502
    assert origin.until_end() in ("FIN", "RST")


def test_the_identity_is_checked_again_for_each_request(hopgate, scripted, tmp_path):
    origin = scripted()
    gateway = hopgate(ONE + guarded(password_file(tmp_path, alice="secret", bob="hidden")))

    def ask(path, *fields):
        return client.ask(request(origin, "GET", path, *fields)).status

    with Client(gateway) as client:
        assert ask("/alice", basic("alice", "secret")) == 200
        assert ask("/wrong", basic("alice", "wrong")) == 407
        assert ask("/nobody") == 407
        assert ask("/bob", basic("bob", "hidden")) == 200
        assert ask("/unknown", basic("carol", "secret")) == 407
        assert ask("/again", basic("alice", "secret")) == 200
    assert [m.target for m in origin.requests] == ["/alice", "/bob", "/again"]
    until(lambda: len(gateway.sessions()) == 6, "a line for each request")
    rows = {row["url"].rsplit("/", 1)[1]: row for row in gateway.sessions()}
    assert {rows[name]["user"] for name in ("alice", "again")} == {"alice"}
    assert rows["bob"]["user"] == "bob" and rows["nobody"]["user"] == "-"
    assert rows["wrong"]["end"] == "auth-failed" and rows["nobody"]["end"] == "auth-required"
