# SPDX-License-Identifier: ISC
"""The program under test: started for real, on ports that it chooses, and watched."""
import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time

import tools
from waiting import PATIENCE, until

PROGRAM = os.environ.get("HOPGATE") or os.path.abspath(
    os.path.join(os.path.dirname(__file__), "../../build/hopgate")
)
LISTENING = re.compile(r"listening on (\S+) \(([^,)]+), ([^)]*)\)")
SANITIZER = re.compile(
    r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:)"
)
# Nothing is asked of the world outside: a name that no test serves is not found, and soon.
NO_NAMES = "resolver { servers 127.0.0.1:9; timeout 300ms; tries 1 }\n"
LISTEN = "listen main { address 127.0.0.1:0 }\n"


def command(*words, **options):
    """Run the program to its end."""
    return tools.run(PROGRAM, *words, **options)


def check(directory, text, *options):
    """`hopgate check` of a configuration text; (exit status, everything that it said)."""
    path = os.path.join(directory, "hopgate.conf")
    with open(path, "w", encoding="utf-8", opener=_private) as file:
        file.write(text)
    done = command("check", "-c", path, *options)
    return done.returncode, done.stdout + done.stderr


def _private(path, flags):
    return os.open(path, flags, 0o600)


def parse_logfmt(line):
    """One line of the access log as a dictionary."""
    row = {}
    for key, quoted, plain in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', line):
        row[key] = quoted or plain
    return row


class Hopgate:
    """
    A running gateway.  `text` is its configuration; what it does not say is added: a listener on
    a free port of 127.0.0.1, an access log, no name servers.  Without text, `options` are all.
    `inherit` are descriptors that it gets.
    """

    def __init__(self, directory, text=None, options=(), prefix=(), access_log=True, **popen):
        self.directory = str(directory)
        self.access_path = os.path.join(self.directory, "access.log")
        self.conf_path = os.path.join(self.directory, "hopgate.conf")
        self.stderr = []
        self.listening = []  # (address, listener, protocols)
        words = [*tools.MORTAL, *prefix, PROGRAM, "run", *map(str, options)]
        if text is not None:
            self.write(text, access_log)
            words += ["-c", self.conf_path]
        ready, told = os.pipe()
        self.process = subprocess.Popen(
            [*words, "--ready-fd", str(told)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdout=popen.pop("stdout", subprocess.DEVNULL),
            pass_fds=[told, *popen.pop("inherit", [])],
            start_new_session=True,
            env={**os.environ, "PATH": tools.PATH, "LC_ALL": "C", **popen.pop("environment", {})},
            **popen,
        )
        os.close(told)
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        self._become_ready(ready)

    def write(self, text, access_log=True):
        """Write the configuration, with what the text does not say."""
        extra = ""
        if "listen " not in text:
            extra += LISTEN
        if "resolver" not in text:
            extra += NO_NAMES
        if access_log and "access-log" not in text:
            extra += f"access-log file {self.access_path}\n"
        with open(self.conf_path, "w", encoding="utf-8", opener=_private) as file:
            file.write(extra + text)

    def _collect(self):
        for line in self.process.stderr:
            self.stderr.append(line.decode(errors="replace").rstrip("\n"))

    def _become_ready(self, ready):
        timer = threading.Timer(PATIENCE * 2, self.process.kill)
        timer.start()
        with open(ready, encoding="utf-8") as lines:
            for line in lines:
                match = LISTENING.search(line)
                if match:
                    self.listening.append((match[1], match[2], match[3].split()))
        timer.cancel()
        if not self.listening:
            self.process.wait(PATIENCE)
            self._reader.join(PATIENCE)
            raise AssertionError(
                f"did not start, exit status {self.process.returncode}:\n" + self.log
            )

    # --- where it listens -----------------------------------------------------

    def addresses(self, listener=None):
        """(host, port) or the path of each address."""
        for text, name, _ in self.listening:
            if listener in (None, name):
                if text.startswith("unix:"):
                    yield text[len("unix:") :]
                else:
                    host, port = text.rsplit(":", 1)
                    yield host.strip("[]"), int(port)

    def address(self, listener=None):
        return next(self.addresses(listener))

    @property
    def port(self):
        return self.address()[1]

    @property
    def hostport(self):
        host, port = self.address()
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    # --- what it says ---------------------------------------------------------

    @property
    def log(self):
        return "\n".join(self.stderr)

    def wait_log(self, pattern, seconds=PATIENCE, count=1):
        """Wait until that many lines on standard error match; return the last."""

        def found():
            lines = [line for line in list(self.stderr) if re.search(pattern, line)]
            return lines[-1] if len(lines) >= count else None

        return until(found, f"{pattern!r} in the log, which is:\n{self.log}", seconds)

    def sessions(self):
        """The access log so far."""
        try:
            with open(self.access_path, encoding="utf-8") as file:
                lines = file.read().split("\n")[:-1]  # the last may be half written
        except FileNotFoundError:
            return []
        return [json.loads(x) if x.startswith("{") else parse_logfmt(x) for x in lines]

    def session(self, seconds=PATIENCE, **fields):
        """Wait for a line of the access log with these fields; return the newest such."""

        def found():
            for row in reversed(self.sessions()):
                if all(str(row.get(key)) == str(value) for key, value in fields.items()):
                    return row
            return None

        return until(found, f"a session with {fields}", seconds)

    # --- its processes --------------------------------------------------------

    @property
    def pid(self):
        return self.process.pid

    def gateway_pid(self):
        """The process that carries traffic."""
        return until(lambda: tools.children(self.pid), "a gateway process")[0]

    def processes(self):
        yield self.pid
        yield from tools.children(self.pid)

    def cpu_seconds(self):
        return sum(tools.cpu_seconds(pid) for pid in self.processes())

    # --- its end --------------------------------------------------------------

    def stop(self, number=signal.SIGTERM, status=0, seconds=PATIENCE):
        """End it as an administrator would; it must end well."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.ended(status, seconds)

    def ended(self, status=0, seconds=PATIENCE):
        """Wait for its end; any report of a sanitizer is a failure."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            tools.end(self.process)
            raise AssertionError("did not stop; its log:\n" + self.log) from None
        finally:
            self._reader.join(5)
        self.sound()
        assert self.process.returncode == status, self.log

    def sound(self):
        assert not SANITIZER.search(self.log), self.log

    def clean_up(self):
        """For the end of a test: stop, unless the test did."""
        try:
            if self.process.returncode is None:
                self.stop()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.stderr.close()
        self.sound()

    def alive(self):
        time.sleep(0)
        return self.process.poll() is None
