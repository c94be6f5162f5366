# SPDX-License-Identifier: ISC
"""Row 223 and the transparent mode: what is added to a request, and nothing if one says so."""
import re

import pytest

from hopgate import LISTEN
from messages import Client, chunked, request, response
from scripted_origin import answering


def listening(http):
    return "workers 1\n" + LISTEN.replace(" }", f"; http {{ {http} }} }}")


TRANSPARENT = listening("via off; forwarded off")
FIELDS = [
    "uSER-agent: Some/1.0 (thing; [x])",
    "ACCEPT: */*",
    "X-Forwarded-For: 192.0.2.1",
    "accept: text/html;q=0.5,\t*/*",
    "Forwarded: for=192.0.2.43",
    "X-Empty:",
    "Cookie: a=b",
    "cOOKIE: c=d",
    "zz: last",
]


def meant(data, origin):
    """What the client meant: its request in origin-form."""
    return data.replace(f" http://{origin.authority}".encode(), b" ", 1)


@pytest.fixture(name="origin")
def answering_origin(scripted):
    return scripted()


def test_the_origin_sees_byte_for_byte_what_the_client_meant(hopgate, origin):
    sent = [
        request(origin, "GET", "/first?q=1", *FIELDS),
        request(origin, "POST", "/second", *FIELDS, body=b"content"),
        request(origin, "PUT", "/third", "A: b", "Transfer-Encoding: chunked", "C: d")
        + chunked(b"content"),
        request(origin, "DELETE", "/fourth"),
    ]
    with Client(hopgate(TRANSPARENT)) as client:
        for data in sent:
            assert client.ask(data).status == 200
    heads = [message.raw for message in origin.requests]
    assert heads == [meant(data, origin).split(b"\r\n\r\n")[0] + b"\r\n\r\n" for data in sent]
    assert [message.body for message in origin.requests] == [b"", b"content", b"content", b""]


@pytest.mark.parametrize(
    "field,stays",
    [
        ("Connection: keep-alive", "Connection: keep-alive"),
        ("connection: Keep-Alive, X-A", "connection: Keep-Alive"),
        ("Proxy-Connection: keep-alive", "Connection: keep-alive"),
        ("Connection: close", None),
        ("Proxy-Connection: close", None),
        ("Proxy-Authorization: Basic YTpi", None),
    ],
)
def test_what_is_for_the_proxy_becomes_what_it_would_be_for_an_origin(
    hopgate, origin, field, stays
):
    with Client(hopgate(TRANSPARENT)) as client:
        client.ask(request(origin, "GET", "/", FIELDS[0], field, *FIELDS[1:]))
    kept = [FIELDS[0], *([stays] if stays else []), *FIELDS[1:]]
    assert origin.requests[0].raw == meant(request(origin, "GET", "/", *kept), origin)


def test_only_host_is_added_for_http_1_0(hopgate, origin):
    with Client(hopgate(TRANSPARENT)) as client:
        client.ask(f"GET http://{origin.authority}/ HTTP/1.0\r\nA: b\r\n\r\n".encode())
    head = f"GET / HTTP/1.1\r\nHost: {origin.authority}\r\nA: b\r\n\r\n"
    assert origin.requests[0].raw == head.encode()


def test_the_client_sees_byte_for_byte_what_the_origin_meant(hopgate, scripted):
    fields = ["sERVER: x", "Set-Cookie: a=b", "X-Empty:", "set-cookie: c=d"]
    answers = [
        response(b"hello", "200 Fine", *fields),
        response(b"", "404 Not  Here", *fields),
        response(b"", "204 None", *fields, length=False),
    ]
    origin = scripted(answering(lambda message: answers[int(message.target[1:])]))
    with Client(hopgate(TRANSPARENT)) as client:
        for number, answer in enumerate(answers):
            client.send(request(origin, path=f"/{number}"))
            assert client.take(len(answer)) == answer


def test_connections_are_kept_on_both_sides(hopgate, origin):
    with Client(hopgate(TRANSPARENT)) as client:
        for number in range(5):
            assert not client.ask(request(origin, path=f"/{number}")).closes
    assert origin.count == 1
    assert not any(message.every("Connection") for message in origin.requests)


# --- Forwarded ---------------------------------------------------------------------------


def seen(hopgate, origin, http, *fields):
    with Client(hopgate(listening(http))) as client:
        assert client.ask(request(origin, "GET", "/", *fields)).status == 200
    return origin.requests[0]


CLAIMS = ["Forwarded: for=192.0.2.43", "X-Forwarded-For: 192.0.2.43"]


def test_row_223_by_default_nothing_is_said_of_the_client(hopgate, origin):
    with Client(hopgate()) as client:
        assert client.ask(request(origin)).status == 200
    message = origin.requests[0]
    assert not [name for name, _ in message.fields if "forwarded" in name.lower()]
    assert b"127.0.0.1" not in message.raw.replace(origin.authority.encode(), b"")


def test_row_223_off_leaves_what_the_client_says(hopgate, origin):
    message = seen(hopgate, origin, "forwarded off", *CLAIMS)
    assert message.every("Forwarded") == ["for=192.0.2.43"]
    assert message.every("X-Forwarded-For") == ["192.0.2.43"]


def test_row_223_append(hopgate, origin):
    message = seen(hopgate, origin, "forwarded append")
    host = f'host="{origin.authority}"'
    assert message.get("Forwarded") == f"for=127.0.0.1;{host};proto=http"
    assert message.get("X-Forwarded-For") == "127.0.0.1"


def test_row_223_append_goes_behind_others(hopgate, origin):
    message = seen(hopgate, origin, "forwarded append", *CLAIMS)
    assert message.get("X-Forwarded-For") == "192.0.2.43, 127.0.0.1"
    elements = [part.strip() for part in ",".join(message.every("Forwarded")).split(",")]
    assert elements[0] == "for=192.0.2.43" and len(elements) == 2
    assert re.match(r'for="?127\.0\.0\.1', elements[1])


def test_row_223_an_ipv6_client_is_quoted(hopgate, origin):
    text = "listen main { address [::1]:0; http { forwarded append } }\n"
    with Client(hopgate(text)) as client:
        assert client.ask(request(origin)).status == 200
    assert re.match(r'for="\[::1\](:\d+)?"', origin.requests[0].get("Forwarded"))


def test_row_223_strip(hopgate, origin):
    fields = [*CLAIMS, "x-forwarded-for: 198.51.100.1", "X-Forwarded-Host: a", "X-Kept: yes"]
    message = seen(hopgate, origin, "forwarded strip", *fields)
    assert not [name for name, _ in message.fields if "forwarded" in name.lower()]
    assert message.get("X-Kept") == "yes"


def test_via_can_be_off_alone(hopgate, origin):
    with Client(hopgate(listening("via off"))) as client:
        answer = client.ask(request(origin))
    assert not answer.every("Via") and not origin.requests[0].every("Via")


def test_via_is_on_unless_it_is_off(hopgate, origin):
    with Client(hopgate(listening("via on"))) as client:
        answer = client.ask(request(origin))
    assert answer.get("Via") and origin.requests[0].get("Via")


def test_the_name_in_via_can_be_given(hopgate, origin):
    gateway = hopgate(listening("via edge"))
    with Client(gateway) as client:
        answer = client.ask(request(origin))
        assert client.ask(request(origin, "GET", "/", "Via: 1.1 edge")).status == 502
    assert answer.get("Via") == origin.requests[0].get("Via") == "1.1 edge"
    assert len(origin.requests) == 1
