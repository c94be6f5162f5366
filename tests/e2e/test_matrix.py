# SPDX-License-Identifier: ISC
"""
Row 286: every client protocol, through every kind of hop, with every way in which it can fail,
through one hop and two.  One gateway serves all; the target's port says what the hop shall do.
"""
import itertools

import pytest

import clients
from fakes import FakeHop
from hopgate import Hopgate

UPSTREAMS = ("socks4", "socks4a", "socks5", "http", "socks")
HOPS = (1, 2)
PATIENT = ("silent",)  # costs the dial timeout: tried with each upstream, not with each client

# What the hop does, and for each of its protocols what the session's end may be called.
DENIED = {"socks4": "hop-failed", "socks5": "hop-denied", "http": "hop-denied"}
CASES = {
    "granted": ("trickle", None),
    "granted-with-early-data": ("early", None),
    "garbage": ("garbage", {"*": "hop-protocol"}),
    "closed": ("close", {"*": "hop-closed"}),
    "reset": ("reset", {"*": "hop-closed"}),
    "silent": ("silent", {"*": "hop-timeout timeout"}),
    "denied": ({"socks4": 91, "socks5": 2, "http": 403}, DENIED),
    "refused": (
        {"socks4": 91, "socks5": 5, "http": 502},
        {"socks4": "hop-failed", "socks5": "refused", "http": "hop-bad-gateway"},
    ),
    "host-unreachable": (
        {"socks4": 91, "socks5": 4, "http": 502},
        {"socks4": "hop-failed", "socks5": "host-unreachable", "http": "hop-bad-gateway"},
    ),
    "timed-out": (
        {"socks4": 91, "socks5": 6, "http": 504},
        {"socks4": "hop-failed", "socks5": "timeout", "http": "hop-gateway-timeout"},
    ),
    "busy": (
        {"socks4": 91, "socks5": 1, "http": 503},
        {"socks4": "hop-failed", "socks5": "hop-failed", "http": "hop-unavailable"},
    ),
    "wants-a-password": ({"http": 407}, {"http": "hop-auth"}),
    "wants-ident": ({"socks4": 92}, {"socks4": "hop-auth hop-failed"}),
    "bad-code": ({"socks4": 99, "socks5": 200, "http": 299}, None),
}
# Reply of SOCKS5, SOCKS4 and HTTP for each end; everything else is a bare failure.
TOLD = {
    "refused": (5, 91, 502),
    "host-unreachable": (4, 91, 502),
    "timeout": (6, 91, 504),
    "hop-denied": (2, 91, 502),
    "hop-bad-gateway": (4, 91, 502),
    "hop-gateway-timeout": (6, 91, 504),
    "hop-timeout": (1, 91, 504),
    "hop-unavailable": (1, 91, 503),
}


def family(upstream):
    """The protocol that a fake hop sees."""
    return {"socks4a": "socks4", "socks": "socks5"}.get(upstream, upstream)


def port_of(upstream, hops, case):
    number = list(CASES).index(case)
    return 10000 + UPSTREAMS.index(upstream) * 1000 + hops * 100 + number


def script(port):
    """What a fake hop does to a request for this port."""
    if not 10000 <= port < 20000:
        return "relay"  # the next hop
    upstream = family(UPSTREAMS[(port - 10000) // 1000])
    action = list(CASES.values())[port % 100][0]
    return action if isinstance(action, str) else ("code", action[upstream])


@pytest.fixture(name="matrix", scope="module")
def matrix_gateway(tmp_path_factory):
    """One gateway with a route for each upstream and number of hops."""
    fake, first = FakeHop(script), FakeHop()
    rows = []
    for upstream, hops in itertools.product(UPSTREAMS, HOPS):
        low = 10000 + UPSTREAMS.index(upstream) * 1000 + hops * 100
        way = f"{upstream}://127.0.0.1:{fake.port}"
        if hops == 2:
            way = f"{upstream}://127.0.0.1:{first.port} " + way
        rows.append(f"route default ports {low}-{low + 99} via {way}\n")
    text = "timeouts { dial 2s; connect 2s }\nroutes {\n" + "".join(rows) + "}\n"
    gateway = Hopgate(tmp_path_factory.mktemp("matrix"), text)
    yield gateway
    gateway.clean_up()
    fake.close()
    first.close()


def cases():
    """Each combination that makes sense, named."""
    for client, upstream, hops, case in itertools.product(
        clients.PROTOCOLS, UPSTREAMS, HOPS, CASES
    ):
        action = CASES[case][0]
        if isinstance(action, dict) and family(upstream) not in action:
            continue
        if case in PATIENT and client != "socks5":
            continue
        yield pytest.param(
            client, upstream, hops, case, id=f"{client}-{upstream}-{hops}-{case}"
        )


@pytest.mark.parametrize("client,upstream,hops,case", cases())
def test_row_286(matrix, client, upstream, hops, case):
    port = port_of(upstream, hops, case)
    host = f"127.0.1.{list(clients.PROTOCOLS).index(client) + 1}"
    dial = clients.PROTOCOLS[client]
    action, ends = CASES[case]
    if action in ("trickle", "early") or case == "bad-code" and upstream == "http":
        return granted(matrix, dial, host, port, action)
    with pytest.raises(clients.Refused) as refused:
        dial(matrix.address(), host, port)
    row = matrix.session(target=f"{host}:{port}")
    end = row["end"]
    if ends:
        assert end in (ends.get("*") or ends[family(upstream)]).split(), row
    else:
        assert end.startswith("hop-"), row
    column = {"socks5": 0, "http": 2}.get(client, 1)
    assert refused.value.code == TOLD.get(end, (1, 91, 502))[column], (end, refused.value)
    return None


def granted(matrix, dial, host, port, action):
    if not isinstance(action, str):  # a 2xx is a tunnel, whatever its number
        dial(matrix.address(), host, port).close()
        return
    tunnel = dial(matrix.address(), host, port, early=b"before")
    if action == "early":
        assert clients.read_exactly(tunnel, 5) == b"early"
    assert clients.read_exactly(tunnel, 6) == b"before"
    assert clients.ask(tunnel, b"after") == b"after"
    tunnel.close()
    assert matrix.session(target=f"{host}:{port}")["end"] == "closed"
