# SPDX-License-Identifier: ISC
"""A web site that does what sites do: images, redirects, posts, events; it says how that went."""
import hashlib
import json
import queue
import struct
import threading
import zlib

from handlers import Handler

IMAGES = 40
EVENTS = 5
TAG = '"tag"'
PAGE = """<!doctype html><title>shop</title>
<link rel="stylesheet" href="/style.css">
<body>{images}<script>
const result = {{}};
const text = async (...request) => (await fetch(...request)).text();
const loaded = image => image.complete ? image.naturalWidth : new Promise(done => {{
    image.onload = () => done(image.naturalWidth);
    image.onerror = () => done(0);
}});
const events = () => new Promise(done => {{
    const seen = [], source = new EventSource('/events');
    source.onmessage = event => {{
        seen.push(event.data);
        fetch('/event-came', {{method: 'POST'}});
        if (seen.length == {events}) {{ source.close(); done(seen); }}
    }};
}});
const chat = () => new Promise(done => {{
    const seen = [], socket = new WebSocket('ws://{chat}/chat');
    socket.onopen = () => {{ for (let i = 0; i < 1000; i++) socket.send('frame ' + i); }};
    socket.onmessage = event => {{ if (seen.push(event.data) == 1000) socket.close(); }};
    socket.onclose = event => done([seen.length, seen[999], event.wasClean]);
}});
const trial = {{
    images: async () => Promise.all([...document.images].map(loaded)),
    style: async () => getComputedStyle(document.body).color,
    redirect: async () => {{ const r = await fetch('/from/5'); return [r.url, await r.text()]; }},
    kept: async () => text('/from/2', {{method: 'POST', body: 'x'.repeat(300000)}}),
    posted: async () => text('/sum', {{method: 'POST', body: new Blob(['y'.repeat(1000000)])}}),
    many: async () => Promise.all([...Array(100).keys()].map(i => text('/number/' + i))),
    stream: async () => {{
        const reader = (await fetch('/stream/100')).body.getReader();
        let length = 0;
        for (;;) {{
            const {{done, value}} = await reader.read();
            if (done) return length;
            length += value.length;
        }}
    }},
    cached: async () => [await text('/tagged'), await text('/tagged', {{cache: 'no-cache'}})],
    missing: async () => (await fetch('/missing')).status,
    events,
    chat,
}};
(async () => {{
    for (const name in trial) {{
        result[name] = await trial[name]().catch(String);
    }}
    await fetch('/result', {{method: 'POST', body: JSON.stringify(result)}});
}})();
</script>"""


def png(width):
    """A grey image, so wide and one high."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" + b"\x80" * width)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Shop(Handler):
    """Where the chat is, the result when it has come, and a signal for each event seen."""

    chat = results = came = None  # of the class made by shop()

    def do_GET(self):
        name, _, number = self.path[1:].partition("/")
        getattr(self, "get_" + (name or "page").replace(".", "_"), self.get_nothing)(number)

    do_HEAD = do_GET

    def do_POST(self):
        body = self.content()
        if self.path.startswith("/from/"):
            self.get_from(self.path.rsplit("/", 1)[1])
        elif self.path == "/result":
            self.results.put(json.loads(body))
            self.answer(b"thanks")
        elif self.path == "/event-came":
            self.came.release()
            self.answer()
        else:
            self.answer(sum_of(body).encode())

    def get_page(self, _):
        images = "".join(f'<img src="/image/{i + 1}">' for i in range(IMAGES))
        self.answer(PAGE.format(images=images, events=EVENTS, chat=self.chat).encode(), "text/html")

    def get_nothing(self, _):
        self.answer(b"no such thing", status=404)

    def get_image(self, number):
        self.answer(png(int(number)), "image/png")

    def get_style_css(self, _):
        self.answer(b"body { color: rgb(1, 2, 3) }", "text/css")

    def get_number(self, number):
        self.answer(number.encode())

    def get_from(self, number):
        """One redirect after the other; 307 and 308 keep method and body."""
        if int(number) == 0:
            self.answer(f"{self.command} arrived".encode())
            return
        location = ("Location", f"/from/{int(number) - 1}")
        self.answer(status=307 if int(number) % 2 else 308, fields=[location])

    def get_tagged(self, _):
        if self.headers["If-None-Match"] != TAG:
            self.answer(b"tagged", fields=[("ETag", TAG)])
            return
        self.send_response(304)
        self.send_header("ETag", TAG)
        self.end_headers()

    def get_stream(self, count):
        """That many chunks."""
        self.begin_chunks("application/octet-stream")
        for _ in range(int(count)):
            self.chunk(b"z" * 10000)
        self.chunk(b"")

    def get_events(self, _):
        """The next one is sent when the last has been seen: nobody may wait for more."""
        self.begin_chunks("text/event-stream")
        for number in range(EVENTS):
            self.chunk(b"data: event %d\n\n" % number)
            assert self.came.acquire(timeout=20), "the event has not come"
        self.chunk(b"")


def sum_of(body):
    """What is answered to a post."""
    return f"{len(body)} {hashlib.sha256(body).hexdigest()}"


def shop(chat=""):
    """A handler class; `chat` is HOST:PORT of a WebSocket."""
    fields = {
        "chat": chat,
        "asked": [],
        "results": queue.Queue(),
        "came": threading.Semaphore(0),
    }
    return type("Branch", (Shop,), fields)


def right(host, port):
    """The result if all goes well."""
    return {
        "images": list(range(1, IMAGES + 1)),
        "style": "rgb(1, 2, 3)",
        "redirect": [f"http://{host}:{port}/from/0", "GET arrived"],
        "kept": "POST arrived",
        "posted": sum_of(b"y" * 1000000),
        "many": [str(number) for number in range(100)],
        "stream": 1000000,
        "cached": ["tagged", "tagged"],
        "missing": 404,
        "events": [f"event {number}" for number in range(EVENTS)],
        "chat": [1000, "frame 999", True],
    }
