# SPDX-License-Identifier: ISC
"""Programs that a test needs, and processes that it must end."""
import os
import shutil
import signal
import subprocess

import pytest

PATH = os.environ["PATH"] + ":/usr/local/sbin:/usr/sbin:/sbin"
MORTAL = ("setpriv", "--pdeathsig", "TERM")  # before a command: it does not outlive the tests


def need(*names):
    """Skip the test unless these programs are here; return the path of the first."""
    for name in names:
        if not shutil.which(name, path=PATH):
            pytest.skip(f"{name} is not installed")
    return shutil.which(names[0], path=PATH)


def need_root(why):
    if os.geteuid() != 0:
        pytest.skip(f"not root: {why}")


def run(*command, timeout=60, **options):
    """Run to the end; the result holds text."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("env", {**os.environ, "PATH": PATH, "LC_ALL": "C"})
    if "input" in options:
        del options["stdin"]
    return subprocess.run(
        [str(word) for word in command],
        timeout=timeout,
        check=False,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def end(process, seconds=5):
    """End a process that we started in a session of its own, and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    process.wait(seconds)


def start(*command, log, **options):
    """Start a server in a session of its own, its output in a file."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            [*MORTAL, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PATH": PATH, "LC_ALL": "C"},
            **options,
        )


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listing:
            return [int(word) for word in listing.read().split()]
    except OSError:
        return []


def cpu_seconds(pid):
    """CPU used by a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
