# SPDX-License-Identifier: ISC
"""Routes with real traffic: which way did it take?"""
import pytest

import clients
import servers
import tools
from fakes import FakeHop
from names import NameServer


@pytest.fixture(name="ways")
def two_hops():
    hops = {"one": FakeHop(lambda port: "name"), "two": FakeHop(lambda port: "name")}
    yield hops
    for hop in hops.values():
        hop.close()


def conf(ways, rows):
    hops = "".join(
        f"hop {name} {{ uri socks5://127.0.0.1:{hop.port} }}\n" for name, hop in ways.items()
    )
    return hops + rows


def way(gateway, host, port=80, **options):
    """The hops that a request took, by the log; `reject` if it was refused."""
    try:
        clients.socks5(gateway.address(options.pop("listener", None)), host, port).close()
    except clients.Refused as refused:
        if refused.code == 2:
            return "reject"
    return gateway.session(target=f"{host}:{port}")["route"]


def taken(ways):
    return {name: len(hop.targets) for name, hop in ways.items()}


def test_the_most_specific_row_wins(hopgate, ways):
    gateway = hopgate(
        conf(
            ways,
            """routes {
                route default reject
                route .example via one
                route *.corp.example via two
                route corp.example ports 81 reject
                route 10.0.0.0/8 via one
                route 10.1.0.0/16 via two
                route 10.1.1.1 reject
            }""",
        )
    )
    address = gateway.address()
    for host, hop in (
        ("www.example", "one"),
        ("corp.example", "one"),
        ("a.corp.example", "two"),
        ("10.2.2.2", "one"),
        ("10.1.2.2", "two"),
        ("::ffff:10.1.2.2", "two"),
    ):
        before = taken(ways)[hop]
        clients.socks5(address, host, 80).close()
        assert taken(ways)[hop] == before + 1, host
    for host, port in (("corp.example", 81), ("10.1.1.1", 80), ("192.0.2.1", 80)):
        with pytest.raises(clients.Refused) as refused:
            clients.socks5(address, host, port)
        assert refused.value.code == 2


def test_reject_says_its_text(hopgate):
    gateway = hopgate('routes { route default reject "no mail from here" }\n')
    with pytest.raises(clients.Refused) as refused:
        clients.http(gateway.address(), "a.example", 25)
    assert refused.value.code == 403
    assert b"no mail from here" in refused.value.reply
    assert gateway.session(end="rejected")


def test_no_row_is_a_refusal(hopgate):
    gateway = hopgate("routes { route 10.0.0.0/8 direct }\n")
    with pytest.raises(clients.Refused) as refused:
        clients.socks5(gateway.address(), "127.0.0.1", 80)
    assert refused.value.code == 2
    assert gateway.session(end="no-route")


def test_resolution_for_routing(hopgate, ways, serve):
    server = NameServer({"inside.example": ["10.0.0.5"], "outside.example": ["192.0.2.5"]})
    gateway = hopgate(
        server.conf + conf(ways, "routes {\nroute 10.0.0.0/8 via one\nroute default via two\n}\n")
    )
    clients.socks5(gateway.address(), "inside.example", 80).close()
    clients.socks5(gateway.address(), "outside.example", 80).close()
    clients.socks5(gateway.address(), "silent.example", 80).close()
    assert [target[0] for target in ways["one"].targets] == ["inside.example"]
    assert [target[0] for target in ways["two"].targets] == ["outside.example", "silent.example"]
    server.close()


def test_no_resolution_when_told(hopgate, ways):
    server = NameServer({"inside.example": ["10.0.0.5"]})
    gateway = hopgate(
        server.conf
        + conf(
            ways,
            "routes {\nresolve-for-routing off\n"
            "route 10.0.0.0/8 via one\nroute default via two\n}\n",
        )
    )
    clients.socks5(gateway.address(), "inside.example", 80).close()
    assert taken(ways) == {"one": 0, "two": 1} and not server.questions
    server.close()


def test_onion_names_are_never_asked(hopgate, ways):
    server = NameServer({})
    gateway = hopgate(
        server.conf + conf(ways, "routes {\nroute 10.0.0.0/8 via one\nroute default via two\n}\n")
    )
    clients.socks5(gateway.address(), "abcdef.onion", 80).close()
    assert taken(ways)["two"] == 1 and not server.questions
    server.close()


def test_only_allowed_addresses_are_dialled(hopgate, serve):
    """Rejected addresses of a name fall away; the others are dialled."""
    origin = serve(servers.echo)
    server = NameServer({"mixed.example": ["127.0.66.1", "127.0.0.1"]})
    gateway = hopgate(
        server.conf + "routes {\nroute 127.0.66.0/24 reject\nroute default direct\n}\n"
    )
    tunnel = clients.socks5(gateway.address(), "mixed.example", origin.port)
    assert clients.ask(tunnel, b"x") == b"x"
    server.close()


def test_tables_of_listeners(hopgate, ways):
    gateway = hopgate(
        conf(
            ways,
            "routes { route default via one }\nroutes guests { route default via two }\n"
            "listen main { address 127.0.0.1:0 }\n"
            "listen guest { address 127.0.0.1:0; routes guests }\n",
        )
    )
    clients.socks5(gateway.address("main"), "a.example", 80).close()
    assert taken(ways) == {"one": 1, "two": 0}
    clients.socks5(gateway.address("guest"), "a.example", 80).close()
    assert taken(ways) == {"one": 1, "two": 1}


def test_conditions(hopgate, ways):
    gateway = hopgate(
        conf(
            ways,
            """routes {
                route default protocol socks4 via one
                route default protocol http via two
                route default from 127.0.0.3 via two
                route default not from 127.0.0.0/30 reject
                route default listener other via one
                route default reject
            }
            listen main { address 127.0.0.1:0 }
            listen other { address 127.0.0.1:0 }
            """,
        )
    )
    main, other = gateway.address("main"), gateway.address("other")
    clients.socks4(main, "192.0.2.1", 80).close()
    assert taken(ways) == {"one": 1, "two": 0}
    clients.http(main, "192.0.2.1", 80).close()
    assert taken(ways) == {"one": 1, "two": 1}
    clients.socks5(main, "192.0.2.1", 80, source=("127.0.0.3", 0)).close()
    assert taken(ways) == {"one": 1, "two": 2}
    clients.socks5(other, "192.0.2.1", 80).close()
    assert taken(ways) == {"one": 2, "two": 2}
    for source in ("127.0.0.1", "127.0.0.9"):
        with pytest.raises(clients.Refused):
            clients.socks5(main, "192.0.2.1", 80, source=(source, 0))


def test_hops_behind_hops_and_chains(hopgate, serve):
    relays = [FakeHop() for _ in range(3)]
    origin = serve(servers.echo)
    uri = [f"socks5://127.0.0.1:{hop.port}" for hop in relays]
    gateway = hopgate(
        f"hop edge {{ uri {uri[0]} }}\nhop middle {{ uri {uri[1]}; via edge }}\n"
        f"chain deep middle {uri[2]}\nroutes {{ route default via deep }}\n"
    )
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"deep") == b"deep"
    assert [hop.targets[0][1] for hop in relays] == [relays[1].port, relays[2].port, origin.port]
    for hop in relays:
        hop.close()


def test_route_files(hopgate, ways, tmp_path):
    table = tmp_path / "table"
    rows = [f"n{i}.example via one" for i in range(2000)] + ["10.0.0.0/8 via two # comment"]
    table.write_text("\n".join(rows) + "\n")
    gateway = hopgate(conf(ways, f"routes {{ file {table}; route default reject }}\n"))
    clients.socks5(gateway.address(), "n1999.example", 80).close()
    clients.socks5(gateway.address(), "10.1.1.1", 80).close()
    assert taken(ways) == {"one": 1, "two": 1}
    assert gateway.session(target="n1999.example:80")["rule"] == f"{table}:2000"


def test_source_of_a_direct_hop(hopgate, serve):
    origin = serve(servers.echo)
    gateway = hopgate(
        "hop out { uri direct:; source 127.0.0.55 }\nroutes { route default via out }\n"
    )
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"x") == b"x"
    assert origin.clients[0][0] == "127.0.0.55"


def test_source_of_a_hop_rotates(hopgate, serve):
    origin = serve(servers.echo)
    gateway = hopgate(
        "workers 1\nhop out { uri direct:; source 127.0.0.50-127.0.0.53 }\n"
        "routes { route default via out }\n"
    )
    for _ in range(8):
        tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
        assert clients.ask(tunnel, b"x") == b"x"
    assert len({client[0] for client in origin.clients}) == 4


def test_mark_of_a_hop(hopgate, serve):
    tools.need_root("only root sets marks")
    origin = serve(servers.echo)
    gateway = hopgate(
        "run-as root\nhop out { uri direct:; mark 7 }\nroutes { route default via out }\n"
    )
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"x") == b"x"


def test_a_hop_on_a_unix_socket(hopgate, serve, tmp_path):
    origin = serve(servers.echo)
    path = tmp_path / "hop.sock"
    hopgate(f"listen main {{ address unix:{path} {{ mode 666 }} }}\n")
    gateway = hopgate(f"routes {{ route default via socks5+unix://{path} }}\n")
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"x") == b"x"


def test_socks_without_a_number_falls_back(hopgate, serve):
    """`socks://` is 5, then 4a on a new connection; never after an explicit refusal."""
    origin = serve(servers.echo)
    versions = []

    class Old(FakeHop):
        def read_request(self, connection):
            import socket

            versions.append(connection.recv(1, socket.MSG_PEEK))
            if versions[-1] == b"\5":
                return None, None
            return super().read_request(connection)

    old = Old()
    gateway = hopgate(f"routes {{ route default via socks://127.0.0.1:{old.port} }}\n")
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"x") == b"x"
    assert versions == [b"\5", b"\4"]
    old.close()
