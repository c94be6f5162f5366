# SPDX-License-Identifier: ISC
"""
Networks of our own: through several firewalls to an inner network, and between IPv4 and IPv6.
Each network is a namespace; a cable joins neighbours only, and nobody forwards packets.
"""
import contextlib

import pytest

import spaces
import tools

OUT, OUTER, INNER, WEB = "client", "outer", "inner", "web"


def firewall(port, name):
    """Let nothing in but TCP to this port; answers to what went out pass."""
    return f"""
        table inet {name} {{
            chain input {{
                type filter hook input priority 0; policy drop;
                iif lo accept
                ct state established,related accept
                icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept
                tcp dport {port} accept
            }}
            chain forward {{ type filter hook forward priority 0; policy drop; }}
        }}
        """


@pytest.fixture(name="firewalls")
def four_networks():
    """client - outer DMZ - inner DMZ - inner network, one port open at each door."""
    tools.need_root("network namespaces are made here")
    tools.need("nft", "nsenter", "curl")
    with contextlib.ExitStack() as stack:
        names = (OUT, OUTER, INNER, WEB)
        space = {name: stack.enter_context(spaces.Space()) for name in names}
        for one in space.values():
            one.ip("link set lo up")
        space[OUT].cable(space[OUTER], ["10.1.0.1/24"], ["10.1.0.2/24"])
        space[OUTER].cable(space[INNER], ["10.2.0.1/24"], ["10.2.0.2/24"])
        space[INNER].cable(space[WEB], ["10.3.0.1/24"], ["10.3.0.2/24"])
        space[OUT].nft(firewall(1, "client"))
        for name, port in ((OUTER, 1080), (INNER, 1081), (WEB, 1082)):
            space[name].nft(firewall(port, name))
        # Every way is known and packets would be forwarded: only the firewalls stand between.
        space[OUT].ip("route add default via 10.1.0.2")
        space[OUTER].ip("route add default via 10.2.0.2")
        space[INNER].ip("route add default via 10.2.0.1")
        space[WEB].ip("route add default via 10.3.0.1")
        for name in (OUTER, INNER):
            space[name].sysctl("net/ipv4/ip_forward", 1)
        space[WEB].site("10.3.0.2", 80)
        yield space


def door(hopgate, space, address, network):
    return hopgate(f"listen door {{ address {address}; allow {network} }}\n", prefix=space.prefix)


def test_three_hops_lead_to_the_inner_network_and_nothing_else_does(hopgate, firewalls):
    space = firewalls
    door(hopgate, space[OUTER], "10.1.0.2:1080", "10.1.0.0/24")
    door(hopgate, space[INNER], "10.2.0.2:1081", "10.2.0.0/24")
    last = door(hopgate, space[WEB], "10.3.0.2:1082", "10.3.0.0/24")
    client = hopgate(
        """
        listen main { address 127.0.0.1:1080 }
        hop outer { uri socks5://10.1.0.2:1080 }
        hop inner { uri http://10.2.0.2:1081 }
        hop last  { uri socks4://10.3.0.2:1082 }
        routes {
            route 10.3.0.0/24 ports 80 via outer inner last
            route default direct
        }
        """,
        prefix=space[OUT].prefix,
    )
    url = "http://10.3.0.2"
    proxy = ("-x", "socks5h://127.0.0.1:1080")
    done = space[OUT].curl(*proxy, f"{url}:80/hello")
    assert done.stdout == "hello from inside\n", (done.stderr, client.log, last.log)
    row = client.session(target="10.3.0.2:80")
    assert row["hops"].replace(",", " ") == "outer inner last"
    assert len(row["hops_ms"].split(",")) == 3

    # Nothing else does: not the network itself, not one hop less, not another port.
    assert space[OUT].curl(f"{url}:80/hello", seconds=2).stdout == ""
    assert space[OUTER].curl(f"{url}:80/hello", seconds=2).stdout == ""
    assert space[INNER].curl(f"{url}:80/hello", seconds=2).stdout == "", "the last door"
    for hop in ("10.2.0.2:1081", "10.3.0.2:1082"):
        assert space[OUT].curl("-x", f"socks5h://{hop}", f"{url}/hello", seconds=2).stdout == ""
    ways = {
        "outer alone": ["socks5://10.1.0.2:1080"],
        "outer and inner": ["socks5://10.1.0.2:1080", "http://10.2.0.2:1081"],
        "inner first": ["http://10.2.0.2:1081", "socks5://10.1.0.2:1080"],
    }
    for name, hops in ways.items():
        less = hopgate(
            "timeouts { dial 2s; connect 2s }\n"
            "listen main { address 127.0.0.1:0 }\n"
            f"routes {{ route default via {' '.join(hops)} }}\n",
            prefix=space[OUT].prefix,
        )
        way = f"socks5h://127.0.0.1:{less.port}"
        assert space[OUT].curl("-x", way, f"{url}:80/hello", seconds=4).stdout == "", name

    # And it is the firewalls that stop it.
    for name in (OUTER, INNER, WEB):
        space[name].nft("flush ruleset")
    assert space[OUT].curl(f"{url}:80/hello").stdout == "hello from inside\n"


def test_without_any_configuration(hopgate):
    """Port 1080 of the loopback, both families, every protocol, everything direct."""
    tools.need("curl")
    with spaces.Space() as space:
        space.ip("link set lo up")
        space.site("127.0.0.1", 80)
        gateway = hopgate(None, prefix=space.prefix)
        assert sorted(gateway.addresses()) == [("127.0.0.1", 1080), ("::1", 1080)]
        assert all(set(row[2]) >= {"socks4", "socks5", "http"} for row in gateway.listening)
        for address in ("127.0.0.1:1080", "[::1]:1080"):
            for scheme in ("socks4", "socks4a", "socks5", "socks5h", "http"):
                words = ("-p", "-x", f"{scheme}://{address}", "http://127.0.0.1/hello")
                assert space.curl(*words).stdout == "hello from inside\n", (scheme, address)


# --- IPv4 and IPv6 -----------------------------------------------------------------------


@pytest.fixture(name="families")
def two_families(hopgate):
    """A client with only IPv4, a client with only IPv6, a gateway with both, servers of each."""
    tools.need_root("network namespaces are made here")
    tools.need("nsenter", "curl", "dnsmasq")
    with contextlib.ExitStack() as stack:
        four, six, both = (stack.enter_context(spaces.Space()) for _ in range(3))
        for one in (four, six, both):
            one.ip("link set lo up")
        four.sysctl("net/ipv6/conf/all/disable_ipv6", 1)
        both.cable(four, ["10.4.0.1/24"], ["10.4.0.2/24"])
        both.cable(six, ["fd06::1/64"], ["fd06::2/64"])
        four.site("10.4.0.2", 80)
        six.site("fd06::2", 80)
        both.background(
            *(tools.need("dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null"),
            *("--no-resolv", "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces"),
            *("--address=/four.example/10.4.0.2", "--address=/six.example/fd06::2"),
            *("--port=5300", "--pid-file", "--user="),
        )
        gateway = hopgate(
            "resolver { servers 127.0.0.1:5300 }\n"
            "listen main { address 10.4.0.1:1080 [fd06::1]:1080; allow 10.4.0.0/24 fd06::/64 }\n",
            prefix=both.prefix,
        )
        yield four, six, gateway


@pytest.mark.parametrize("scheme", ["socks5h", "socks4a", "http"])
def test_an_ipv4_client_reaches_an_ipv6_server(families, scheme):
    four, _, gateway = families
    words = ["-p"] if scheme == "http" else []
    for host in ("six.example", "[fd06::2]"):
        done = four.curl(*words, "-x", f"{scheme}://10.4.0.1:1080", f"http://{host}/hello")
        assert done.stdout == "hello from inside\n", (host, done.stderr)
    assert four.curl("http://[fd06::2]/hello").stdout == "", "it has IPv4 only"
    assert "6" in gateway.session(target="[fd06::2]:80")["family"]


@pytest.mark.parametrize("scheme", ["socks5h", "socks4a", "http"])
def test_an_ipv6_client_reaches_an_ipv4_server(families, scheme):
    _, six, _ = families
    words = ["-p"] if scheme == "http" else []
    for host in ("four.example", "10.4.0.2"):
        done = six.curl(*words, "-x", f"{scheme}://[fd06::1]:1080", f"http://{host}/hello")
        assert done.stdout == "hello from inside\n", (host, done.stderr)
    assert six.curl("http://10.4.0.2/hello").stdout == "", "it has IPv6 only"


def test_torsocks_with_literals(hopgate, tmp_path):
    """It refuses loopback, so the site has another address, in a namespace."""
    tools.need("torsocks", "curl")
    with spaces.Space() as space:
        space.ip("link set lo up")
        space.ip("address add 198.51.100.1/32 dev lo")
        space.site("198.51.100.1", 80)
        gateway = hopgate("listen main { address 127.0.0.1:9050 }\n", prefix=space.prefix)
        conf = tmp_path / "torsocks.conf"
        conf.write_text("TorAddress 127.0.0.1\nTorPort 9050\n")
        done = space.run(
            *("env", f"TORSOCKS_CONF_FILE={conf}", "torsocks", "curl", "-sS", "--noproxy", "*"),
            "http://198.51.100.1/hello",
        )
        assert done.stdout == "hello from inside\n", done.stderr
        assert gateway.session(target="198.51.100.1:80", protocol="socks5")


# --- ways to leave -----------------------------------------------------------------------


def test_a_mark_opens_the_firewall(hopgate):
    """The one right that the gateway process keeps after root, and only for this."""
    tools.need_root("a network namespace is made here")
    tools.need("nft", "nsenter", "curl")
    with spaces.Space() as space:
        space.ip("link set lo up")
        space.site("127.0.0.2", 80)
        space.nft(
            """
            table inet marks {
                chain output {
                    type filter hook output priority 0; policy accept;
                    tcp dport 80 meta mark != 7 reject
                }
            }
            """
        )
        url = "http://127.0.0.2/hello"
        answers = {}
        for mark in (7, 8):
            gateway = hopgate(
                "listen main { address 127.0.0.1:0 }\n"
                f"hop wan {{ uri direct:; mark {mark} }}\n"
                "routes { route default via wan }\n",
                prefix=space.prefix,
            )
            way = f"socks5h://127.0.0.1:{gateway.port}"
            answers[mark] = space.curl("-x", way, url).stdout
        assert answers == {7: "hello from inside\n", 8: ""}
        assert space.curl(url).stdout == ""
