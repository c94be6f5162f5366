# SPDX-License-Identifier: ISC
"""PAM with the modules that people have, by every protocol: services and accounts of our own."""
import glob
import os
import time

import pytest

import clients
import tools
from test_access import password_file
from test_identity import PROTOCOLS, admitted, session_after
from waiting import until

ACTOR = os.path.join(os.path.dirname(__file__), "../unit/pam_actor.c")
CARRIED = ("socks5", "http", "forward")  # SOCKS4 has no passwords
EMPTY = "auth required pam_deny.so\naccount required pam_deny.so\n"
MOUNTED = ("pam.d", "passwd", "shadow")
SEED = "3132333435363738393031323334353637383930"
every_protocol = pytest.mark.parametrize("protocol", CARRIED)


def service(auth, account="pam_permit.so"):
    return f"auth required {auth}\naccount required {account}\n"


def need_module(name):
    """Not every distribution has all of them."""
    places = ("/lib*/security", "/usr/lib*/security", "/lib/*/security", "/usr/lib/*/security")
    if not any(glob.glob(f"{place}/{name}") for place in places):
        pytest.skip(f"{name} is not installed")


def crypt(directory, password):
    return password_file(directory, any=password).read_text().strip().split(":")[1]


class System:
    """What programs under `prefix` find in /etc: only this, and only they."""

    def __init__(self, directory):
        tools.need_root("/etc is covered in a mount namespace")
        self.directory = directory
        (directory / "pam.d").mkdir()
        for name in MOUNTED[1:]:
            with open(f"/etc/{name}", encoding="utf-8") as file:
                self._write(name, file.read())
        self.service("other", EMPTY)
        mounts = [f"mount --bind '{directory}/{name}' /etc/{name}" for name in MOUNTED]
        script = " && ".join([*mounts, 'exec "$@"'])
        self.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]

    def _write(self, name, text, mode="w"):
        path = self.directory / name
        with open(path, mode, encoding="utf-8") as file:
            file.write(text)
        path.chmod(0o600 if name == "shadow" else 0o644)
        return path

    def service(self, name, text):
        self._write(f"pam.d/{name}", text)

    def account(self, name, password, expires=""):
        """`expires` in days since 1970."""
        self._write("passwd", f"{name}:x:54321:54321::/nonexistent:/bin/false\n", "a")
        self._write("shadow", f"{name}:{crypt(self.directory, password)}:19000:0:99999:7::{expires}:\n", "a")

    def script(self, name, text):
        path = self._write(name, "#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    def file(self, name, text):
        path = self._write(name, text)
        path.chmod(0o600)
        return path


@pytest.fixture(name="system")
def system_of_our_own(tmp_path):
    return System(tmp_path)


@pytest.fixture(name="origin")
def origin_that_answers(serve):
    def hello(connection):
        while data := connection.recv(65536):
            if data.startswith(b"GET "):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    return serve(hello)


@pytest.fixture(name="start")
def start_with_services(hopgate, system):
    def begin(*names, options="cache off", more=""):
        """A listener with each of these services."""
        text = more
        for name in names:
            text += f"auth {name} {{ pam {name}; {options} }}\n"
            text += f"listen {name} {{ address 127.0.0.1:0; auth {name} }}\n"
        return hopgate(text, prefix=system.prefix)

    return begin


def let_in(gateway, protocol, port, user, password, name=None, listener=None):
    address = gateway.address(listener)
    options = {"address": address, "user": user, "password": password}
    admitted(gateway, protocol, port, name or user, **options)


def kept_out(gateway, protocol, port, user, password, listener=None):
    before = len(gateway.sessions())
    with pytest.raises(clients.Refused):
        PROTOCOLS[protocol](
            gateway.address(listener), "127.0.0.1", port, user=user, password=password
        ).close()
    assert session_after(gateway, before)["end"] not in ("ok", "closed")


@every_protocol
def test_accounts_of_the_system(start, system, origin, protocol):
    system.account("hgalice", "secret")
    system.account("hgold", "secret", expires=1)
    system.service("hopgate", service("pam_unix.so", "pam_unix.so"))
    gateway = start("hopgate")
    let_in(gateway, protocol, origin.port, "hgalice", "secret")
    kept_out(gateway, protocol, origin.port, "hgalice", "wrong")
    kept_out(gateway, protocol, origin.port, "hgold", "secret")
    kept_out(gateway, protocol, origin.port, "hgnobody", "secret")


@every_protocol
def test_a_file_of_passwords(start, system, origin, protocol):
    need_module("pam_pwdfile.so")
    path = system.file("pwdfile", f"alice:{crypt(system.directory, 'secret')}\n")
    system.service("hopgate", service(f"pam_pwdfile.so pwdfile={path}"))
    gateway = start("hopgate")
    let_in(gateway, protocol, origin.port, "alice", "secret")
    kept_out(gateway, protocol, origin.port, "alice", "wrong")


@every_protocol
def test_a_code_behind_the_password_holds_once(start, system, origin, protocol):
    tools.need("oathtool")
    need_module("pam_oath.so")
    path = system.file("oath", f"HOTP/T30/6 alice secret {SEED}\n")
    system.service("hopgate", service(f"pam_oath.so usersfile={path} window=5 digits=6"))
    gateway = start("hopgate")
    code = tools.run("oathtool", "--totp", SEED).stdout.strip()
    let_in(gateway, protocol, origin.port, "alice", "secret" + code)
    kept_out(gateway, protocol, origin.port, "alice", "secret" + code)
    kept_out(gateway, protocol, origin.port, "alice", "secret")


@every_protocol
def test_a_program_decides(start, system, origin, protocol):
    text = 'read -r given\ntest "$PAM_USER:$given:$PAM_RHOST" = alice:secret:127.0.0.1\n'
    path = system.script("decide", text)
    system.service("hopgate", service(f"pam_exec.so expose_authtok quiet {path}"))
    gateway = start("hopgate")
    let_in(gateway, protocol, origin.port, "alice", "secret")
    kept_out(gateway, protocol, origin.port, "alice", "wrong")


@every_protocol
def test_another_name_is_who_it_is(start, system, origin, protocol):
    module = system.directory / "actor.so"
    done = tools.run("cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", module, ACTOR, "-lpam")
    assert done.returncode == 0, done.stderr
    system.service("hopgate", service(f"{module} ask text=secret user=somebody"))
    system.service("crash", service(f"{module} crash"))
    gateway = start("hopgate", "crash")
    let_in(gateway, protocol, origin.port, "alice", "secret", "somebody", "hopgate")
    # A module that dies takes nobody with it.
    kept_out(gateway, protocol, origin.port, "alice", "secret", "crash")
    let_in(gateway, protocol, origin.port, "alice", "secret", "somebody", "hopgate")


@every_protocol
def test_a_sleeper_holds_up_nobody_else(start, system, origin, protocol):
    system.account("hgalice", "secret")
    system.service("hopgate", service("pam_unix.so", "pam_unix.so"))
    system.service("sleeper", service("pam_exec.so quiet /bin/sleep 60"))
    gateway = start("hopgate", "sleeper", more="timeouts { auth 2s }\n")
    begin = time.monotonic()
    with clients.connect(gateway.address("sleeper")) as asleep:
        asleep.sendall(b"\5\1\2\1\7hgalice\6secret")
        until(lambda: b"/bin/sleep" in commands_below(gateway.process.pid), "a check asleep")
        let_in(gateway, protocol, origin.port, "hgalice", "secret", listener="hopgate")
        assert time.monotonic() - begin < 2
        assert clients.read_all(asleep)[:2] == b"\5\2"
    assert 1.9 <= time.monotonic() - begin < 10


def commands_below(pid):
    text = b""
    for child in tools.children(pid):
        try:
            with open(f"/proc/{child}/cmdline", "rb") as file:
                text += file.read()
        except OSError:
            continue
        text += commands_below(child)
    return text


@every_protocol
def test_an_unknown_service_lets_nobody_in(start, system, origin, protocol):
    # The one that libpam would take instead would let in everybody.
    system.service("other", service("pam_permit.so"))
    gateway = start("missing")
    assert "there is no PAM service 'missing'" in gateway.log
    kept_out(gateway, protocol, origin.port, "alice", "secret")
