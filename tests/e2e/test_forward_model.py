# SPDX-License-Identifier: ISC
"""A model says which requests the origin must see, and with which content; whatever is sent."""
import pytest

from messages import CHUNKED, Client, chunked_response, request, response
from scripted_origin import ScriptedOrigin
from test_forward_smuggling import CHUNKS, FRAMINGS, HEADS

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

INNER = b"GET http://127.0.0.1:9/inner HTTP/1.1\r\nHost: a\r\n\r\n"


class Site(ScriptedOrigin):
    """An origin that answers as the path says, and keeps what was asked of it as a whole."""

    def __init__(self):
        self.asked = []  # (method, path, content)
        super().__init__(self.serve)

    def serve(self, connection):
        while message := connection.request():
            self.asked.append((message.method, message.target, message.body))
            how, _, number = message.target[1:].partition("/")
            connection.send(ANSWERS[how](message, number.encode()))
            if how == "gone" or (how == "close" and message.method != "HEAD"):
                connection.close()
                return
            if how == "surplus":
                return


def plain(message, body):
    if message.method == "HEAD":
        return response(b"", "200 OK", f"Content-Length: {len(body)}", length=False)
    return response(body)


def in_chunks(message, body):
    if message.method == "HEAD":
        return response(b"", "200 OK", CHUNKED, length=False)
    return chunked_response(*(body[i : i + 1] for i in range(len(body))))


def to_the_end(message, body):
    return plain(message, body) if message.method == "HEAD" else response(body, length=False)


def hinting(message, body):
    return b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + plain(message, body)


def too_much(message, body):
    return plain(message, body) + response(b"poison")


ANSWERS = {
    "length": plain,
    "chunked": in_chunks,
    "close": to_the_end,  # the end of the connection is that of the content
    "gone": plain,  # and the connection ends, unannounced
    "hint": hinting,
    "surplus": too_much,
}


class Asked:
    """One request as bytes, and what must come of it."""

    def __init__(self, data, seen=None, status=None, last=False, may_end=False):
        self.data = data
        self.seen = seen  # (method, path, content) at the origin, or None
        self.status = status  # None: any error of the client
        self.last = last  # nothing behind it is looked at
        self.may_end = may_end  # the gateway may rather end the connection than read on

    def __repr__(self):
        return f"{self.data[:200]!r}"


contents = st.one_of(st.binary(max_size=300), st.just(INNER), st.just(INNER * 20), st.just(b""))
pieces = st.lists(st.binary(min_size=1, max_size=100) | st.just(INNER), max_size=5)
extensions = st.sampled_from([b"", b";a", b";a=b", b';a="b c"'])


@st.composite
def framed(draw):
    """Fields and bytes of content, and the content."""
    how = draw(st.sampled_from(["none", "length", "chunks", "trailers"]))
    if how == "none":
        return [], b"", b""
    if how == "length":
        body = draw(contents)
        return [f"Content-Length: {'0' * draw(st.integers(0, 3))}{len(body)}"], body, body
    parts = draw(pieces)
    data = b"".join(b"%x%s\r\n%s\r\n" % (len(part), draw(extensions), part) for part in parts)
    end = b"0\r\n\r\n" if how == "chunks" else b"0;x\r\nContent-Length: 9\r\nX: y\r\n\r\n"
    return [CHUNKED], data + end, b"".join(parts)


@st.composite
def good(draw, origin):
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "ODD"]))
    path = f"/{draw(st.sampled_from(sorted(ANSWERS)))}/{draw(st.integers(0, 999))}"
    fields, data, body = draw(framed())
    last = draw(st.sampled_from([False] * 8 + ["close", "1.0"]))
    if last == "close":
        fields = [*fields, "Connection: close"]
    if last == "1.0" and CHUNKED in fields:
        last = False
    head = request(origin, method, path, *fields, version="1.0" if last == "1.0" else "1.1")
    empty = draw(st.sampled_from([b"", b"", b"\r\n"]))
    return Asked(empty + head + data, (method, path, body), 200, bool(last))


@st.composite
def refused(draw):
    """Well-formed, but `access` says no."""
    fields, data, _ = draw(framed())
    head = request(9, draw(st.sampled_from(["GET", "POST"])), "/refused", *fields)
    return Asked(head + data, None, 403, may_end=bool(fields))


def hostile(origin):
    """What is no request, or a body that is none."""
    authority = origin.authority.encode()
    heads = [data.replace(b"ORIGIN", authority) for data, _ in HEADS.values()]
    heads += [
        request(origin, "POST", "/", *FRAMINGS[n]) + b"5\r\nhello\r\n0\r\n\r\n" for n in FRAMINGS
    ]
    heads += [request(origin, "POST", "/length/0", CHUNKED) + data for data in CHUNKS.values()]
    short = [data for data in heads if len(data) < 2000]
    return st.sampled_from(short).map(lambda data: Asked(data, None, None, last=True))


def conversations(origin):
    anything = st.one_of(good(origin), good(origin), good(origin), refused(), hostile(origin))
    return st.lists(anything, min_size=1, max_size=8)


def method_of(asked):
    return "HEAD" if asked.data.lstrip().startswith(b"HEAD ") else "GET"


def converse(client, sent):
    """Read what comes of all this; what the origin must have seen."""
    expected = []
    for asked in sent:
        answer = client.response(method_of(asked))
        while answer.status == 103:
            answer = client.response(method_of(asked))
        if asked.seen:
            expected.append(asked.seen)
            assert answer.status == 200, (asked, answer)
            if method_of(asked) != "HEAD":
                assert answer.body == asked.seen[1].rsplit("/", 1)[1].encode(), (asked, answer)
        elif asked.status:
            assert answer.status == asked.status, (asked, answer)
        else:
            assert 400 <= answer.status < 500 or answer.status in (501, 505), (asked, answer)
        assert not answer.closes or asked.last or asked.may_end, (asked, answer)
        if asked.last or answer.closes:
            break
    assert client.ended()
    return expected


def cut(data, places):
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[a:b] for a, b in zip([0, *ends], ends)]


@pytest.mark.timeout(300)
def test_the_origin_sees_what_the_model_says(hopgate):
    origin = Site()
    gateway = hopgate("workers 1\naccess { block any ports 9; pass any }\n")

    @hypothesis.settings(
        max_examples=300,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(
        sent=conversations(origin), places=st.lists(st.integers(0, 1 << 16), max_size=6)
    )
    def model(sent, places):
        origin.asked.clear()
        with Client(gateway) as client:
            client.send(*cut(b"".join(asked.data for asked in sent), places))
            client.half_close()
            expected = converse(client, sent)
        assert origin.asked == expected
        assert not origin.faults

    try:
        model()
    finally:
        origin.close()
