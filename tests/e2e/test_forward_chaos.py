# SPDX-License-Identifier: ISC
"""Clients and origins that break off anywhere: nobody else notices, and nothing is left behind."""
import contextlib
import os
import random
import threading

import pytest

from messages import CHUNKED, Client, Ended, chunked, chunked_response, request, response
from scripted_origin import ScriptedOrigin
from servers import reset
from waiting import until

BODY = bytes(range(256)) * 1024
SWITCH = b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
SAID = {
    "whole": response(BODY),
    "chunks": chunked_response(*(BODY[i : i + 5000] for i in range(0, len(BODY), 5000))),
    "cut": response(BODY)[:-1000],
    "cut-head": response(BODY)[:40],
    "cut-chunk": chunked_response(BODY)[:-1000],
    "bad-chunk": chunked_response(BODY, last=False) + b"0x5\r\nhello\r\n0\r\n\r\n",
    "bad-head": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "flood": b"HTTP/1.1 103 Hints\r\n\r\n" * 50,
    "nothing": b"",
    "unframed": response(BODY, length=False),
    "surplus": response(BODY) + response(b"poison"),
    "switch": SWITCH + BODY[:1000],
}
GOOD = ("whole", "chunks", "unframed", "surplus")


def behave(connection):
    """As the path says: what is said after the head or after the content, and how it ends."""
    while message := connection.head():
        what, when, end = message.target[1:].split("/")
        if when == "late":
            connection.body(message)
        connection.send(SAID[what])
        if what == "switch":
            while connection.more():
                connection.send(connection.take(len(connection.seen) - connection.at))
        if end == "reset":
            connection.reset()
            return
        if end == "close" or what == "unframed":
            connection.close()
            return
        if when == "early":
            connection.body(message)


def path_of(chance):
    what, when = chance.choice(sorted(SAID)), chance.choice(["early", "late", "late"])
    return f"/{what}/{when}/{chance.choice(['stay', 'stay', 'close', 'reset'])}"


def asked(chance, origin):
    """A request for anything, whole or not."""
    path, fields = path_of(chance), []
    if path.startswith("/switch") and chance.random() < 0.8:
        fields = ["Connection: Upgrade", "Upgrade: echo"]
    how = chance.choice(["none", "length", "chunks", "expect"])
    if how == "none":
        data = request(origin, chance.choice(["GET", "HEAD", "DELETE"]), path, *fields)
    elif how == "length":
        data = request(origin, "POST", path, *fields, body=BODY[: chance.randrange(len(BODY))])
    elif how == "chunks":
        data = request(origin, "PUT", path, *fields, CHUNKED) + chunked(BODY, BODY[:77])
    else:
        data = request(origin, "POST", path, *fields, "Expect: 100-continue", body=BODY)
    return data[: chance.randrange(len(data))] if chance.random() < 0.2 else data


def wild(gateway, origin, chance):
    """A client that asks for much, reads some of it, and goes somehow."""
    with contextlib.suppress(OSError), Client(gateway) as client:
        client.sock.settimeout(0.3)
        for _ in range(chance.randrange(1, 4)):
            client.send(asked(chance, origin))
        if chance.random() < 0.3:
            client.half_close()
        for _ in range(chance.randrange(60)):
            if not client.more():
                break
        if chance.random() < 0.5:
            reset(client.sock)


def tame(gateway, origin, chance):
    """A client that knows what it must get."""
    with Client(gateway) as client:
        for _ in range(4):
            what = chance.choice(GOOD)
            path = f"/{what}/late/{'close' if what == 'unframed' else 'stay'}"
            body = BODY[: chance.randrange(len(BODY))]
            got = client.ask(request(origin, "PUT", path, body=body))
            assert got.status == 200 and got.body == BODY


def sockets(gateway):
    """How many it has; pipes wait for others in a pool."""
    directory, links = f"/proc/{gateway.gateway_pid()}/fd", []
    for name in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(f"{directory}/{name}"))
    return sum(link.startswith("socket:") for link in links)


def crowd(gateway, origin, seed, faults):
    chance = random.Random(seed)
    try:
        for _ in range(15):
            wild(gateway, origin, chance)
            tame(gateway, origin, chance)
    except (AssertionError, OSError, Ended) as fault:
        faults.append(fault)


@pytest.mark.parametrize("hops", [0, 1])
def test_nobody_notices_what_others_break(hopgate, hops):
    origin = ScriptedOrigin(behave)  # it is sent requests that are cut
    text = "workers 2\ntimeouts { keep-alive 1s; idle 3s; half-close 1s }\n"
    if hops:
        text += f"routes {{ route default via http://{hopgate(text).hostport} }}\n"
    gateway = hopgate(text)
    before, faults = sockets(gateway), []
    threads = [
        threading.Thread(target=crowd, args=(gateway, origin, seed, faults)) for seed in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults and not origin.faults
    tame(gateway, origin, random.Random(0))
    until(lambda: sockets(gateway) <= before, "the end of all connections")
    gateway.stop()
    origin.close()
    ends = {row["end"] for row in gateway.sessions()}
    assert "internal" not in ends and {"ok", "response-incomplete"} <= ends
