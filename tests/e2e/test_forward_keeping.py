# SPDX-License-Identifier: ISC
"""Many requests of one client: what one of them leaves behind must not change the next."""
import signal
import socket
import threading

from messages import Client, basic, chunked_request, request, response
from test_access import guarded, password_file
from waiting import until

ONE = "workers 1\n"
UPGRADE = ("Connection: upgrade", "Upgrade: echo")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"


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
        sender = threading.Thread(
            target=client.send, args=(request(9, "GET", "/", "X: " + "x" * 500) * number,)
        )
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
    """The way to the origin is let go at once, not when the refusal has lingered."""
    go_on = threading.Event()

    def socks5(connection):
        connection.take(3)
        connection.wait(go_on)
        connection.send(b"\5\0")
        connection.take(10)
        connection.send(b"\5\0\0\1" + bytes(6))

    hop = scripted(socks5)
    gateway = hopgate(f"routes {{ route default via socks5://127.0.0.1:{hop.port} }}\n")
    with Client(gateway) as client:
        client.send(chunked_request(9, b"good", last=False))
        hop.until_seen(b"\5\1\0")
        client.send(b"xyz\r\n")
        go_on.set()
        assert client.response().status == 400
        assert until(lambda: hop.connections[0].end, "its end, soon", seconds=1.5) == "RST"
    assert len(hop.seen[0]) < 20


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
        until(
            lambda: [c.end for c in origin.connections].count(None) == 1, "the ends of all but one"
        )
        assert client.ask(request(origin)).status == 200
    assert origin.count == 10


def test_row_129_a_half_close_is_not_waited_on_for_ever(hopgate, scripted):
    """Most often it is a client that has lost its patience."""
    origin = scripted(lambda connection: connection.request())
    gateway = hopgate("timeouts { half-close 1s }\n")
    with Client(gateway) as client:
        client.send(request(origin))
        client.half_close()
        assert origin.until_end() in ("FIN", "RST")
    assert gateway.session(end="half-close-timeout")
