# SPDX-License-Identifier: ISC
"""An origin that follows a script for each connection, and keeps every byte that it was sent."""
import contextlib
import threading

import servers
from messages import Ended, Wire, response
from waiting import PATIENCE, until


class Connection(Wire):
    """One connection, as its script sees it, and as a test does afterwards."""

    def __init__(self, sock, origin):
        super().__init__(sock)
        self.origin = origin
        self.requests = []
        self.cut = False  # the other side ended in the middle of a request
        self.end = None  # how the other side ended: FIN or RST; None: it did not, or we did

    def more(self):
        try:
            length = super().more()
        except ConnectionResetError:
            self.end = "RST"
            raise
        if not length:
            self.end = "FIN"
        return length

    def head(self):
        """The head of the next request; None if none comes."""
        try:
            message = super().head()
        except (Ended, ConnectionResetError):
            if self.at == len(self.seen):
                return None
            self.cut = True
            raise
        self.requests.append(message)
        self.origin.requests.append(message)
        return message

    def body(self, message):
        """Its content."""
        try:
            self.body_of(message, "none")
        except (Ended, ConnectionResetError):
            self.cut = True
            raise
        return message.body

    def request(self):
        """The next request with its content; None if none comes."""
        message = self.head()
        if message:
            self.body(message)
        return message

    def wait(self, event):
        """For something that the test says."""
        assert event.wait(PATIENCE), "the test did not say so"

    def close(self):
        """FIN after what was sent; the rest is read, or it would be RST."""
        with contextlib.suppress(OSError):
            self.half_close()
            while self.more():
                pass
        self.sock.close()

    def reset(self):
        servers.reset(self.sock)


ENDS = {"FIN": Connection.close, "RST": Connection.reset}


def answering(answer=response()):
    """Every request is answered: with these bytes, or what answer(request) says."""

    def script(connection):
        while message := connection.request():
            connection.send(answer(message) if callable(answer) else answer)

    return script


def once(answer, then=None):
    """One request is answered; then comes `then(connection)`."""

    def script(connection):
        if connection.request():
            connection.send(answer)
            if then:
                then(connection)

    return script


class ScriptedOrigin(servers.Server):
    """
    The n-th connection is led by the n-th script, later ones by the last: script(connection).
    When a script is at its end, what still comes is kept until the other side ends.
    """

    def __init__(self, *scripts, **options):
        self.scripts = scripts or (answering(),)
        self.connections = []
        self.requests = []  # of all connections, in the order of their heads
        self.faults = []  # requests that no gateway may send
        self._lock = threading.Lock()
        super().__init__(self._follow, **options)

    def _follow(self, sock):
        connection = Connection(sock, self)
        with self._lock:
            number = len(self.connections)
            self.connections.append(connection)
        try:
            self.scripts[min(number, len(self.scripts) - 1)](connection)
            while sock.fileno() >= 0 and connection.more():
                pass
        except AssertionError as fault:
            self.faults.append(fault)

    @property
    def authority(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def seen(self):
        """Every byte that came, a string for each connection."""
        return [bytes(connection.seen) for connection in self.connections]

    def until_requests(self, number):
        what = f"{number} requests"
        until(lambda: len(self.requests) >= number, what)
        return self.requests

    def until_seen(self, data, connection=0):
        """Until a connection has been sent these bytes."""
        until(
            lambda: len(self.connections) > connection and data in self.seen[connection],
            f"{data!r} on connection {connection}",
        )

    def until_end(self, connection=0):
        """How the gateway ended that connection: FIN or RST."""
        until(lambda: len(self.connections) > connection, f"connection {connection}")
        return until(lambda: self.connections[connection].end, "the end of the connection")
