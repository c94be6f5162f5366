# SPDX-License-Identifier: ISC
"""Hops and name servers that fail, and what the client and the log are told."""
import time

import pytest

import clients
import hopgate as program
import servers
import tools
from fakes import FakeHop
from names import NameServer
from waiting import free_port


def refused(gateway, host, port, protocol="socks5"):
    with pytest.raises(clients.Refused) as failure:
        clients.PROTOCOLS[protocol](gateway.address(), host, port)
    return failure.value.code


# --- hops -------------------------------------------------------------------------


def test_hop_refused(hopgate):
    gateway = hopgate(f"routes {{ route default via socks5://127.0.0.1:{free_port()} }}\n")
    assert refused(gateway, "127.0.0.1", 80) == 1
    assert refused(gateway, "127.0.0.1", 80, "http") == 502
    assert gateway.session(target="127.0.0.1:80")["end"] == "hop-unreachable"


@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "http", "socks"])
@pytest.mark.parametrize("first", ["silent-first", "close-first", "garbage-first"])
def test_hop_fails_at_its_first_word(hopgate, scheme, first):
    fake = FakeHop(first=first)
    gateway = hopgate(
        "timeouts { dial 1s; connect 1s }\n"
        f"routes {{ route default via {scheme}://127.0.0.1:{fake.port} }}\n"
    )
    begin = time.monotonic()
    assert refused(gateway, "127.0.0.1", 80) in (1, 6)
    assert time.monotonic() - begin < 8
    ends = {
        "silent-first": ("hop-timeout", "timeout"),
        "close-first": ("hop-closed",),
        "garbage-first": ("hop-protocol",),
    }
    row = gateway.session(target="127.0.0.1:80")
    assert row["end"] in ends[first], row
    fake.close()


def test_second_hop_refused_is_told_apart(hopgate, serve):
    first = FakeHop()
    gateway = hopgate(
        f"hop one {{ uri socks5://127.0.0.1:{first.port} }}\n"
        f"hop two {{ uri socks5://127.0.0.1:{free_port()} }}\n"
        "routes { route default via one two }\n"
    )
    assert refused(gateway, "127.0.0.1", 80) == 1
    row = gateway.session(target="127.0.0.1:80")
    assert row["end"].startswith("hop-"), row
    assert row["hops"].startswith("one")
    first.close()


def test_hop_password(hopgate, serve, tmp_path):
    origin = serve(servers.echo)
    fake = FakeHop(password="relay:se:cret")
    secret = tmp_path / "secret"
    secret.write_text("se:cret\n")
    secret.chmod(0o600)
    gateway = hopgate(
        f"hop up {{ uri socks5://127.0.0.1:{fake.port}; user relay; password-file {secret} }}\n"
        "routes { route default via up }\n"
    )
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"let in") == b"let in"
    assert "cret" not in gateway.log
    fake.password = "relay:other"
    assert refused(gateway, "127.0.0.1", origin.port) == 1
    assert gateway.session(end="hop-auth")
    fake.close()


def test_row_232_hop_gets_no_byte_of_the_client_before_it_granted(hopgate, serve):
    seen = []

    def hop(connection):
        head = clients.read_head(connection)
        connection.settimeout(1)
        try:
            seen.append((head, connection.recv(100)))
        except TimeoutError:
            seen.append((head, None))
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.settimeout(20)
        servers.echo(connection)

    gateway = hopgate(f"routes {{ route default via http://127.0.0.1:{serve(hop).port} }}\n")
    tunnel = clients.http(gateway.address(), "example.net", 443, early=b"eager")
    assert clients.read_exactly(tunnel, 5) == b"eager"
    assert seen[0][1] is None


def password_of_alice(tmp_path):
    users = tmp_path / "users"
    assert tools.run(program.PROGRAM, "passwd", users, "alice", input="s3cret\n").returncode == 0
    return (
        f"auth staff {{ password-file {users} }}\n"
        "listen main { address 127.0.0.1:0; auth staff }\n"
    )


@pytest.mark.parametrize("protocol", ["socks5", "http"])
@pytest.mark.parametrize("hop", ["socks4", "socks5", "http", None])
def test_row_239_credentials_of_the_client_go_nowhere(hopgate, serve, tmp_path, protocol, hop):
    """Neither to a hop, which would see them in its log, nor to the target."""
    seen = []

    def listen(connection):
        grant = {"socks4": b"\0\x5a" + bytes(6), "socks5": b"\5\0\0\1" + bytes(6)}
        if hop == "socks5":
            seen.append(clients.read_exactly(connection, 2))
            seen.append(clients.read_exactly(connection, seen[-1][1]))
            connection.sendall(b"\5\0")
        if hop == "http":
            seen.append(clients.read_head(connection))
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        elif hop:
            seen.append(connection.recv(1000))
            connection.sendall(grant[hop])
        seen.append(connection.recv(1000))
        connection.sendall(b"heard")

    server = serve(listen)
    way = f"routes {{ route default via {hop}://127.0.0.1:{server.port} }}\n" if hop else ""
    gateway = hopgate(password_of_alice(tmp_path) + way)
    login = {"user": "alice", "password": "s3cret"}
    tunnel = clients.PROTOCOLS[protocol](gateway.address(), "127.0.0.1", server.port, **login)
    assert clients.ask(tunnel, b"payload", 5) == b"heard"
    said = b"".join(seen)
    assert said.endswith(b"payload")
    for secret in (b"alice", b"s3cret", b"uthorization", b"YWxpY2U6czNjcmV0"):
        assert secret not in said


@pytest.mark.parametrize("scheme,name", [("socks5", True), ("socks4a", True), ("http", True)])
def test_names_travel_to_the_last_hop(hopgate, scheme, name):
    fake = FakeHop(lambda port: "name")
    gateway = hopgate(f"routes {{ route default via {scheme}://127.0.0.1:{fake.port} }}\n")
    tunnel = clients.socks5(gateway.address(), "only.the.hop.knows.example", 80)
    assert clients.read_exactly(tunnel, 26) == b"only.the.hop.knows.example"
    assert name
    fake.close()


def test_socks4_hops_and_local_resolution_get_an_address(hopgate):
    fake = FakeHop(lambda port: "name")
    server = NameServer({"target.example": ["192.0.2.77"]})
    gateway = hopgate(
        server.conf + f"hop four {{ uri socks4://127.0.0.1:{fake.port} }}\n"
        f"hop five {{ uri socks5://127.0.0.1:{fake.port}; name-resolution local }}\n"
        "routes { route default ports 4 via four\nroute default ports 5 via five }\n"
    )
    for port in (4, 5):
        tunnel = clients.socks5(gateway.address(), "target.example", port)
        assert clients.read_exactly(tunnel, 10) == b"192.0.2.77"
    server.close()
    fake.close()


# --- names --------------------------------------------------------------------------


NAMES = {
    "silent.example": ("name-timeout", 1, 504),
    "servfail.example": ("name-failed", 1, 502),
    "refused.example": ("name-failed", 1, 502),
    "garbage.example": ("name-timeout name-failed", 1, 504),
    "nothing.example": ("name-not-found", 4, 502),
    "only-mail.example": ("name-no-address", 4, 502),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_fail(hopgate, name):
    server = NameServer({"only-mail.example": []})
    gateway = hopgate(server.conf)
    end, socks, http = NAMES[name]
    assert refused(gateway, name, 80) == socks
    row = gateway.session(target=f"{name}:80", protocol="socks5")
    assert row["end"] in end.split(), row
    assert refused(gateway, name, 80, "http") in (http, 502)
    assert refused(gateway, name, 80, "socks4") == 91
    server.close()


def test_a_truncated_answer_is_asked_again_over_tcp(hopgate, serve):
    origin = serve(servers.echo)
    server = NameServer({"truncated.example": ["127.0.0.1"]})
    gateway = hopgate(server.conf)
    tunnel = clients.socks5(gateway.address(), "truncated.example", origin.port)
    assert clients.ask(tunnel, b"whole") == b"whole"
    assert any(transport == "tcp" for _, _, transport in server.questions)
    server.close()


def test_a_name_is_asked_once_and_kept(hopgate, serve):
    origin = serve(servers.echo)
    server = NameServer({"often.example": ["127.0.0.1"]})
    gateway = hopgate("workers 1\n" + server.conf)
    for _ in range(20):
        tunnel = clients.socks5(gateway.address(), "often.example", origin.port)
        assert clients.ask(tunnel, b"x") == b"x"
        tunnel.close()
    assert len(server.asked("often.example")) <= 2  # A and AAAA
    server.close()


def test_the_next_address_is_tried_when_one_refuses(hopgate, serve):
    origin = serve(servers.echo)
    server = NameServer({"several.example": ["127.0.7.1", "127.0.7.2", "127.0.0.1", "::1"]})
    gateway = hopgate(server.conf)
    tunnel = clients.socks5(gateway.address(), "several.example", origin.port)
    assert clients.ask(tunnel, b"found") == b"found"
    server.close()


def test_names_that_are_no_names_are_never_asked(hopgate):
    server = NameServer({})
    gateway = hopgate(server.conf)
    hosts = ["0x7f.1", "127.1", "2130706433", "a b.example", "x" * 64 + ".example", "a..b"]
    for host in hosts:
        assert refused(gateway, host, 80) in (1, 4, 8)
    assert refused(gateway, "asked.example", 80) == 4
    assert {name for name, _, _ in server.questions} == {"asked.example"}
    server.close()


def test_hosts_come_before_the_name_server(hopgate, serve, tmp_path):
    origin = serve(servers.echo)
    server = NameServer({"plain.example": ["127.0.7.7"], "far.corp.example": ["127.0.0.1"]})
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 Plain.Example alias # comment\n::1 six.example\n")
    gateway = hopgate(
        f"resolver {{ servers 127.0.0.1:{server.port}; hosts {hosts}; search corp.example }}\n"
    )
    for host in ("plain.example", "alias", "far"):
        tunnel = clients.socks5(gateway.address(), host, origin.port)
        assert clients.ask(tunnel, b"x") == b"x", host
    assert {name for name, _, _ in server.questions} == {"far.corp.example"}
    server.close()


def test_localhost_is_ours(hopgate, serve):
    origin = serve(servers.echo)
    server = NameServer({})
    fake = FakeHop()
    gateway = hopgate(
        server.conf + f"routes {{ route default via socks5://127.0.0.1:{fake.port}\n"
        "route .localhost direct }\n"
    )
    for host in ("localhost", "LOCALHOST.", "x.localhost"):
        tunnel = clients.socks5(gateway.address(), host, origin.port)
        assert clients.ask(tunnel, b"near") == b"near"
    assert not server.questions and not fake.targets
    server.close()
    fake.close()


def test_a_silent_name_server_delays_nobody_else(hopgate, serve):
    origin = serve(servers.echo)
    server = NameServer({"good.example": ["127.0.0.1"]})
    gateway = hopgate("workers 1\n" + server.conf)
    waiting = []
    for number in range(50):
        sock = clients.connect(gateway.address())
        clients.socks5_greet(sock)
        sock.sendall(clients.socks5_request(f"silent.{number}.example", 80))
        waiting.append(sock)
    begin = time.monotonic()
    tunnel = clients.socks5(gateway.address(), "good.example", origin.port)
    assert clients.ask(tunnel, b"quick") == b"quick"
    assert time.monotonic() - begin < 2
    for sock in waiting:
        with pytest.raises(clients.Refused):
            clients.socks5_reply(sock)
    server.close()


def test_dnsmasq(hopgate, serve, tmp_path):
    program, port = tools.need("dnsmasq"), free_port()
    origin = serve(servers.echo)
    process = tools.start(
        program,
        *("--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"),
        *(f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces"),
        *("--address=/real.example/127.0.0.1", f"--pid-file={tmp_path}/pid", "--user="),
        log=tmp_path / "dnsmasq.log",
    )
    try:
        from waiting import until_accepts

        until_accepts(("127.0.0.1", port), process)
        gateway = hopgate(f"resolver {{ servers 127.0.0.1:{port} }}\n")
        tunnel = clients.socks5(gateway.address(), "www.real.example", origin.port)
        assert clients.ask(tunnel, b"named") == b"named"
        assert refused(gateway, "unreal.invalid", 80) in (1, 4)
    finally:
        tools.end(process)
