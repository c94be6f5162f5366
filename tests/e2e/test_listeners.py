# SPDX-License-Identifier: ISC
"""Where clients come in."""
import os
import socket
import stat

import pytest

import clients
import hopgate as program
import servers
import tools
from hopgate import Hopgate
from waiting import accepts, free_port, until


@pytest.fixture(name="origin")
def echo_origin(serve):
    return serve(servers.echo)


def reaches(address, origin):
    tunnel = clients.socks5(address, "127.0.0.1", origin.port)
    assert clients.ask(tunnel, b"x") == b"x"
    tunnel.close()


def test_several_addresses_and_listeners(hopgate, origin):
    gateway = hopgate(
        "listen one { address 127.0.0.1:0 [::1]:0 127.0.0.2:0 }\n"
        "listen two { address 127.0.0.1:0; protocols http }\n"
    )
    one, two = list(gateway.addresses("one")), list(gateway.addresses("two"))
    assert len(one) == 3 and len(two) == 1
    for address in one:
        reaches(address, origin)
    clients.http(two[0], "127.0.0.1", origin.port).close()
    names = {row["listener"] for row in gateway.sessions()}
    gateway.session(listener="two")
    assert names <= {"one", "two"}
    assert {row[2][0] for row in gateway.listening if row[1] == "two"} == {"http"}


def test_ipv6_is_only_ipv6(hopgate, origin):
    """The same port of IPv4 stays with its owner: a socket for both would not be bound."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        hopgate(f"listen main {{ address [::]:{port}; auth none }}\n")
        reaches(("::1", port), origin)


def test_a_port_alone_is_loopback_of_both_families(hopgate, origin):
    port = free_port()
    gateway = hopgate(f"listen main {{ address {port} }}\n")
    assert {host for host, _ in gateway.addresses()} == {"127.0.0.1", "::1"}
    for address in gateway.addresses():
        reaches(address, origin)


def test_a_name_means_its_addresses(hopgate, origin):
    gateway = hopgate("listen main { address localhost:0 }\n")
    for address in gateway.addresses():
        reaches(address, origin)


def test_an_interface_means_its_addresses(hopgate, origin):
    gateway = hopgate("listen main { address %lo:0; auth none }\n")
    assert all(host.endswith("%lo") for host, _ in gateway.addresses())
    for host, port in gateway.addresses():
        reaches(("::1" if ":" in host else "127.0.0.1", port), origin)


def test_many_workers_share_a_port(hopgate, origin):
    gateway = hopgate("workers 4\n")
    for _ in range(40):
        reaches(gateway.address(), origin)
    gateway.stop()
    assert len({row["id"] for row in gateway.sessions()}) == 40


# --- unix sockets -----------------------------------------------------------------------------


def test_unix_socket(hopgate, origin, tmp_path):
    path = str(tmp_path / "s")
    gateway = hopgate(f"workers 2\nlisten main {{ address unix:{path} {{ mode 660 }} }}\n")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    for _ in range(6):
        reaches(path, origin)
    gateway.stop()
    assert not os.path.exists(path)


def test_abstract_socket(hopgate, origin):
    name = f"hopgate-test-{os.getpid()}"
    hopgate(f"listen main {{ address unix:@{name} }}\n")
    reaches("@" + name, origin)


def test_a_stale_socket_is_replaced(hopgate, origin, tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(path)
    hopgate(f"listen main {{ address unix:{path} }}\n")
    reaches(path, origin)


def test_a_socket_in_use_is_not_taken_away(hopgate, origin, tmp_path):
    path = str(tmp_path / "s")
    text = f"listen main {{ address unix:{path} }}\n"
    hopgate(text)
    with pytest.raises(AssertionError, match="exit status 3"):
        Hopgate(tmp_path, text)
    reaches(path, origin)


def test_a_file_is_not_a_stale_socket(tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(AssertionError, match="exit status 3"):
        Hopgate(tmp_path, f"listen main {{ address unix:{path} }}\n")
    assert path.read_text() == "data"


# --- what cannot be bound ----------------------------------------------------------------------


def test_a_port_in_use_names_its_holder(hopgate, tmp_path):
    gateway = hopgate()
    with pytest.raises(AssertionError) as failure:
        Hopgate(tmp_path, f"listen main {{ address 127.0.0.1:{gateway.port} }}\n")
    said = str(failure.value)
    assert "exit status 3" in said and f"127.0.0.1:{gateway.port}" in said
    assert str(gateway.pid) in said or str(gateway.gateway_pid()) in said, said


def test_a_second_gateway_does_not_share_the_port(hopgate, tmp_path, origin):
    """Not even with several workers, whose sockets share it among themselves."""
    gateway = hopgate("workers 4\n")
    with pytest.raises(AssertionError, match="exit status 3"):
        Hopgate(tmp_path, f"workers 4\nlisten main {{ address 127.0.0.1:{gateway.port} }}\n")
    reaches(gateway.address(), origin)


def test_nothing_is_bound_if_one_fails(hopgate, tmp_path):
    gateway, free = hopgate(), free_port()
    with pytest.raises(AssertionError):
        Hopgate(
            tmp_path, f"listen main {{ address 127.0.0.1:{free} 127.0.0.1:{gateway.port} }}\n"
        )
    assert not accepts(("127.0.0.1", free))


def test_a_port_that_needs_rights(tmp_path):
    tools.need_root("must become somebody without rights")
    setpriv = tools.need("setpriv")
    prefix = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    os.chmod(tmp_path, 0o777)
    conf = tmp_path / "hopgate.conf"
    conf.write_text("listen main { address 127.0.0.1:81 }\n")
    done = tools.run(*prefix, program.PROGRAM, "run", "-c", conf)
    assert done.returncode == 3
    assert "127.0.0.1:81" in done.stderr and "ermission" in done.stderr


def test_an_address_that_is_not_here(tmp_path):
    with pytest.raises(AssertionError, match="192.0.2.250:1080"):
        Hopgate(tmp_path, "listen main { address 192.0.2.250:1080; auth none }\n")


def test_an_inherited_socket(tmp_path, origin):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        address = sock.getsockname()
        text = f"listen main {{ address fd:{sock.fileno()}; auth none }}\n"
        gateway = Hopgate(tmp_path, text, inherit=[sock.fileno()])
    reaches(address, origin)
    gateway.clean_up()


def test_an_inherited_socket_of_both_families_is_our_own_door_in_both(hopgate, origin):
    """As systemd makes them; our own are of one family."""
    with socket.socket(socket.AF_INET6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", 0))
        sock.listen()
        port = sock.getsockname()[1]
        text = f"listen main {{ address fd:{sock.fileno()}; auth none }}\n"
        gateway = hopgate(text, inherit=[sock.fileno()])
    for near in ("127.0.0.1", "::1"):
        reaches((near, port), origin)
        for far in ("127.0.0.1", "::1"):
            with pytest.raises(clients.Refused):
                clients.socks5((near, port), far, port)

    def ends():
        return [row["end"] for row in gateway.sessions() if row["target"].endswith(f":{port}")]

    until(lambda: len(ends()) == 4, "a line for each")
    assert set(ends()) == {"loop"}
