# SPDX-License-Identifier: ISC
"""Real upstream proxies in pairs, threes and fours, in every order."""
import hashlib
import itertools

import pytest

import clients
import servers
from peers import KINDS

THREES = {
    "socks-only": ("dante", "microsocks", "ssh"),
    "http-only": ("tinyproxy", "squid", "tinyproxy"),
    "http-in-the-middle": ("dante", "squid", "microsocks"),
    "socks-in-the-middle": ("squid", "ssh", "tinyproxy"),
    "microsocks-first": ("microsocks", "tinyproxy", "dante"),
    "microsocks-last": ("tinyproxy", "dante", "microsocks"),
    "ourselves-between": ("squid", "hopgate", "ssh"),
    "ourselves-around": ("hopgate", "tinyproxy", "hopgate"),
}
FOURS = {
    "all-socks": ("dante", "ssh", "microsocks", "hopgate"),
    "alternating": ("squid", "dante", "tinyproxy", "microsocks"),
    "http-ends": ("tinyproxy", "microsocks", "ssh", "squid"),
    "ourselves-four-times": ("hopgate", "hopgate", "hopgate", "hopgate"),
}
PAIRS = {"-".join(pair): pair for pair in itertools.product(KINDS, KINDS)}


def start(peers, kinds):
    """The peers of a chain; one that occurs twice is two programs."""
    seen = {}
    chain = []
    for kind in kinds:
        chain.append(peers(kind, seen.get(kind, 0)))
        seen[kind] = seen.get(kind, 0) + 1
    return chain


def through(hopgate, peers, kinds, origin):
    chain = start(peers, kinds)
    hops = "".join(f"hop {peer.name} {{ uri {peer.uri} }}\n" for peer in chain)
    names = " ".join(peer.name for peer in chain)
    gateway = hopgate(hops + f"routes {{ route default via {names} }}\n")
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    return gateway, tunnel, names


def exercise(hopgate, peers, serve, kinds):
    """Small first, as a dialogue; then a megabyte each way; then the log line."""
    origin = serve(servers.echo)
    gateway, tunnel, names = through(hopgate, peers, kinds, origin)
    for number in range(5):
        question = b"question %d" % number
        assert clients.ask(tunnel, question) == question
    block = hashlib.sha256(b"seed").digest() * 2048
    for _ in range(16):
        assert clients.ask(tunnel, block) == block
    tunnel.close()
    row = gateway.session(target=f"127.0.0.1:{origin.port}")
    assert row["hops"].replace(",", " ") == names
    times = [part for part in row["hops_ms"].split(",") if part != "-"]
    assert len(times) == len(kinds), row
    assert int(row["up"]) == int(row["down"]) == 16 * len(block) + 5 * len("question 0")
    assert origin.count == 1


@pytest.mark.parametrize("pair", PAIRS)
def test_pair(hopgate, peers, serve, pair):
    exercise(hopgate, peers, serve, PAIRS[pair])


@pytest.mark.parametrize("name", THREES)
def test_three(hopgate, peers, serve, name):
    exercise(hopgate, peers, serve, THREES[name])


@pytest.mark.parametrize("name", FOURS)
def test_four(hopgate, peers, serve, name):
    exercise(hopgate, peers, serve, FOURS[name])


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_target_is_reported_through_the_hop(hopgate, peers, kind):
    """Refused by the target, not by the hop: all these say so."""
    peer = peers(kind)
    gateway = hopgate(f"routes {{ route default via {peer.uri} }}\n")
    with pytest.raises(clients.Refused) as refused:
        clients.socks5(gateway.address(), "127.0.0.1", 1)
    assert refused.value.code in (1, 3, 4, 5)
    row = gateway.session(target="127.0.0.1:1")
    assert row["end"] not in ("ok", "closed", "internal")
    if kind in ("dante", "microsocks", "hopgate"):
        assert refused.value.code == 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", clients.PROTOCOLS)
def test_every_client_protocol_through_every_kind(hopgate, peers, serve, kind, protocol):
    origin = serve(servers.echo)
    peer = peers(kind)
    gateway = hopgate(f"routes {{ route default via {peer.uri} }}\n")
    tunnel = clients.PROTOCOLS[protocol](gateway.address(), "127.0.0.1", origin.port, early=b"me")
    assert clients.read_exactly(tunnel, 2) == b"me"
    assert clients.ask(tunnel, b"more") == b"more"
