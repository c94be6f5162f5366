# SPDX-License-Identifier: ISC
"""Network namespaces: little networks of our own, with cables and firewalls between them."""
import contextlib
import ctypes
import os
import shlex
import subprocess

import tools
from waiting import until

CLONE_NEWNET = 0x40000000
HERE = os.path.dirname(os.path.abspath(__file__))


class Space:
    """A network namespace, alive as long as a process of ours sleeps in it."""

    def __init__(self):
        tools.need_root("network namespaces are made here")
        tools.need("unshare", "nsenter", "ip")
        self.processes = []
        self.holder = subprocess.Popen(
            [*tools.MORTAL, "unshare", "--net", "--mount", "--propagation", "private", "sleep", "900"],
            start_new_session=True,
        )
        ours = os.readlink("/proc/self/ns/net")
        path = f"/proc/{self.holder.pid}/ns/net"
        until(lambda: os.readlink(path) != ours, "a namespace")
        until(lambda: _command(self.holder.pid) == "sleep", "its holder")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in self.processes:
            tools.end(process)
        tools.end(self.holder)

    @property
    def pid(self):
        return self.holder.pid

    @property
    def prefix(self):
        """Words that run a program in here."""
        return ["nsenter", "-t", str(self.pid), "--net", "--mount", "--"]

    def run(self, *command, **options):
        return tools.run(*self.prefix, *command, **options)

    def must(self, *command, **options):
        done = self.run(*command, **options)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def inside(self):
        """Sockets that the test opens meanwhile are in here, and stay."""
        with open("/proc/thread-self/ns/net", encoding="ascii") as ours:
            with open(f"/proc/{self.pid}/ns/net", encoding="ascii") as theirs:
                _enter(theirs)
            try:
                yield
            finally:
                _enter(ours)

    def ip(self, words):
        self.must("ip", *shlex.split(words))

    def sysctl(self, name, value):
        self.must("sh", "-c", f"echo {value} >/proc/sys/{name}")

    def nft(self, rules):
        """Load a rule set."""
        self.must("nft", "-f", "-", input=rules)

    def cable(self, other, ours, theirs):
        """Join two namespaces; each end gets its addresses and no duplicate address detection."""
        here, there = f"v{other.pid}", f"v{self.pid}"
        self.ip(f"link add {here} type veth peer name {there} netns {other.pid}")
        for space, name, addresses in ((self, here, ours), (other, there, theirs)):
            for address in addresses:
                flag = "nodad" if ":" in address else ""
                space.ip(f"address add {address} dev {name} {flag}")
            space.ip(f"link set {name} up")
        return here

    def site(self, host, port):
        """The web site of servers.py in here."""
        words = ["/usr/bin/python3", os.path.join(HERE, "servers.py"), host, str(port)]
        self.background(*words)
        until(
            lambda: self.run("ss", "-Htln", "sport", "=", f":{port}").stdout.strip(),
            f"a web site at {host}:{port}",
        )

    def background(self, *command):
        process = subprocess.Popen(
            [*tools.MORTAL, *self.prefix, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PATH": tools.PATH, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self.processes.append(process)
        return process

    def curl(self, *words, seconds=5):
        return self.run("curl", "-sS", "--noproxy", "", "--max-time", seconds, *words)


def _enter(namespace):
    """The calling thread only (setns(2); os.setns() is newer than Debian's Python)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _command(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as name:
        return name.read().strip()
