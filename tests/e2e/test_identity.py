# SPDX-License-Identifier: ISC
"""Who somebody is without a password, and who belongs to what: every kind, by every protocol."""
import base64
import os
import pwd
import stat

import pytest

import clients
import hopgate as program
import servers
import tools
from messages import Client, basic, request
from scripted_origin import answering
from test_access import password_file
from waiting import until

SECRET = {"user": "alice", "password": "secret"}


def forward(address, host, port, source=None, user=None, password=None):
    """An HTTP request in absolute form; Refused unless it was answered by an origin."""
    sock = clients.connect(address, source)
    fields = () if user is None else (basic(user, password),)
    sock.sendall(request(f"{host}:{port}", "GET", "/", *fields))
    head = clients.read_head(sock)
    status = int(head.split()[1])
    if status != 200:
        sock.close()
        raise clients.Refused(status, head)
    return sock


PROTOCOLS = {**clients.PROTOCOLS, "forward": forward}
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


def say_hello(connection):
    """Answers HTTP, and whoever asks nothing."""
    while data := connection.recv(65536):
        if data.startswith(b"GET "):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


def session_after(gateway, before):
    """The line behind so many in the access log."""
    until(lambda: len(gateway.sessions()) > before, "a line in the access log")
    return gateway.sessions()[before]


def admitted(gateway, protocol, port, name, host="127.0.0.1", address=None, **options):
    """Let in, and logged by that name."""
    before = len(gateway.sessions())
    PROTOCOLS[protocol](address or gateway.address(), host, port, **options).close()
    row = session_after(gateway, before)
    assert row["end"] in ("ok", "closed"), row
    assert row["user"] == name, row


def refused(
    gateway, protocol, port, end, host="127.0.0.1", codes=None, address=None, **options
):
    """Refused, as its protocol says it, and logged with that end."""
    before = len(gateway.sessions())
    with pytest.raises(clients.Refused) as caught:
        PROTOCOLS[protocol](address or gateway.address(), host, port, **options)
    assert caught.value.code in (codes or (91, "method", 403)), caught.value
    if caught.value.code == 403:
        assert b"authenticate" not in caught.value.reply.lower(), "a password would not help"
    row = session_after(gateway, before)
    assert (row["end"], row["user"]) == (end, "-"), row


# --- source -----------------------------------------------------------------------------------


@every_protocol
def test_source(hopgate, serve, protocol):
    origin = serve(say_hello)
    gateway = hopgate(
        "auth lan { source 127.0.0.2 127.0.1.0/24; user house }\n"
        "listen main { address 127.0.0.1:0; auth lan }\n"
    )
    admitted(gateway, protocol, origin.port, "house", source=("127.0.0.2", 0))
    admitted(gateway, protocol, origin.port, "house", source=("127.0.1.9", 0))
    refused(gateway, protocol, origin.port, "not-identified", source=("127.0.0.3", 0))
    assert origin.count in (1, 2), "forwarding keeps connections"


@every_protocol
def test_source_or_password(hopgate, serve, tmp_path, protocol):
    """Who sends a password is judged by it, wherever it comes from."""
    origin = serve(say_hello)
    gateway = hopgate(
        f"auth staff {{ password-file {password_file(tmp_path, alice='secret')} }}\n"
        "auth lan { source 127.0.0.2; user house }\n"
        "listen main { address 127.0.0.1:0; auth staff lan }\n"
    )
    at_home, elsewhere = {"source": ("127.0.0.2", 0)}, {"source": ("127.0.0.3", 0)}
    admitted(gateway, protocol, origin.port, "house", **at_home)
    refused(gateway, protocol, origin.port, "auth-required", codes=(91, "method", 407), **elsewhere)
    if protocol.startswith("socks4"):
        return
    admitted(gateway, protocol, origin.port, "alice", **elsewhere, **SECRET)
    admitted(gateway, protocol, origin.port, "alice", **at_home, **SECRET)
    refused(
        gateway, protocol, origin.port, "auth-failed", codes=("password", 407),
        **at_home, user="alice", password="wrong",
    )


@pytest.mark.parametrize("auth,user", [("lan+staff", "alice"), ("staff+lan", "house")])
@every_protocol
def test_both(hopgate, serve, tmp_path, protocol, auth, user):
    """The last names the user; rows may ask for either."""
    origin = serve(say_hello)
    gateway = hopgate(
        f"auth staff {{ password-file {password_file(tmp_path, alice='secret')} }}\n"
        "auth lan { source 127.0.0.2; user house }\n"
        f"listen main {{ address 127.0.0.1:0; auth {auth} }}\n"
        "access { block any not user @lan; block any not user @staff; pass any }\n"
    )
    at_home, elsewhere = {"source": ("127.0.0.2", 0)}, {"source": ("127.0.0.3", 0)}
    refused(gateway, protocol, origin.port, "not-identified", **elsewhere, **SECRET)
    refused(gateway, protocol, origin.port, "auth-required", codes=(91, "method", 407), **at_home)
    if not protocol.startswith("socks4"):
        admitted(gateway, protocol, origin.port, user, **at_home, **SECRET)


# --- unix-peer --------------------------------------------------------------------------------


@every_protocol
def test_unix_peer(hopgate, serve, protocol):
    origin = serve(say_hello)
    gateway = hopgate(
        "auth local { unix-peer }\n"
        "listen main { address unix:sock 127.0.0.1:0; auth local }\n"
        "access { pass any user @local }\n"
    )
    path, tcp = sorted(gateway.addresses(), key=str, reverse=True)
    path, tcp = (path, tcp) if isinstance(path, str) else (tcp, path)
    name = pwd.getpwuid(os.getuid()).pw_name
    admitted(gateway, protocol, origin.port, name, address=path)
    refused(gateway, protocol, origin.port, "not-identified", address=tcp)


def test_unix_peer_without_a_name(hopgate, serve):
    tools.need_root("a uid of nobody is taken")
    origin = serve(say_hello)
    gateway = hopgate(
        "auth local { unix-peer }\nlisten main { address unix:sock { mode 666 }; auth local }\n"
        "access { pass any user uid:54321 }\n"
    )
    script = (
        "import os, socket, sys; os.setuid(54321)\n"
        "sock = socket.socket(socket.AF_UNIX); sock.connect(sys.argv[1])\n"
        "sock.sendall(b'\\5\\1\\0' + bytes.fromhex(sys.argv[2])); sock.settimeout(20)\n"
        "data = b''\n"
        "while len(data) < 4: data += sock.recv(9)\n"
        "print(data[:4].hex())"
    )
    os.chmod(gateway.directory, 0o755)
    words = clients.socks5_request("127.0.0.1", origin.port).hex()
    done = tools.run("/usr/bin/python3", "-c", script, gateway.address(), words)
    assert done.stdout.strip() == "05000500", done.stderr
    assert gateway.session(user="uid:54321")


# --- programs -------------------------------------------------------------------------------------


def test_exec(hopgate, serve, tmp_path):
    origin = serve(say_hello)
    path = tmp_path / "check"
    path.write_text(
        "#!/bin/sh\nread -r user; read -r word\n"
        'test "$1 $user $word" = "arg alice secret"\n'
    )
    path.chmod(0o755)
    gateway = hopgate(
        f"auth tool {{ exec {path} arg; cache off }}\n"
        "listen main { address 127.0.0.1:0; auth tool }\naccess { pass any user @tool }\n"
    )
    for protocol in ("socks5", "http", "forward"):
        admitted(gateway, protocol, origin.port, "alice", **SECRET)
        refused(
            gateway, protocol, origin.port, "auth-failed", codes=("password", 407),
            user="alice", password="wrong",
        )


@pytest.mark.parametrize(
    "name,password,right",
    [
        (b"w\xf6rd", b"\xff\xfe", True),
        ("wörd".encode(), "pässe:wort".encode(), True),
        (b"x" * 255, b"y" * 255, True),
        (b"a b", b" ", True),
        (b"a\0b", b"x", False),
        (b"a", b"x\0y", False),
        (b"", b"x", False),
        (b"a", b"", False),
    ],
)
def test_rows_096_247_names_are_bytes(hopgate, serve, tmp_path, name, password, right):
    """Of 1 to 255 bytes and any encoding, and the same by SOCKS5 and by HTTP."""
    origin, path = serve(say_hello), tmp_path / "yes"
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)
    gateway = hopgate(
        f"auth yes {{ exec {path} }}\nlisten main {{ address 127.0.0.1:0; auth yes }}\n"
        f"access-log file {tmp_path}/log json\n"
    )
    gateway.access_path = tmp_path / "log"
    login = b"\1" + bytes([len(name)]) + name + bytes([len(password)]) + password
    wanted = clients.socks5_request("127.0.0.1", origin.port)
    said = clients.exchange(gateway.address(), b"\5\1\2" + login + wanted, end=True)
    assert said[:2] == b"\5\2" and (said[3:4] == b"\0") == right
    token = base64.b64encode(name + b":" + password).decode()
    with Client(gateway) as client:
        head = request(origin, "GET", "/", f"Proxy-Authorization: Basic {token}")
        assert client.ask(head).status == (200 if right else 407)
    until(lambda: len(gateway.sessions()) == 2, "two lines")
    one, other = [row["user"] for row in gateway.sessions()]
    assert one == other and (one is None) == (not right)


def test_row_248_a_name_that_is_too_long_for_socks5(hopgate, serve, tmp_path):
    origin, path = serve(say_hello), tmp_path / "yes"
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)
    gateway = hopgate(
        f"auth yes {{ exec {path} }}\nlisten main {{ address 127.0.0.1:0; auth yes }}\n"
    )
    for name, password in (("x" * 256, "y"), ("x", "y" * 256)):
        with pytest.raises(clients.Refused) as caught:
            clients.http(
                gateway.address(), "127.0.0.1", origin.port, user=name, password=password
            )
        assert caught.value.code == 407


# --- sets of users --------------------------------------------------------------------------------


@pytest.fixture(name="sets")
def users_of_several_kinds(tmp_path):
    names = tmp_path / "names"
    names.write_text("# by hand\n" + "".join(f"user{i}\n" for i in range(20000)) + "carol:x\n")
    staff = password_file(tmp_path, alice="a", bob="b", carol="c", dave="d")
    return (
        f"auth staff {{ password-file {staff} }}\n"
        f"users ops {{ alice bob; limits {{ sessions 1 }} }}\nusers many {{ file {names} }}\n"
    )


@pytest.mark.parametrize("protocol", ["socks5", "http", "forward"])
def test_sets_in_access_and_routes(hopgate, serve, sets, protocol):
    origin = serve(say_hello)
    gateway = hopgate(
        sets
        + "listen main { address 127.0.0.1:0; auth staff none }\n"
        "access { block any user @ops not user alice; pass any }\n"
        "routes { route default user @many direct; route default user @ops direct;\n"
        'route default reject "only for some" }\n'
        "expect x:1 user alice direct\nexpect x:1 user carol @staff direct\n"
        "expect x:1 user user19999 @many direct\nexpect x:1 user bob reject\nexpect x:1 reject\n"
    )
    for user in ("alice", "carol"):
        admitted(gateway, protocol, origin.port, user, user=user, password=user[0])
    before = len(gateway.sessions())
    for who, end in (("bob", "denied"), ("dave", "rejected"), (None, "rejected")):
        options = {} if who is None else {"user": who, "password": who[0]}
        with pytest.raises(clients.Refused) as caught:
            PROTOCOLS[protocol](gateway.address(), "127.0.0.1", origin.port, **options)
        assert caught.value.code in (2, 403)
        assert session_after(gateway, before)["end"] == end
        before += 1


def test_a_limit_of_a_set(hopgate, serve, sets):
    origin = serve(servers.echo)
    gateway = hopgate(
        sets + "limits { sessions-per-user 2 }\nlisten main { address 127.0.0.1:0; auth staff }\n"
    )

    def tunnel(user):
        return clients.socks5(
            gateway.address(), "127.0.0.1", origin.port, user=user, password=user[0]
        )

    held = [tunnel("alice"), tunnel("bob"), tunnel("carol"), tunnel("carol")]
    for user in ("alice", "bob", "carol"):
        with pytest.raises(clients.Refused):
            tunnel(user)
    assert gateway.session(end="limit", user="carol")
    held.pop(0).close()
    gateway.session(user="alice", end="closed")
    tunnel("alice").close()
    for sock in held:
        sock.close()


def test_unix_groups(hopgate, serve, tmp_path):
    """Those that a group lists, and those whose own it is."""
    tools.need_root("root's own group is asked about")
    origin = serve(say_hello)
    gateway = hopgate(
        "users wheel { unix-group root }\nauth local { unix-peer }\n"
        "listen main { address unix:sock; auth local }\naccess { pass any user @wheel }\n"
    )
    admitted(gateway, "socks5", origin.port, "root")


def test_explain_knows_sets(tmp_path, sets):
    path = tmp_path / "conf"
    path.write_text(
        sets + "listen main { address 127.0.0.1:0; auth staff }\n"
        "routes { route default user @ops direct; route default reject }\n"
    )
    path.chmod(stat.S_IRUSR)

    def ask(*words):
        done = program.command("explain", "-c", path, *words, "--resolves", "192.0.2.1", "x:1")
        return done.returncode, done.stdout.split("\n")[0] or done.stderr

    assert ask("--user", "alice") == (0, "direct")
    assert ask("--user", "alice", "--user", "@staff") == (0, "direct")
    assert ask("--user", "@ops") == (0, "direct")
    assert ask("--user", "dave") == (0, "reject")
    status, said = ask("--user", "dave", "--user", "@ops")
    assert status == 2 and "'@ops' does not name that user" in said
    status, said = ask("--user", "@opps")
    assert status == 2 and "'@opps' is no 'auth' and no 'users'" in said


def test_each_request_has_its_own_identity(hopgate, scripted, tmp_path):
    """Row 254: on one connection, with and without a password, from a known address."""
    origin = scripted(answering())
    gateway = hopgate(
        f"auth staff {{ password-file {password_file(tmp_path, alice='secret')} }}\n"
        "auth lan { source 127.0.0.1; user house }\n"
        "listen main { address 127.0.0.1:0; auth staff lan }\n"
        "access { block any user alice ports 1; pass any }\n"
    )
    login = basic("alice", "secret")
    with Client(gateway) as client:
        for field in (login, None, login, None):
            fields = () if field is None else (field,)
            assert client.ask(request(origin, "GET", "/", *fields)).status == 200
    until(lambda: len(gateway.sessions()) == 4, "a line for each request")
    assert [row["user"] for row in gateway.sessions()] == ["alice", "house"] * 2
