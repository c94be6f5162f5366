# SPDX-License-Identifier: ISC
"""Who is let in, and what may be asked: passwords, allow and deny, access, own doors."""
import time

import pytest

import clients
import hopgate as program
import servers
import spaces
from fakes import FakeHop
from names import NameServer
from waiting import free_port, until


def password_file(directory, **users):
    path = directory / "users"
    for user, password in users.items():
        done = program.command("passwd", path, user, input=password + "\n")
        assert done.returncode == 0, done.stderr
    return path


def guarded(path, listen=""):
    return (
        f"auth staff {{ password-file {path} }}\n"
        f"listen main {{ address 127.0.0.1:0; auth staff; {listen} }}\n"
    )


def login(gateway, origin, password):
    """As alice, by SOCKS5."""
    options = {"user": "alice", "password": password}
    return clients.socks5(gateway.address(), "127.0.0.1", origin.port, **options)


# --- passwords -------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["socks5", "http"])
def test_password(hopgate, serve, tmp_path, protocol):
    origin = serve(servers.echo)
    gateway = hopgate(guarded(password_file(tmp_path, alice="pa:ss wörd")))
    dial = clients.PROTOCOLS[protocol]
    tunnel = dial(gateway.address(), "127.0.0.1", origin.port, user="alice", password="pa:ss wörd")
    assert clients.ask(tunnel, b"in") == b"in"
    tunnel.close()
    assert gateway.session(end="closed")["user"] == "alice"
    for user, password in (("alice", "wrong"), ("bob", "pa:ss wörd"), ("", ""), ("alice", "")):
        with pytest.raises(clients.Refused) as refused:
            dial(gateway.address(), "127.0.0.1", origin.port, user=user, password=password)
        assert refused.value.code in ("password", 407)
    assert gateway.session(end="auth-failed")
    assert origin.count == 1
    text = gateway.log + open(gateway.access_path, encoding="utf-8").read()
    assert "pa:ss" not in text and "wrong" not in text.replace("wrong user", "")


@pytest.mark.parametrize("protocol", clients.PROTOCOLS)
def test_without_a_password(hopgate, serve, tmp_path, protocol):
    """Rows 19, 22 and 238: never silently allowed."""
    origin = serve(servers.echo)
    gateway = hopgate(guarded(password_file(tmp_path, alice="secret")))
    with pytest.raises(clients.Refused) as refused:
        clients.PROTOCOLS[protocol](gateway.address(), "127.0.0.1", origin.port)
    assert refused.value.code in ("method", 91, 93, 407)
    if protocol == "http":
        assert b"proxy-authenticate: basic realm=" in refused.value.reply.lower()
    assert origin.count == 0


@pytest.mark.parametrize("protocol", clients.PROTOCOLS)
def test_optional_login(hopgate, serve, tmp_path, protocol):
    origin = serve(servers.echo)
    path = password_file(tmp_path, alice="secret")
    gateway = hopgate(guarded(path).replace("auth staff;", "auth staff none;"))
    dial = clients.PROTOCOLS[protocol]
    dial(gateway.address(), "127.0.0.1", origin.port).close()
    if protocol in ("socks5", "http"):
        with pytest.raises(clients.Refused):
            dial(gateway.address(), "127.0.0.1", origin.port, user="alice", password="wrong")


def test_the_first_file_that_knows_the_user_decides(hopgate, serve, tmp_path):
    origin = serve(servers.echo)
    for name, users in (("one", {"alice": "a", "both": "first"}), ("two", {"both": "second"})):
        (tmp_path / name).mkdir()
        password_file(tmp_path / name, **users, **({"bob": "b"} if name == "two" else {}))
    gateway = hopgate(
        "".join(f"auth {n} {{ password-file {tmp_path}/{n}/users }}\n" for n in ("one", "two"))
        + "listen main { address 127.0.0.1:0; auth one two }\n"
        "access { block any user bob not user @two; pass any }\n"
    )
    address = gateway.address()
    for user, password, right in (
        ("alice", "a", True),
        ("bob", "b", True),
        ("both", "first", True),
        ("both", "second", False),
        ("nobody", "b", False),
    ):
        options = {"user": user, "password": password}
        if right:
            clients.http(address, "127.0.0.1", origin.port, **options).close()
            continue
        with pytest.raises(clients.Refused) as refused:
            clients.http(address, "127.0.0.1", origin.port, **options)
        assert refused.value.code == 407


def test_a_changed_file_counts_at_once(hopgate, serve, tmp_path):
    origin = serve(servers.echo)
    path = password_file(tmp_path, alice="old")
    gateway = hopgate(guarded(path))
    login(gateway, origin, "old").close()
    password_file(tmp_path, alice="new")
    login(gateway, origin, "new").close()
    with pytest.raises(clients.Refused):
        login(gateway, origin, "old")


def test_a_lost_file_lets_nobody_in(hopgate, serve, tmp_path):
    origin = serve(servers.echo)
    path = password_file(tmp_path, alice="secret")
    gateway = hopgate(guarded(path))
    path.unlink()
    with pytest.raises(clients.Refused):
        login(gateway, origin, "secret")
    assert gateway.session(end="auth-unavailable")
    assert origin.count == 0


def test_row_033_no_payload_when_the_login_fails(hopgate, serve, tmp_path):
    origin = serve(servers.echo)
    gateway = hopgate(guarded(password_file(tmp_path, alice="secret")))
    message = b"\5\1\2\1\5alice\5wrong" + clients.socks5_request("127.0.0.1", origin.port)
    assert clients.exchange(gateway.address(), message + b"payload") == b"\5\2\1" + b"\1"
    assert origin.count == 0


def test_row_098_a_nul_in_the_password(hopgate, serve, tmp_path):
    gateway = hopgate(guarded(password_file(tmp_path, alice="secret")))
    reply = clients.exchange(gateway.address(), b"\5\1\2\1\5alice\x0bsecret\0junk")
    assert reply[:2] == b"\5\2" and reply[3:] != b"\0"


def test_row_100_slow_logins_hold_up_nobody(hopgate, serve, tmp_path):
    """While many passwords are hashed, tunnels go on."""
    origin = serve(servers.echo)
    gateway = hopgate("workers 1\n" + guarded(password_file(tmp_path, alice="secret")))
    tunnel = login(gateway, origin, "secret")
    waiting = []
    for _ in range(30):
        sock = clients.connect(gateway.address())
        sock.sendall(b"\5\1\2\1\5alice\5wrong")
        waiting.append(sock)
    worst = 0
    for _ in range(50):
        begin = time.monotonic()
        assert clients.ask(tunnel, b"x") == b"x"
        worst = max(worst, time.monotonic() - begin)
    assert worst < 0.5
    for sock in waiting:
        assert clients.read_all(sock) == b"\5\2\1\1"


@pytest.mark.parametrize("method", ["yescrypt", "bcrypt", "sha512", "sha256"])
def test_hashes_of_other_programs(hopgate, serve, tmp_path, method):
    hashes = {
        "yescrypt": "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$dcdi.Kj3Y1NH3BK2uZ3cZVoROm5iiTxn1keRYFNoCOA",
        "bcrypt": "$2b$05$c92SVSfjeiCD6F2nAD6y0upBuw1Mk9cXElfJQTuMAgG8Rjw7Q4ZSW",
        "sha512": "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLi"
        "BFdcbYEdFCoEOfaS35inz1",
        "sha256": "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
    }
    password = {"yescrypt": "pleaseletmein", "bcrypt": "U*U*U"}.get(method, "Hello world!")
    origin, path = serve(servers.echo), tmp_path / "users"
    path.write_text(f"# users\nother:{hashes['sha256']}\nalice:{hashes[method]}:ignored:fields\n")
    path.chmod(0o600)
    gateway = hopgate(guarded(path))
    with pytest.raises(clients.Refused):
        login(gateway, origin, password + "x")
    tunnel = login(gateway, origin, password)
    assert clients.ask(tunnel, b"x") == b"x"


@pytest.mark.parametrize("line", ["alice:plain", "alice:$1$a$b", "alice:{SHA}x", "no-colon"])
def test_weak_hashes_are_errors(tmp_path, line):
    path = tmp_path / "users"
    path.write_text(line + "\n")
    path.chmod(0o600)
    status, said = program.check(tmp_path, guarded(path))
    assert status == 1 and str(path) in said, said


# --- where they come from ---------------------------------------------------------------


@pytest.mark.parametrize(
    "rules,allowed",
    [
        ("", True),
        ("allow 127.0.0.0/8", True),
        ("allow 192.0.2.0/24", False),
        ("deny 127.0.0.1", False),
        ("deny 192.0.2.0/24", True),
        ("allow 127.0.0.0/8; deny 127.0.0.1", False),
        ("deny 127.0.0.0/8; allow 127.0.0.1", True),
        ("allow 127.0.0.1; deny 127.0.0.1", False),
        ("deny all; allow 127.0.0.1", True),
    ],
)
def test_allow_and_deny(hopgate, serve, rules, allowed):
    origin = serve(servers.echo)
    gateway = hopgate(f"listen main {{ address 127.0.0.1:0; {rules} }}\n")
    if allowed:
        clients.socks5(gateway.address(), "127.0.0.1", origin.port).close()
        return
    with pytest.raises((clients.Refused, ConnectionError)):
        clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert gateway.session(end="client-denied")
    assert origin.count == 0


# --- what may be asked -------------------------------------------------------------------


def test_access(hopgate, serve):
    origin = serve(servers.echo)
    server = NameServer({"good.example": ["127.0.0.1"], "sneaky.example": ["127.0.5.5"]})
    gateway = hopgate(
        server.conf
        + """
        access {
            block bad.example
            block .ads.example
            block 127.0.5.0/24
            block any ports 25 465-587
            pass any
        }
        """
    )
    address = gateway.address()
    for host in ("bad.example", "BAD.example.", "x.ads.example", "127.0.5.9", "sneaky.example"):
        with pytest.raises(clients.Refused) as refused:
            clients.socks5(address, host, origin.port)
        assert refused.value.code == 2, host
    for spelling in ("::ffff:127.0.5.9", "::ffff:7f00:509"):  # row 55
        with pytest.raises(clients.Refused) as refused:
            clients.socks5(address, spelling, origin.port)
        assert refused.value.code == 2, spelling
    with pytest.raises(clients.Refused):
        clients.http(address, "127.0.0.1", 465)
    asked = {name for name, _, _ in server.questions}
    assert "bad.example" not in asked, "row 44: nothing is resolved before access said yes"
    clients.socks5(address, "good.example", origin.port).close()
    origin.until_connections(1)
    assert gateway.session(end="denied")
    server.close()


def test_access_without_a_last_pass_blocks(hopgate, serve):
    origin = serve(servers.echo)
    gateway = hopgate(f"access {{ pass 127.0.0.1 ports {origin.port} }}\n")
    clients.socks5(gateway.address(), "127.0.0.1", origin.port).close()
    with pytest.raises(clients.Refused) as refused:
        clients.socks5(gateway.address(), "127.0.0.2", origin.port)
    assert refused.value.code == 2


def test_access_by_user(hopgate, serve, tmp_path):
    origin = serve(servers.echo)
    path = password_file(tmp_path, alice="a", bob="b")
    gateway = hopgate(
        f"auth staff {{ password-file {path} }}\n"
        "listen main { address 127.0.0.1:0; auth staff none }\n"
        "access { pass any user alice; block any user @staff; block any user - ; pass any }\n"
    )
    address = gateway.address()
    clients.socks5(address, "127.0.0.1", origin.port, user="alice", password="a").close()
    for who in ({"user": "bob", "password": "b"}, {}):
        with pytest.raises(clients.Refused):
            clients.socks5(address, "127.0.0.1", origin.port, **who)


def test_connecting_to_oneself_is_noticed(hopgate):
    """Row 18 of the abuse list: directly, by another spelling, and through another gateway."""
    gateway = hopgate()
    for host in ("127.0.0.1", "localhost", "::ffff:127.0.0.1", "127.0.0.1."):
        with pytest.raises(clients.Refused):
            clients.socks5(gateway.address(), host, gateway.port)
    until(lambda: len(gateway.sessions()) == 4, "a line for each")
    ends = [row["end"] for row in gateway.sessions()]
    assert "loop" in ends and not {"ok", "closed"} & set(ends), ends


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_hop_that_is_ourselves(hopgate, serve, host):
    port = free_port()
    gateway = hopgate(
        f"listen main {{ address 127.0.0.1:{port} }}\n"
        f"routes {{ route default via socks5://{host}:{port} }}\n"
    )
    begin = gateway.cpu_seconds()
    with pytest.raises(clients.Refused):
        clients.socks5(gateway.address(), "127.0.0.1", 9)
    assert len(gateway.sessions()) <= 2
    assert gateway.session()["end"] == "loop"
    assert gateway.cpu_seconds() - begin < 1


# --- own doors ----------------------------------------------------------------------------


def test_own_doors_are_shut_to_others(hopgate, tmp_path):
    """For clients that are not on loopback; in a namespace with an address of its own."""
    with spaces.Space() as space:
        space.ip("link set lo up")
        space.ip("address add 198.51.100.1/32 dev lo")
        space.site("127.0.0.1", 8081)
        space.site("198.51.100.1", 8082)
        text = "listen main { address 198.51.100.1:3128; auth none }\n"
        gateway = hopgate(text, prefix=space.prefix)
        opened = hopgate(
            text.replace("3128", "3129") + "access { pass 127.0.0.1 ports 8081; pass any }\n",
            prefix=space.prefix,
        )

        def curl(port, url):
            done = space.curl("-x", f"socks5h://198.51.100.1:{port}", url)
            return done.stdout

        assert curl(3128, "http://198.51.100.1:8082/hello") == "hello from inside\n"
        for host in ("127.0.0.1", "localhost", "127.5.5.5", "[::1]", "[::ffff:127.0.0.1]"):
            assert curl(3128, f"http://{host}:8081/hello") == "", host
        assert gateway.session(end="own-door")
        assert curl(3128, "http://169.254.1.1:8081/hello") == ""
        assert curl(3128, "http://198.51.100.1:3128/") == ""
        assert curl(3129, "http://127.0.0.1:8081/hello") == "hello from inside\n"
        assert curl(3129, "http://127.0.0.2:8081/hello") == ""
        assert opened.alive()


@pytest.mark.parametrize(
    "listen,starts",
    [
        ("address 0.0.0.0:0", False),
        ("address [::]:0", False),
        ("address :0", False),
        ("address 0.0.0.0:0; auth none", True),
        ("address 0.0.0.0:0; allow 10.0.0.0/8", True),
        ("address 0.0.0.0:0; allow all", False),
        ("address 0.0.0.0:0; allow 0.0.0.0/0", False),
        ("address 0.0.0.0:0; deny 10.0.0.0/8", False),
        ("address 127.0.0.1:0", True),
        ("address [::1]:0", True),
    ],
)
def test_no_open_proxy_by_accident(tmp_path, listen, starts):
    status, said = program.check(tmp_path, f"listen main {{ {listen} }}\n")
    assert (status == 0) == starts, said


def test_own_doors_hold_for_literals_sent_to_hops(hopgate):
    fake = FakeHop()
    with spaces.Space() as space:
        space.ip("link set lo up")
        space.ip("address add 198.51.100.1/32 dev lo")
        gateway = hopgate(
            "listen main { address 198.51.100.1:3128; auth none }\n"
            "routes { route default via socks5://127.0.0.1:9 }\n",
            prefix=space.prefix,
        )
        space.curl("-x", "socks5h://198.51.100.1:3128", "http://127.0.0.1:80/")
        assert gateway.session(target="127.0.0.1:80")["end"] == "own-door"
    fake.close()
