# SPDX-License-Identifier: ISC
"""The keeper and the gateway process: rights, files, deaths."""
import base64
import os
import pathlib
import signal
import struct
import subprocess
import threading
import time

import pytest

import clients
import hopgate as program
import servers
import tools
from waiting import until


@pytest.fixture(name="origin")
def echo_origin(serve):
    return serve(servers.echo)


def reaches(gateway, origin):
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"x") == b"x"
    tunnel.close()


def status(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return line.split()[1:]
    return None


# --- deaths -------------------------------------------------------------------------------


def test_a_killed_gateway_comes_back_and_listeners_never_refuse(hopgate, origin):
    gateway = hopgate()
    reaches(gateway, origin)
    refused, stop = [], threading.Event()

    def knock():
        while not stop.is_set():
            try:
                clients.connect(gateway.address()).close()
            except ConnectionRefusedError as error:
                refused.append(error)
            except OSError:
                pass  # a reset is what a client of the dead process gets

    knocking = threading.Thread(target=knock)
    knocking.start()
    for _ in range(3):
        first = gateway.gateway_pid()
        os.kill(first, signal.SIGKILL)
        until(lambda: gateway.gateway_pid() != first, "another gateway process")
        until(lambda: served(gateway, origin), "service")
    stop.set()
    knocking.join()
    assert not refused
    gateway.wait_log("[Kk]illed|signal")
    gateway.stop()


def served(gateway, origin):
    try:
        reaches(gateway, origin)
    except (clients.Refused, OSError):
        return False
    return True


def test_the_gateway_goes_with_its_keeper(hopgate):
    gateway = hopgate()
    child = gateway.gateway_pid()
    os.kill(gateway.pid, signal.SIGKILL)
    gateway.process.wait(10)
    until(lambda: not running(child), "the end of the gateway process")


def running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_stop_while_the_gateway_is_dead(hopgate):
    gateway = hopgate()
    os.kill(gateway.gateway_pid(), signal.SIGKILL)
    gateway.stop()


# --- a configuration that changed behind a gateway that died --------------------------------


def passworded(directory):
    path = directory / "users"
    done = program.command("passwd", path, "alice", input="secret\n")
    assert done.returncode == 0, done.stderr
    return f"auth staff {{ password-file {path} }}\n"


INSIDE = "listen inside { address 127.0.0.1:0; auth none }\n"
OUTSIDE = "listen outside { address 127.0.0.1:0; auth staff }\n"


def test_sockets_do_not_change_their_listener(hopgate, origin, tmp_path):
    """The keeper's sockets were made by the old file, and their rules would come from the new."""
    staff = passworded(tmp_path)
    gateway = hopgate(staff + INSIDE + OUTSIDE)
    gateway.write(staff + OUTSIDE + INSIDE)
    os.kill(gateway.gateway_pid(), signal.SIGKILL)
    gateway.wait_log("start hopgate anew")
    with clients.connect(gateway.address("outside")) as sock:
        sock.settimeout(1)
        sock.sendall(b"\5\1\0")
        with pytest.raises(OSError):
            assert not sock.recv(2), "let in without a password"
    gateway.write(staff + INSIDE + OUTSIDE)
    until(lambda: open_to(gateway, "inside", origin), "service by the old file")


def open_to(gateway, listener, origin):
    try:
        clients.socks5(gateway.address(listener), "127.0.0.1", origin.port).close()
    except (clients.Refused, OSError):
        return False
    return True


def test_what_else_changed_is_used(hopgate, origin):
    gateway = hopgate("routes { route default direct }\n")
    reaches(gateway, origin)
    gateway.write('routes { route default reject "closed" }\n')
    os.kill(gateway.gateway_pid(), signal.SIGKILL)
    gateway.wait_log("serves again")
    with pytest.raises(clients.Refused):
        reaches(gateway, origin)


def test_errors_in_the_file_are_told(hopgate, origin):
    gateway = hopgate()
    gateway.write("nonsense\n")
    os.kill(gateway.gateway_pid(), signal.SIGKILL)
    gateway.wait_log("hopgate check")
    gateway.write("")
    until(lambda: served(gateway, origin), "service again")


# --- rights -------------------------------------------------------------------------------


def test_run_as(hopgate, origin):
    tools.need_root("only root can become somebody else")
    gateway = hopgate("run-as nobody\n")
    child = gateway.gateway_pid()
    assert set(status(child, "Uid")) == {"65534"}
    assert status(child, "CapEff") == ["0000000000000000"]
    assert status(child, "NoNewPrivs") == ["1"]
    assert set(status(child, "Groups") or ["65534"]) <= {"65534"}
    assert set(status(gateway.pid, "Uid")) == {"0"}
    reaches(gateway, origin)


def test_root_drops_its_rights_by_itself(hopgate, origin):
    tools.need_root("only root can become somebody else")
    gateway = hopgate()
    assert status(gateway.gateway_pid(), "Uid")[0] != "0"
    reaches(gateway, origin)


def test_run_as_root_keeps_root(hopgate):
    tools.need_root("only root can stay root")
    assert status(hopgate("run-as root\n").gateway_pid(), "Uid")[0] == "0"


def test_without_root(tmp_path, serve):
    tools.need_root("must become somebody else first")
    setpriv = tools.need("setpriv")
    os.chmod(tmp_path, 0o777)
    origin = serve(servers.echo)
    prefix = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    gateway = program.Hopgate(tmp_path, options=["--listen", "127.0.0.1:0"], prefix=prefix)
    assert status(gateway.pid, "Uid")[0] == "65534"
    reaches(gateway, origin)
    gateway.stop()


def test_chroot(hopgate, origin, tmp_path):
    tools.need_root("only root can change its root")
    jail = tmp_path / "jail"
    jail.mkdir()
    # The leak checker reads /proc, which is not in there.
    checker = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    gateway = hopgate(f"chroot {jail}\nrun-as nobody\n", environment=checker)
    assert os.readlink(f"/proc/{gateway.gateway_pid()}/root") == str(jail)
    reaches(gateway, origin)
    tunnel = clients.socks5(gateway.address(), "localhost", origin.port)
    assert clients.ask(tunnel, b"named") == b"named"
    tunnel.close()
    gateway.session(target=f"localhost:{origin.port}")


def test_chroot_leaves_the_local_time(hopgate, origin, tmp_path):
    """Rows with times mean it, though the file of the time zone is not in there."""
    tools.need_root("only root can change its root")
    ahead = 6 if time.gmtime().tm_hour < 12 else -6
    there = (time.gmtime().tm_hour + ahead) % 24
    zone, jail = tmp_path / "zone", tmp_path / "jail"
    jail.mkdir()
    head = b"TZif\0" + bytes(15) + struct.pack(">6I", 0, 0, 0, 0, 1, 4)
    zone.write_bytes(head + struct.pack(">iBB", ahead * 3600, 0, 0) + b"XXX\0")
    checker = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    gateway = hopgate(
        f"chroot {jail}\nrun-as nobody\nlog stderr error\n"
        f"route default time mon-sun/{there:02}:00-{there + 2:02}:00 direct\n",
        environment={"TZ": f":{zone}", "ASAN_OPTIONS": checker},
    )
    reaches(gateway, origin)


def test_a_password_is_checked_with_the_keepers_rights(hopgate, origin, tmp_path):
    tools.need_root("the gateway process must lack a right")
    path = tmp_path / "users"
    assert program.command("passwd", path, "alice", input="secret\n").returncode == 0
    gateway = hopgate(
        f"run-as nobody\nauth staff {{ password-file {path} }}\n"
        "listen main { address 127.0.0.1:0; auth staff }\n"
    )
    login = {"user": "alice", "password": "secret"}
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port, **login)
    assert clients.ask(tunnel, b"x") == b"x"


def memory_holds(pid, needles):
    """Which of these are somewhere in the memory of a process?"""
    found = set()
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="ascii").splitlines():
            begin, end = (int(part, 16) for part in line.split()[0].split("-"))
            if line.split()[1][0] != "r" or end - begin > 1 << 28:  # the shadow of a sanitizer
                continue
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except (OSError, OverflowError):  # pages of the kernel
                continue
            found |= {needle for needle in needles if needle in data}
    return found


def test_row_101_no_password_stays_in_memory(hopgate, origin, tmp_path):
    """Right or wrong, it is wiped when it has been checked; so no core can hold it."""
    tools.need_root("the gateway process shows its memory to nobody else")
    right, wrong = "a right password: 7Zc", "a wrong password: 7Zc"
    path = tmp_path / "users"
    assert program.command("passwd", path, "alice", input=right + "\n").returncode == 0
    gateway = hopgate(
        f"auth staff {{ password-file {path} }}\n"
        "listen main { address 127.0.0.1:0; auth staff }\n"
    )
    for protocol in ("socks5", "http"):
        login = {"user": "alice", "password": right}
        dial = clients.PROTOCOLS[protocol]
        tunnel = dial(gateway.address(), "127.0.0.1", origin.port, **login)
        assert clients.ask(tunnel, b"x") == b"x"
        with pytest.raises(clients.Refused):
            dial(gateway.address(), "127.0.0.1", origin.port, user="alice", password=wrong)
        tunnel.close()
    until(lambda: len(gateway.sessions()) == 4, "the end of all sessions")
    header = base64.b64encode(f"alice:{right}".encode())
    secrets = {right.encode(), wrong.encode(), header, header[:20]}
    for pid in gateway.processes():
        assert memory_holds(pid, secrets | {b"staff"}) == {b"staff"}


# --- files --------------------------------------------------------------------------------


def test_pid_file(hopgate, tmp_path):
    path = tmp_path / "pid"
    gateway = hopgate(f"pid-file {path}\n")
    assert int(path.read_text()) == gateway.pid
    gateway.stop()
    assert not path.exists()


def test_daemon(tmp_path, serve):
    origin, path = serve(servers.echo), tmp_path / "pid"
    conf = tmp_path / "hopgate.conf"
    conf.write_text(
        f"pid-file {path}\nlog file {tmp_path}/log info\nlisten main {{ address 127.0.0.1:0 }}\n"
    )
    ready, told = os.pipe()
    done = subprocess.run(
        [program.PROGRAM, "run", "-D", "-c", conf, "--ready-fd", str(told)],
        pass_fds=[told],
        timeout=30,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(told)
    assert done.returncode == 0
    with open(ready, encoding="utf-8") as lines:
        port = int(program.LISTENING.search(lines.readline())[1].rsplit(":", 1)[1])
    pid = int(path.read_text())
    try:
        assert os.getsid(pid) != os.getsid(0)
        tunnel = clients.socks5(("127.0.0.1", port), "127.0.0.1", origin.port)
        assert clients.ask(tunnel, b"x") == b"x"
    finally:
        os.kill(pid, signal.SIGTERM)
    until(lambda: not running(pid), "the end of the daemon")
    assert "listening on" in (tmp_path / "log").read_text()


def test_a_daemon_that_cannot_start_says_so(tmp_path, hopgate):
    taken = hopgate()
    conf = tmp_path / "other.conf"
    conf.write_text(f"listen main {{ address 127.0.0.1:{taken.port} }}\n")
    done = program.command("run", "-D", "-c", conf)
    assert done.returncode == 3 and str(taken.port) in done.stderr
