# SPDX-License-Identifier: ISC
"""What the program says and how it exits."""
import os
import re
import signal

import pytest

import clients
import hopgate as program
import servers
from hopgate import Hopgate

COMMANDS = ("run", "check", "explain", "passwd")
LATER = ("status", "sessions", "kill", "reload", "drain", "stop")


def write(directory, text, name="hopgate.conf"):
    path = directory / name
    path.write_text(text)
    path.chmod(0o600)
    return path


# --- help and usage -----------------------------------------------------------------------


def test_version():
    done = program.command("--version")
    assert done.returncode == 0
    assert re.match(r"hopgate \d+\.\d+", done.stdout)
    for library in ("libevent", "OpenSSL", "c-ares"):
        assert library.lower() in done.stdout.lower()


def test_help():
    done = program.command("--help")
    assert done.returncode == 0 and done.stderr == ""
    for name in COMMANDS:
        assert name in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(name):
    done = program.command(name, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert name in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["run", "--nonsense"],
        ["check", "extra"],
        ["explain"],
        ["passwd"],
        ["run", "-c"],
        ["check", "--via", "x"],
    ],
)
def test_wrong_usage(words):
    done = program.command(*words)
    assert done.returncode == 2, done.stderr
    assert done.stderr and len(done.stderr) < 2000


@pytest.mark.parametrize("name", LATER)
def test_commands_of_later_versions_say_so(name):
    done = program.command(name)
    assert done.returncode in (1, 2)
    assert "not in this version" in done.stderr


# --- check -----------------------------------------------------------------------------------


def test_every_error_with_its_place_and_a_caret(tmp_path):
    path = write(
        tmp_path,
        "workers many\n"
        "listen main {\n"
        "    adress 127.0.0.1:1080\n"
        "}\n"
        "timeouts { idle 90x }\n"
        "routes {\n"
        "    route .corp.example via nowhere\n"
        "}\n",
    )
    done = program.command("check", "-c", path)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    for place in (":1:9: error:", ":3:5: error:", ":5:17: error:", ":7:29: error:"):
        assert f"{path}{place}" in said, said
    assert "did you mean 'address'" in said
    lines = said.splitlines()
    at = next(i for i, line in enumerate(lines) if ":3:5: error:" in line)
    assert "adress 127.0.0.1:1080" in lines[at + 1]
    assert lines[at + 2].index("^") == lines[at + 1].index("adress")


@pytest.mark.parametrize(
    "text,word",
    [
        ("workers 1\nworkers 2\n", "workers"),
        ("timeouts { idle 0 }\n", "off"),
        ('log "unclosed\n', "quote"),
        ("listen main { address 127.0.0.1:1080\n", "}"),
        ("include nothing-there.conf\n", "nothing-there.conf"),
        ("hop direct { uri socks5://a:1 }\n", "direct"),
        ("hop a { uri http://a.example }\n", "port"),
        ("hop a { uri ftp://a.example:1 }\n", "ftp"),
        ("hop a { uri socks5://a:1; via b }\nhop b { uri socks5://b:1; via a }\n"
         "routes { route default via a }\n", "loop"),
        ("route 10.0.0.0/8 direct maybe\n", "maybe"),
        ("route 10.0.0.256/8 direct\n", "10.0.0.256"),
        ("access { permit any }\n", "permit"),
        ("run-as no-such-user-here\n", "no-such-user-here"),
        ("listen a { address 127.0.0.1:1; auth nobody }\n", "nobody"),
        ("listen a { address 127.0.0.1:1 }\nlisten a { address 127.0.0.1:2 }\n", "a"),
        ("\x00\n", "NUL"),
    ],
)
def test_errors(tmp_path, text, word):
    status, said = program.check(tmp_path, text)
    assert status == 1, said
    assert ": error:" in said and word in said, said


def test_a_listener_with_too_many_auth_blocks(tmp_path):
    users = tmp_path / "users"
    users.touch(mode=0o600)
    names = [f"a{i}" for i in range(33)]
    blocks = "".join(f"auth {name} {{ password-file {users} }}\n" for name in names)
    listen = "listen main { address 127.0.0.1:1; auth %s }\n"
    status, said = program.check(tmp_path, blocks + listen % " ".join(names[:32]))
    assert status == 0, said
    status, said = program.check(tmp_path, blocks + listen % " ".join(names))
    assert status == 1
    at = len(listen % " ".join(names[:32])) - len(" }\n") + 2
    assert (
        f":34:{at}: error: 'a32' is one too many, expected at most 32 'auth' blocks" in said
    ), said


@pytest.mark.parametrize(
    "text",
    [
        "admin 127.0.0.1:9080 { }\n",
        "control /run/x.sock\n",
        "group g { member a }\n",
        "auth cert { tls-client-certificate; user-from cn }\n",
        "listen m { address 127.0.0.1:1; tls { certificate f } }\n",
        "listen m { address 127.0.0.1:1; proxy-protocol from 127.0.0.1 }\n",
        "listen m { address 127.0.0.1:1; commands connect bind }\n",
        "hop a { uri https://a.example }\n",
        "hop a { uri socks5://a.example:1; warm 4 }\n",
        "route default geoip de direct\n",
    ],
)
def test_nothing_is_accepted_and_ignored(tmp_path, text):
    status, said = program.check(tmp_path, text)
    assert status == 1, said


def test_a_good_configuration_says_little(tmp_path):
    status, said = program.check(tmp_path, "listen main { address 127.0.0.1:1080 }\n")
    assert status == 0 and "error" not in said


def test_strict_fails_on_warnings(tmp_path):
    text = "listen main { address 1080 }\nhop unused { uri socks5://127.0.0.1:1 }\n"
    status, said = program.check(tmp_path, text)
    assert status == 0 and ": warning:" in said, said
    assert program.check(tmp_path, text, "--strict")[0] == 1


def test_dump_can_be_read_again(tmp_path):
    text = """
        workers 2
        timeouts { idle 10m; dial 7s }
        listen main { address 127.0.0.1:1080; protocols socks5 http; allow 127.0.0.0/8 }
        hop office { uri socks5://gw.example:1080 }
        hop dmz { uri http://dmz.example:3128; via office }
        routes {
            route 10.0.0.0/8 direct
            route .corp.example ports 80-90 via dmz
            route *.ads.example reject "no thanks"
            route default direct
        }
        access { block any ports 25; pass any }
        """
    path = write(tmp_path, text)
    first = program.command("check", "-c", path, "--dump")
    assert first.returncode == 0, first.stderr
    again = program.command("check", "-c", write(tmp_path, first.stdout, "again.conf"), "--dump")
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout
    assert "no thanks" in first.stdout and "7s" in first.stdout


def test_dump_leaves_passwords_out(tmp_path):
    path = write(tmp_path, "hop a { uri socks5://u:hunter2@a.example:1 }\nroute default via a\n")
    done = program.command("check", "-c", path, "--dump")
    assert "hunter2" not in done.stdout + done.stderr


def test_a_password_in_a_file_that_others_read(tmp_path):
    path = write(tmp_path, "hop a { uri socks5://u:hunter2@a.example:1 }\nroute default via a\n")
    path.chmod(0o644)
    done = program.command("check", "-c", path)
    assert done.returncode == 1 and ":1:" in done.stderr + done.stdout


def test_a_wrong_configuration_binds_nothing(tmp_path):
    """All errors at once, exit status 1, and no line of a listener."""
    text = (
        f"listen good {{ address unix:{tmp_path}/s }}\n"
        "hop a { uri socks5://a.example:1; vai b }\n"
        "route default via nowhere\n"
        f"access-log file {tmp_path}/access.log\n"
        f"pid-file {tmp_path}/pid\n"
    )
    done = program.command("run", "-c", write(tmp_path, text))
    assert done.returncode == 1
    assert ":2:35: error:" in done.stderr and ":3:19: error:" in done.stderr
    assert "did you mean 'via'" in done.stderr and "listening" not in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["hopgate.conf"]


def test_a_password_on_the_command_line():
    done = program.command("run", "--listen", "127.0.0.1:0", "--via", "socks5://u:p@127.0.0.1:1")
    assert done.returncode in (1, 2) and "password" in done.stderr


def test_a_missing_file(tmp_path):
    done = program.command("run", "-c", tmp_path / "none.conf")
    assert done.returncode == 1 and "none.conf" in done.stderr


def test_include(tmp_path):
    (tmp_path / "parts").mkdir()
    write(tmp_path / "parts", "listen b { address 127.0.0.1:2 }\n", "b.conf")
    write(tmp_path / "parts", "listen a { adress 127.0.0.1:1 }\n", "a.conf")
    done = program.command("check", "-c", write(tmp_path, "include parts/*.conf\ninclude none/*\n"))
    assert done.returncode == 1
    assert "parts/a.conf:1:12: error:" in done.stdout + done.stderr


# --- expect and explain ------------------------------------------------------------------------


ROUTED = """
    hop office { uri socks5://192.0.2.1:1080 }
    hop dmz { uri http://192.0.2.2:3128 }
    routes {
        route 10.0.0.0/8 direct
        route .corp.example via office dmz
        route git.corp.example ports 22 direct
        route *.ads.example reject
        route default via office
    }
    """


@pytest.mark.parametrize(
    "line,holds",
    [
        ("expect www.corp.example:80 via office dmz", True),
        ("expect git.corp.example:22 direct", True),
        ("expect git.corp.example:80 via office dmz", True),
        ("expect x.ads.example:80 reject", True),
        ("expect ads.example:80 resolves 192.0.2.9 via office", True),
        ("expect 10.1.2.3:80 direct", True),
        ("expect some.example:80 resolves 10.2.0.5 direct", True),
        ("expect www.corp.example:80 via office", False),
        ("expect 10.1.2.3:80 reject", False),
    ],
)
def test_expect(tmp_path, line, holds):
    status, said = program.check(tmp_path, ROUTED + line + "\n")
    assert (status == 0) == holds, said


@pytest.mark.parametrize(
    "words,first",
    [
        (["www.corp.example:80"], "via office dmz"),
        (["git.corp.example:22"], "direct"),
        (["x.ads.example:443"], "reject"),
        (["10.9.9.9:1"], "direct"),
        (["--resolves", "10.2.3.4", "other.example:80"], "direct"),
        (["--resolves", "192.0.2.9", "other.example:80"], "via office"),
    ],
)
def test_explain(tmp_path, words, first):
    done = program.command("explain", "-c", write(tmp_path, ROUTED), *words)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == first, done.stdout
    assert len(lines) > 1 and "hopgate.conf" in done.stdout


def test_a_failing_expect_stops_the_start(tmp_path):
    path = write(tmp_path, ROUTED + "listen m { address 127.0.0.1:0 }\nexpect a.example:1 direct\n")
    done = program.command("run", "-c", path)
    assert done.returncode == 1 and "expect" in done.stderr


# --- run ------------------------------------------------------------------------------------


def test_one_liner(tmp_path, serve):
    origin = serve(servers.echo)
    last = Hopgate(tmp_path, options=["--listen", "127.0.0.1:0"])
    first = Hopgate(
        tmp_path,
        options=["--listen", "127.0.0.1:0", "--via", f"socks5://{last.hostport}"],
    )
    tunnel = clients.http(first.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"one line") == b"one line"
    tunnel.close()
    first.stop()
    last.stop()


def test_one_liner_with_users(tmp_path, serve):
    origin = serve(servers.echo)
    done = program.command("passwd", tmp_path / "users", "alice", input="secret\n")
    assert done.returncode == 0, done.stderr
    options = ["--listen", "127.0.0.1:0", "--users", tmp_path / "users"]
    gateway = Hopgate(tmp_path, options=options)
    with pytest.raises(clients.Refused):
        clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    login = {"user": "alice", "password": "secret"}
    clients.socks5(gateway.address(), "127.0.0.1", origin.port, **login).close()
    gateway.stop()


def test_one_liner_for_others(tmp_path):
    for words in (["--auth", "none"], ["--allow", "10.0.0.0/8"]):
        gateway = Hopgate(tmp_path, options=["--listen", "0.0.0.0:0", *words])
        gateway.stop()


def test_debug(tmp_path, serve):
    origin = serve(servers.echo)
    gateway = Hopgate(tmp_path, "log stderr error\n", options=["-d"])
    clients.socks5(gateway.address(), "127.0.0.1", origin.port).close()
    gateway.wait_log("notice")
    gateway.stop()


def test_check_has_a_short_name(tmp_path):
    done = program.command("-t", "-c", write(tmp_path, "nonsense\n"))
    assert done.returncode == 1 and ":1:1: error:" in done.stdout + done.stderr


def test_one_liner_is_no_open_proxy():
    done = program.command("run", "--listen", "0.0.0.0:0")
    assert done.returncode == 1 and "auth" in done.stderr


def test_what_is_said_at_the_start(hopgate):
    gateway = hopgate()
    line = gateway.wait_log("listening on 127.0.0.1:")
    assert f":{gateway.port} (main, " in line and "socks5" in line
    gateway.wait_log("curl")
    gateway.wait_log("descriptors")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signals_stop_it(hopgate, number):
    gateway = hopgate()
    gateway.stop(number)


def test_quit_drains(hopgate, serve):
    gateway, origin = hopgate("drain-timeout 20s\n"), serve(servers.echo)
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    gateway.process.send_signal(signal.SIGQUIT)
    from waiting import accepts, until

    until(lambda: not accepts(gateway.address()), "closed listeners")
    assert clients.ask(tunnel, b"still here") == b"still here"
    tunnel.close()
    gateway.ended()


def test_terminate_drains_only_if_told(hopgate, serve):
    gateway, origin = hopgate(), serve(servers.echo)
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    gateway.stop(seconds=10)
    with pytest.raises((ConnectionError, clients.Refused)):
        clients.ask(tunnel, b"gone")
    assert gateway.session(protocol="socks5")["end"] == "stopped"


# --- passwd ---------------------------------------------------------------------------------


def test_passwd(tmp_path):
    path = tmp_path / "users"
    for user, password in (("alice", "one"), ("bob", "two"), ("alice", "three")):
        done = program.command("passwd", path, user, input=password + "\n")
        assert done.returncode == 0, done.stderr
    lines = path.read_text().splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["alice", "bob"]
    assert all("$y$" in line for line in lines)
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_passwd_asks_twice(tmp_path):
    """On a terminal, which shows nothing of it."""
    import pty

    for answers, status in ((["s3cret", "s3cret"], 0), (["s3cret", "0ther"], 1)):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(program.PROGRAM, [program.PROGRAM, "passwd", str(tmp_path / "users"), "alice"])
        shown = b""
        for answer in answers:
            shown += read_until_quiet(terminal)
            os.write(terminal, answer.encode() + b"\n")
        shown += read_until_quiet(terminal)
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
        assert (ended != 0) == (status != 0), shown
        assert b"s3cret" not in shown and b"0ther" not in shown
    assert (tmp_path / "users").read_text().startswith("alice:$y$")


def read_until_quiet(terminal):
    """What a program says until it waits for an answer or ends."""
    said = b""
    while not said.rstrip(b" ").endswith(b":"):
        try:
            said += os.read(terminal, 1000)
        except OSError:  # the end of a terminal
            break
    return said


@pytest.mark.parametrize("user", ["", "a:b", "a\nb", "x" * 256])
def test_passwd_refuses_impossible_users(tmp_path, user):
    done = program.command("passwd", tmp_path / "users", user, input="x\n")
    assert done.returncode != 0 and not (tmp_path / "users").exists()
