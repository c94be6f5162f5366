# SPDX-License-Identifier: ISC
"""The access log and the log: one true line a session, and nothing that stops the gateway."""
import json
import os
import re
import time

import pytest

import clients
import servers
from waiting import until

FIELDS = (
    "time id listener client user protocol command target rule route hops family resolve_ms "
    "hops_ms connect_ms first_byte_ms up down duration_ms end method status url agent"
).split()


@pytest.fixture(name="origin")
def echo_origin(serve):
    return serve(servers.echo)


def talk(gateway, origin, text=b"12345"):
    tunnel = clients.socks5(gateway.address(), "127.0.0.1", origin.port)
    assert clients.ask(tunnel, text) == text
    tunnel.close()


def test_logfmt(hopgate, origin):
    gateway = hopgate("routes { route default direct }\n")
    talk(gateway, origin)
    row = gateway.session(end="closed")
    assert list(row)[: len(FIELDS)] == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", row["time"])
    assert (row["up"], row["down"], row["user"]) == ("5", "5", "-")
    assert re.search(r"hopgate\.conf:\d+$", row["rule"])
    assert row["client"].startswith("127.0.0.1")
    assert (row["listener"], row["command"], row["route"]) == ("main", "connect", "direct")
    assert [row[field] for field in "method status url agent".split()] == ["-"] * 4


def test_json(hopgate, origin, tmp_path):
    path = tmp_path / "json.log"
    gateway = hopgate(f"access-log file {path} json\n")
    gateway.access_path = path
    talk(gateway, origin)
    row = gateway.session(end="closed")
    assert list(row)[: len(FIELDS)] == FIELDS
    assert row["up"] == 5 and isinstance(row["hops_ms"], list)
    assert row["method"] is row["status"] is row["url"] is row["agent"] is None


def test_one_line_a_session_whatever_is_said(hopgate):
    """Row 23 of the abuse list: no peer writes into our log."""
    gateway = hopgate()
    evil = b'a\r\nend=ok "\\\x1b[31m\0%n\xff'
    head = b"CONNECT " + evil + b":80 HTTP/1.1\r\n\r\n"
    request = b"\4\1\0\x50\0\0\0\1us\ner\x1b\0" + b"e\nvil.example\0"
    clients.exchange(gateway.address(), head, end=True)
    clients.exchange(gateway.address(), request, end=True)
    until(lambda: len(gateway.sessions()) == 2, "two sessions")
    with open(gateway.access_path, "rb") as file:
        data = file.read()
    assert data.count(b"\n") == 2
    assert all(byte == 10 or 32 <= byte < 127 for byte in data), data


def test_a_full_disk(hopgate, origin):
    gateway = hopgate("access-log file /dev/full\nlog file /dev/full debug\nlog stderr info\n")
    for _ in range(50):
        talk(gateway, origin)
    gateway.stop()


def test_a_reader_that_reads_no_more(hopgate, origin, tmp_path):
    """Standard error is a pipe that nobody empties."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    gateway = hopgate(f"log file {pipe} debug\naccess-log file {pipe}\nlog stderr info\n")
    begin = time.monotonic()
    for _ in range(400):
        talk(gateway, origin)
    assert time.monotonic() - begin < 60
    talk(gateway, origin, b"x" * 100000)
    gateway.stop()
    os.close(reader)


def test_levels(hopgate, origin):
    quiet = hopgate("log stderr error\n")
    talk(quiet, origin)
    quiet.stop()
    assert quiet.stderr == []
    loud = hopgate("log stderr debug\n")
    talk(loud, origin)
    loud.stop()
    assert len(loud.stderr) > 2


def test_log_files_are_only_for_us(hopgate, origin, tmp_path):
    path = tmp_path / "log"
    gateway = hopgate(f"log file {path} info\n")
    talk(gateway, origin)
    gateway.stop()
    for name in (path, gateway.access_path):
        assert os.stat(name).st_mode & 0o007 == 0
        assert open(name, encoding="utf-8").read()


def test_times_of_each_hop(hopgate, origin):
    from fakes import FakeHop

    class Slow(FakeHop):
        def read_request(self, connection):
            request = super().read_request(connection)
            time.sleep(0.3)
            return request

    slow, quick = Slow(), FakeHop()
    gateway = hopgate(
        f"hop quick {{ uri socks5://127.0.0.1:{quick.port} }}\n"
        f"hop slow {{ uri socks5://127.0.0.1:{slow.port} }}\n"
        "routes { route default via quick slow }\n"
    )
    talk(gateway, origin)
    first, second = (float(part) for part in gateway.session()["hops_ms"].split(","))
    assert max(first, second) >= 290 and min(first, second) < 250
    slow.close()
    quick.close()


def test_syslog_is_a_target(hopgate, origin):
    gateway = hopgate("log syslog daemon\nlog stderr info\n")
    talk(gateway, origin)


def test_json_escapes(hopgate, tmp_path):
    gateway = hopgate(f"access-log file {tmp_path}/a json\n")
    clients.exchange(gateway.address(), b"\4\1\0\x50\0\0\0\1\x01\"\\\xff\0ev\"il\0", end=True)
    lines = until(lambda: open(f"{tmp_path}/a", encoding="utf-8").read(), "a line").splitlines()
    assert json.loads(lines[0])["end"]
