# SPDX-License-Identifier: ISC
"""Each request is judged by itself: who asks, what it asks for, by which way; one line for each."""
import re

import pytest

import clients
from hopgate import LISTEN
from messages import Client, basic, request, response
from names import NameServer
from scripted_origin import answering, once
from servers import reset
from test_access import guarded, password_file
from waiting import until

ONE = "workers 1\n"


@pytest.fixture(name="origin")
def answering_origin(scripted):
    return scripted()


# --- who asks ---------------------------------------------------------------------------------


def test_the_identity_is_checked_again_for_each_request(hopgate, origin, tmp_path):
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


def test_optional_credentials_are_checked_when_they_are_there(hopgate, origin, tmp_path):
    text = guarded(password_file(tmp_path, alice="secret")).replace("staff;", "staff none;")
    with Client(hopgate(text)) as client:
        assert client.ask(request(origin)).status == 200
        assert client.ask(request(origin, "GET", "/", basic("alice", "wrong"))).status == 407
        assert client.ask(request(origin)).status == 200
        assert client.ask(request(origin, "GET", "/", basic("alice", "secret"))).status == 200
    assert not any(m.every("Proxy-Authorization") for m in origin.requests)


@pytest.mark.parametrize(
    "scheme", ["Digest username=x", "Bearer x", "Basic", "Basic !", "basic YTpi"]
)
def test_row_248_credentials_of_other_kinds(hopgate, origin, tmp_path, scheme):
    gateway = hopgate(guarded(password_file(tmp_path, alice="secret")))
    with Client(gateway) as client:
        head = request(origin, "GET", "/", f"Proxy-Authorization: {scheme}")
        assert client.ask(head).status == 407
        assert client.ask(request(origin, "GET", "/", basic("alice", "secret"))).status == 200
    assert len(origin.requests) == 1


def test_a_password_is_checked_again_when_the_file_has_changed(hopgate, origin, tmp_path):
    """One check may hold for a while; the file is looked at four times a second."""
    path = password_file(tmp_path, alice="secret")
    gateway = hopgate(guarded(path))
    old = request(origin, "GET", "/old", basic("alice", "secret"))
    with Client(gateway) as client:
        assert client.ask(old).status == 200
        password_file(tmp_path, alice="new")

        def is_refused():
            with Client(gateway) as other:
                return other.ask(old).status == 407

        until(is_refused, "the end of the old password")
        count = len(origin.requests)
        path.unlink()
        with Client(gateway) as other:
            assert other.ask(old).status == 503
        new = request(origin, "GET", "/new", basic("alice", "new"))
        assert client.ask(new).status == 503
    assert len(origin.requests) == count


def test_who_may_do_what_is_judged_for_each_request(hopgate, origin, tmp_path):
    path = password_file(tmp_path, alice="secret", bob="hidden")
    text = guarded(path) + "access { pass any user alice; block any }\n"
    with Client(hopgate(text)) as client:
        for _ in range(2):
            assert client.ask(request(origin, "GET", "/", basic("bob", "hidden"))).status == 403
            assert client.ask(request(origin, "GET", "/", basic("alice", "secret"))).status == 200
    assert len(origin.requests) == 2


# --- what is asked for ----------------------------------------------------------------------


def test_access_is_judged_for_each_request(hopgate, scripted, origin):
    secret = scripted()
    server = NameServer({"sneaky.example": ["127.0.0.3"], "good.example": ["127.0.0.1"]})
    gateway = hopgate(
        server.conf + "access { block bad.example; block 127.0.0.3\n"
        f"block any ports {secret.port}; pass any }}\n"
    )
    with Client(gateway) as client:
        for _ in range(2):
            assert client.ask(request(origin)).status == 200
            assert client.ask(request(secret)).status == 403
            assert client.ask(request(f"bad.example:{origin.port}")).status == 403
            assert client.ask(request(f"sneaky.example:{origin.port}")).status == 403
            assert client.ask(request(f"good.example:{origin.port}")).status == 200
    assert secret.count == 0 and len(origin.requests) == 4
    server.close()


def test_the_target_counts_and_not_host(hopgate, origin):
    gateway = hopgate("access { block bad.example; pass any }\n")
    with Client(gateway) as client:
        assert client.ask(request(origin, host="bad.example")).status == 200
        assert client.ask(request("bad.example:80", host=origin.authority)).status == 403
    assert [m.get("Host") for m in origin.requests] == [origin.authority]


def test_commands_are_told_apart(hopgate, origin):
    """`command http` is forwarding, `command connect` a tunnel."""
    text = "access { block any command http ports %d; pass any }\n" % origin.port
    gateway = hopgate(text)
    with Client(gateway) as client:
        assert client.ask(request(origin)).status == 403
    clients.http(gateway.address(), "127.0.0.1", origin.port).close()


def test_an_idle_connection_is_no_way_around_access(hopgate, scripted, tmp_path):
    """Alice's connection is there; bob may not reach that origin all the same."""
    origin = scripted()
    path = password_file(tmp_path, alice="secret", bob="hidden")
    gateway = hopgate(ONE + guarded(path) + "access { block 127.0.0.1 user bob; pass any }\n")
    with Client(gateway) as client:
        assert client.ask(request(origin, "GET", "/", basic("alice", "secret"))).status == 200
        assert client.ask(request(origin, "GET", "/", basic("bob", "hidden"))).status == 403
    assert len(origin.requests) == 1


def test_a_limit_of_sessions_is_not_one_of_requests(hopgate, origin):
    gateway = hopgate(ONE + "limits { sessions-per-client 1 }\n")
    with Client(gateway) as client:
        for _ in range(5):
            assert client.ask(request(origin)).status == 200


# --- by which way -----------------------------------------------------------------------------


def test_a_connection_of_one_row_is_not_used_by_another(hopgate, origin, tmp_path):
    path = password_file(tmp_path, alice="secret", bob="hidden")
    gateway = hopgate(
        ONE + guarded(path) + "routes {\nroute default user alice direct\nroute default direct\n}\n"
    )
    with Client(gateway) as client:
        for _ in range(2):
            client.ask(request(origin, "GET", "/alice", basic("alice", "secret")))
            client.ask(request(origin, "GET", "/bob", basic("bob", "hidden")))
    assert origin.count == 2
    assert {frozenset(m.target for m in c.requests) for c in origin.connections} == {
        frozenset({"/alice"}),
        frozenset({"/bob"}),
    }


def test_a_connection_from_one_address_is_not_used_for_another(hopgate, origin, tmp_path):
    path = password_file(tmp_path, alice="secret", bob="hidden")
    gateway = hopgate(
        ONE + guarded(path) + "hop one { uri direct:; source 127.0.0.8 }\n"
        "hop two { uri direct:; source 127.0.0.9 }\n"
        "routes {\nroute default user alice via one\nroute default via two\n}\n"
    )
    with Client(gateway) as client:
        client.ask(request(origin, "GET", "/alice", basic("alice", "secret")))
        client.ask(request(origin, "GET", "/bob", basic("bob", "hidden")))
    assert [address for address, _ in origin.clients] == ["127.0.0.8", "127.0.0.9"]


# --- one line for each ------------------------------------------------------------------------


def test_one_line_a_request(hopgate, origin):
    gateway = hopgate(ONE)
    with Client(gateway) as client:
        client.ask(request(origin, "GET", "/a?secret=1", "User-Agent: test/1"))
        client.ask(request(origin, "POST", "/b", body=b"12345"))
        client.ask(request(1, "GET", "/c"))
    until(lambda: len(gateway.sessions()) == 3, "three lines")
    first, second, third = gateway.sessions()
    assert (first["method"], first["status"], first["agent"]) == ("GET", "200", "test/1")
    assert first["url"] == f"http://{origin.authority}/a"
    assert first["command"] == "http" and first["protocol"] == "http"
    assert first["target"] == origin.authority and first["route"] == "direct"
    assert (second["method"], second["status"], second["agent"]) == ("POST", "200", "-")
    assert (third["status"], third["end"]) == ("502", "refused")
    assert first["end"] == second["end"] == "ok"
    assert len({row["id"] for row in gateway.sessions()}) == 3
    for row in (first, second):
        for name in ("first_byte_ms", "duration_ms", "connect_ms"):
            assert re.fullmatch(r"\d+(\.\d+)?|-", row[name]), (name, row)
        assert int(row["down"]) >= 5
    assert int(second["up"]) >= 5
    with open(gateway.access_path, encoding="utf-8") as file:
        assert "secret" not in file.read()


def test_the_query_is_logged_if_one_wants_it(hopgate, origin):
    gateway = hopgate(LISTEN.replace(" }", "; http { log-query on } }"))
    with Client(gateway) as client:
        client.ask(request(origin, "GET", "/a?b=c"))
    assert gateway.session(status=200)["url"] == f"http://{origin.authority}/a?b=c"


def test_a_download_that_its_client_leaves(hopgate, scripted):
    origin = scripted(once(response(b"x" * 1000, length=False)))
    gateway = hopgate()
    with Client(gateway) as client:
        client.send(request(origin, version="1.0"))
        client.until(b"x" * 1000)
        reset(client.sock)
    row = gateway.session(end="client-reset")
    assert row["status"] == "200" and int(row["down"]) > 1000
    assert re.fullmatch(r"\d+(\.\d+)?", row["first_byte_ms"])


def test_what_the_client_says_is_escaped(hopgate, origin):
    gateway = hopgate(ONE)
    agent = 'a" end=ok \\ \x80\xff\t=x'
    with Client(gateway) as client:
        client.ask(request(origin, "GET", '/"x"\\y', f"User-Agent: {agent}"))
    row = gateway.session(status="200")
    assert row["end"] == "ok"
    with open(gateway.access_path, "rb") as file:
        data = file.read()
    assert data.count(b"\n") == 1
    assert all(byte == 10 or 32 <= byte < 127 for byte in data), data


def test_a_line_of_a_malformed_request(hopgate, origin):
    gateway = hopgate()
    with Client(gateway) as client:
        assert client.ask(request(origin).replace(b"Host:", b"Host :")).status == 400
        assert client.ended()
    assert gateway.session(end="malformed")["status"] in ("400", "-")


def test_the_status_of_the_origin_is_in_the_line(hopgate, scripted):
    origin = scripted(answering(response(b"no", "418 Teapot")))
    gateway = hopgate()
    with Client(gateway) as client:
        client.ask(request(origin))
    assert gateway.session(status="418")["end"] == "ok"


def test_a_client_that_only_keeps_the_connection_is_no_line(hopgate, origin):
    gateway = hopgate()
    with Client(gateway) as client:
        client.ask(request(origin))
    gateway.stop()
    assert len(gateway.sessions()) == 1


def test_the_listeners_access_log_of_a_tunnel_is_as_before(hopgate, scripted):
    origin = scripted(once(response()))
    gateway = hopgate(LISTEN)
    with clients.http(gateway.address(), "127.0.0.1", origin.port) as tunnel:
        tunnel.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert clients.read_head(tunnel)
    row = gateway.session(command="connect")
    assert row["target"] == origin.authority and row["end"] in ("closed", "client-reset")
