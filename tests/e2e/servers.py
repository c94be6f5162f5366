# SPDX-License-Identifier: ISC
"""Origins: TCP servers in threads of the test, one handler a connection."""
import socket
import socketserver
import struct
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from waiting import PATIENCE, until


class Server:
    """Calls handler(connection) in a thread for each client; counts them."""

    def __init__(self, handler, host="127.0.0.1", port=0, backlog=128):
        self.handler = handler
        self.count = 0
        self.errors = []
        self.open = set()
        self.clients = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, port))
        self.socket.listen(backlog)
        self.host, self.port = self.socket.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return self.host, self.port

    def _accept(self):
        while True:
            try:
                connection, client = self.socket.accept()
            except OSError:
                return
            self.clients.append(client)
            self.count += 1
            connection.settimeout(PATIENCE * 2)
            self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.handler(connection)
        except OSError as error:
            self.errors.append(error)
        finally:
            self.open.discard(connection)
            connection.close()

    def until_connections(self, number):
        until(lambda: self.count >= number, f"{number} connections, have {self.count}")

    def until_idle(self):
        until(lambda: not self.open, "the end of all connections")

    def close(self):
        self.socket.close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


# --- handlers -----------------------------------------------------------------


def echo(connection):
    """Send everything back, and the end too."""
    while data := connection.recv(65536):
        connection.sendall(data)


def answer_after_end(answer=b"answer"):
    """Read until FIN, then say how much came and the answer."""

    def handler(connection):
        total = 0
        while data := connection.recv(65536):
            total += len(data)
        connection.sendall(b"%d " % total + answer)

    return handler


def say(data):
    """Speak first, then FIN, then read to the end."""

    def handler(connection):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    return handler


def reset(connection):
    """End a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def keep(into):
    """Collect what comes in a list; the last element is b"" for FIN or the error."""

    def handler(connection):
        try:
            while data := connection.recv(65536):
                into.append(data)
            into.append(b"")
        except OSError as error:
            into.append(error)

    return handler


def silent(connection):
    """Accept and say nothing until the client leaves."""
    while connection.recv(65536):
        pass


# --- a small web site -----------------------------------------------------------

RESOURCES = 12


class Site(BaseHTTPRequestHandler):
    """A page that needs a dozen resources; the last script says that all have come."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append(self.path)
        body, kind = page(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def page(path):
    """(body, type) of a path of the site."""
    if path == "/":
        scripts = "".join(f'<script src="/part{i}.js"></script>' for i in range(RESOURCES))
        return (
            f"<!doctype html><title>0</title><body>{scripts}<script>"
            "document.title = window.parts; document.body.textContent = 'parts ' + window.parts"
            "</script>".encode(),
            "text/html",
        )
    if path.startswith("/part"):
        return b"window.parts = (window.parts || 0) + 1;" + b" " * 20000, "text/javascript"
    if path == "/hello":
        return b"hello from inside\n", "text/plain"
    return b"", "text/plain"


class _Threaded(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


class WebSite:
    """The site on a free port, until close()."""

    def __init__(self, host="127.0.0.1", port=0, handler=Site):
        kind = type("Server", (_Threaded,), {})
        kind.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.server = kind((host, port), handler)
        self.server.seen = self.seen = []
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    # servers.py HOST PORT: the site alone, for another network namespace.
    import sys

    site = WebSite(sys.argv[1], int(sys.argv[2]))
    print(site.port, flush=True)
    threading.Event().wait()
