# SPDX-License-Identifier: ISC
"""Row 152 and design 5: forwarding through hops, each told what is for it and no more."""
import os

import pytest

import clients
from fakes import FakeHop
from messages import CHUNKED, Client, basic, chunked, request, response
from names import NameServer
from scripted_origin import answering, once
from test_access import guarded, password_file

ONE = "workers 1\n"


@pytest.fixture(name="origin")
def answering_origin(scripted):
    return scripted()


def via(*hops):
    return ONE + f"routes {{ route default via {' '.join(hops)} }}\n"


def http(proxy):
    return f"http://127.0.0.1:{proxy.port}"


# --- the last hop is an HTTP proxy --------------------------------------------------------------


def test_row_152_absolute_form_to_an_http_proxy(hopgate, scripted):
    proxy = scripted()
    with Client(hopgate(via(http(proxy)))) as client:
        head = request("only.it.knows.example", "GET", "/a/../b?c=%20", "X-Kept: yes")
        assert client.ask(head).body == b"hello"
        assert client.ask(request("[2001:db8::1]:8080", "POST", "", body=b"12345")).status == 200
    first, second = proxy.requests
    assert first.start == "GET http://only.it.knows.example/a/../b?c=%20 HTTP/1.1"
    assert first.get("Host") == "only.it.knows.example" and first.get("X-Kept") == "yes"
    assert second.start in (
        "POST http://[2001:db8::1]:8080/ HTTP/1.1",
        "POST http://[2001:db8::1]:8080 HTTP/1.1",
    )
    assert second.get("Host") == "[2001:db8::1]:8080" and second.body == b"12345"


def test_row_152_options_of_the_whole_server_is_for_the_last_proxy(hopgate, scripted):
    """RFC 9112, 3.2.4: only that one makes an asterisk of it."""
    proxy = scripted()
    with Client(hopgate(via(http(proxy)))) as client:
        assert client.ask(request("a.example:8001", "OPTIONS", "")).status == 200
    assert proxy.requests[0].target == "http://a.example:8001"


def test_one_connection_to_a_proxy_carries_requests_for_many(hopgate, scripted):
    proxy = scripted(answering(lambda m: response(m.target.encode())))
    with Client(hopgate(via(http(proxy)))) as client:
        for host in ("a.example", "b.example", "a.example:81"):
            assert client.ask(request(host)).body == f"http://{host}/".encode()
    assert proxy.count == 1


def hop(name, proxy, *directives):
    return f"hop {name} {{ uri {http(proxy)}; {'; '.join(directives)} }}\n"


def secret(directory, name, text):
    path = directory / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_row_239_a_hop_gets_its_own_credentials_and_never_the_clients(hopgate, scripted, tmp_path):
    proxy = scripted()
    users = guarded(password_file(tmp_path, alice="clients-secret"))
    file = secret(tmp_path, "relay", "hops-secret\n")
    gateway = hopgate(users + hop("out", proxy, "user relay", f"password-file {file}") + via("out"))
    with Client(gateway) as client:
        for _ in range(2):
            head = request("a.example", "GET", "/", basic("alice", "clients-secret"))
            assert client.ask(head).status == 200
        assert client.ask(request("a.example")).status == 407
    right = basic("relay", "hops-secret").split(": ")[1]
    assert [m.every("Proxy-Authorization") for m in proxy.requests] == [[right]] * 2
    text = gateway.log + open(gateway.access_path, encoding="utf-8").read()
    assert "secret" not in text


def test_row_239_without_credentials_a_hop_gets_none(hopgate, scripted):
    proxy = scripted()
    with Client(hopgate(via(http(proxy)))) as client:
        assert client.ask(request("a.example", "GET", "/", basic("a", "b"))).status == 200
    assert not proxy.requests[0].every("Proxy-Authorization")


def test_connections_of_other_credentials_are_not_shared(hopgate, scripted, tmp_path):
    proxy = scripted()
    file = secret(tmp_path, "password", "x\n")
    gateway = hopgate(
        ONE
        + hop("one", proxy, "user one", f"password-file {file}")
        + hop("two", proxy, "user two", f"password-file {file}")
        + "routes {\nroute a.example via one\nroute b.example via two\n}\n"
    )
    with Client(gateway) as client:
        for _ in range(2):
            assert client.ask(request("a.example")).status == 200
            assert client.ask(request("b.example")).status == 200
    assert proxy.count == 2
    for connection in proxy.connections:
        assert len({m.get("Proxy-Authorization") for m in connection.requests}) == 1


def test_row_240_a_407_of_a_hop_is_not_ours(hopgate, scripted, origin):
    """The client's credentials are not what it asks for."""
    challenge = 'Proxy-Authenticate: Basic realm="theirs"'
    proxy = scripted(answering(response(b"who?", "407 Who", challenge)))
    gateway = hopgate(
        ONE + f"routes {{\nroute default via {http(proxy)}\nroute 127.0.0.1 direct\n}}\n"
    )
    with Client(gateway) as client:
        answer = client.ask(request("a.example"))
        assert answer.status == 502 and answer.error == "destination_unavailable"
        assert not answer.every("Proxy-Authenticate") and b"theirs" not in answer.body
        assert client.ask(request(origin)).status == 200
    assert gateway.session(status=502)["end"] == "hop-auth"


def test_other_refusals_of_a_hop_are_passed_on(hopgate, scripted):
    status = "Proxy-Status: theirs; error=dns_error"
    proxy = scripted(answering(response(b"no such host", "502 Theirs", status)))
    with Client(hopgate(via(http(proxy)))) as client:
        answer = client.ask(request("a.example"))
    assert (answer.status, answer.body) == (502, b"no such host")
    assert answer.every("Proxy-Status")[0] == "theirs; error=dns_error"


def test_a_hop_that_cannot_be_reached(hopgate):
    with Client(hopgate(via("http://127.0.0.1:1"))) as client:
        answer = client.ask(request("a.example"))
        assert (answer.status, answer.error) == (502, "destination_unavailable")


def test_a_name_that_is_resolved_here_travels_in_a_tunnel(hopgate, origin):
    """An address in absolute form would change what the origin is asked for."""
    fake = FakeHop()
    server = NameServer({"target.example": ["127.0.0.1"]})
    gateway = hopgate(
        server.conf + f"hop out {{ uri {http(fake)}; name-resolution local }}\n" + via("out")
    )
    with Client(gateway) as client:
        for _ in range(2):
            head = request(f"target.example:{origin.port}", "GET", "/x")
            assert client.ask(head).body == b"hello"
    assert fake.targets == [("127.0.0.1", origin.port)]
    assert [m.start for m in origin.requests] == ["GET /x HTTP/1.1"] * 2
    assert origin.requests[0].get("Host") == f"target.example:{origin.port}"
    server.close()
    fake.close()


def test_content_and_trailers_through_a_proxy(hopgate, scripted):
    proxy = scripted(answering(lambda m: response(m.body)))
    with Client(hopgate(via(http(proxy)))) as client:
        head = request("a.example", "POST", "/", CHUNKED)
        assert client.ask(head + chunked(b"hello", b"world")).body == b"helloworld"
    assert proxy.requests[0].framing == "chunked"


def test_five_of_ourselves(hopgate, scripted):
    """Each takes the request as it is; content comes and goes as it was."""
    origin = scripted(answering(lambda m: response(m.body[::-1])))
    gateway = hopgate()
    for _ in range(4):
        gateway = hopgate(via(f"http://{gateway.hostport}"))
    body = os.urandom(1 << 20)
    with Client(gateway) as client:
        for _ in range(2):
            assert client.ask(request(origin, "PUT", "/x", body=body)).body == body[::-1]
        assert client.ask(request(origin, "PUT", "/y", CHUNKED) + chunked(body)).status == 200
    assert len(set(origin.requests[0].listed("Via"))) == 5
    assert [m.body for m in origin.requests] == [body] * 3


def test_a_hop_with_several_addresses(hopgate, scripted):
    """The first that answers; and then that connection is used again."""
    proxy = scripted()
    server = NameServer({"proxy.example": ["127.0.7.1", "127.0.0.1"]})
    gateway = hopgate(server.conf + via(f"http://proxy.example:{proxy.port}"))
    with Client(gateway) as client:
        for _ in range(3):
            assert client.ask(request("a.example")).body == b"hello"
    assert proxy.count == 1
    server.close()


# --- other last hops ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["socks5", "socks4a", "socks4"])
def test_a_socks_hop_gets_the_target_and_the_origin_its_request(hopgate, origin, scheme):
    fake = FakeHop()
    with Client(hopgate(via(f"{scheme}://127.0.0.1:{fake.port}"))) as client:
        for number in range(3):
            assert client.ask(request(origin, path=f"/{number}")).body == b"hello"
    assert fake.targets == [("127.0.0.1", origin.port)]  # and the connection is used again
    assert [m.target for m in origin.requests] == ["/0", "/1", "/2"]
    assert origin.requests[0].get("Host") == origin.authority
    fake.close()


@pytest.mark.parametrize("schemes", [("http", "socks5"), ("http", "socks4a"), ("socks5", "http")])
def test_chains(hopgate, origin, scripted, schemes):
    """To a SOCKS hop behind an HTTP proxy leads a CONNECT; to an HTTP proxy comes the request."""
    first, last = FakeHop(), FakeHop() if schemes[1] != "http" else scripted()
    text = via(f"{schemes[0]}://127.0.0.1:{first.port}", f"{schemes[1]}://127.0.0.1:{last.port}")
    with Client(hopgate(text)) as client:
        assert client.ask(request(origin, path="/through")).body == b"hello"
    assert first.targets == [("127.0.0.1", last.port)]
    if schemes[1] == "http":
        assert last.requests[0].target == f"http://{origin.authority}/through"
    else:
        assert last.targets == [("127.0.0.1", origin.port)]
        assert origin.requests[0].start == "GET /through HTTP/1.1"
        last.close()
    first.close()


def test_another_chain_is_another_connection(hopgate, origin):
    """The same origin by two ways."""
    one, two = FakeHop(), FakeHop()
    gateway = hopgate(
        ONE + "routes {\n"
        f"route 127.0.0.1 via socks5://127.0.0.1:{one.port}\n"
        f"route .localhost via socks5://127.0.0.1:{two.port}\n"
        "}\n"
    )
    with Client(gateway) as client:
        for _ in range(2):
            for host in ("127.0.0.1", "localhost"):
                assert client.ask(request(f"{host}:{origin.port}")).status == 200
    assert one.targets == [("127.0.0.1", origin.port)]
    assert two.targets == [("localhost", origin.port)]
    assert origin.count == 2
    one.close()
    two.close()


@pytest.mark.parametrize("protocol,code", [("socks5", 5), ("socks4a", 91), ("http", 403)])
def test_a_hop_that_refuses(hopgate, protocol, code):
    fake = FakeHop(lambda port: ("code", code))
    scheme = protocol if protocol != "http" else "http"
    text = f"hop out {{ uri {scheme}://127.0.0.1:{fake.port}"
    text += "; name-resolution local }\n" if protocol == "http" else " }\n"
    with Client(hopgate(text + via("out"))) as client:
        answer = client.ask(request("127.0.0.1:80"))
        assert answer.status in (403, 502) and answer.error
        assert not answer.closes
        again = client.ask(request("127.0.0.1:80"))
        assert again.status == answer.status
    fake.close()


def test_a_peer_of_the_field_behind_us(hopgate, peers, origin):
    """Both ways of asking, through the proxy that most networks have."""
    squid = peers("squid")
    gateway = hopgate(via(squid.uri))
    with Client(gateway) as client:
        assert client.ask(request(origin, path="/squid")).body == b"hello"
        assert client.ask(request(origin, "POST", "/up", body=b"12345")).body == b"hello"
    assert [m.target for m in origin.requests] == ["/squid", "/up"]
    assert "squid" in origin.requests[0].get("Via")
    with clients.http(gateway.address(), "127.0.0.1", origin.port) as tunnel:
        assert tunnel


def test_an_upgrade_through_a_proxy(hopgate, scripted):
    switch = b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst"
    proxy = scripted(once(switch, lambda connection: connection.take(4)))
    fields = ["Connection: Upgrade", "Upgrade: websocket"]
    with Client(hopgate(via(http(proxy)))) as client:
        assert client.ask(request("a.example", "GET", "/ws", *fields)).status == 101
        assert client.take(5) == b"first"
        client.send(b"back")
        proxy.until_seen(b"back")
    assert proxy.requests[0].target == "http://a.example/ws"
