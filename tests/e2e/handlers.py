# SPDX-License-Identifier: ISC
"""What the web origins of the tests share."""
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    """Answers over kept connections; `asked` is (method, path, Via) of every request."""

    protocol_version = "HTTP/1.1"
    asked = None  # a list, of the class made for a test

    def parse_request(self):
        good = super().parse_request()
        if good and self.asked is not None:
            self.asked.append((self.command, self.path, self.headers["Via"]))
        return good

    def content(self):
        """What the request brings, with a length or in chunks."""
        if self.headers["Transfer-Encoding"] is None:
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def answer(self, body=b"", kind="text/plain", status=200, fields=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin_chunks(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        """The last one is empty."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_):
        pass
