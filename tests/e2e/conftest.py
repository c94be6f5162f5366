# SPDX-License-Identifier: ISC
"""Fixtures of the end-to-end tests: the program, origins, upstream proxies, name servers."""
import contextlib
import itertools
import os
import pathlib
import shutil
import tempfile

import pytest

import peers as peer_programs
from hopgate import PROGRAM, Hopgate
from scripted_origin import ScriptedOrigin
from servers import Server


def pytest_xdist_auto_num_workers():
    """The tests wait more than they work."""
    return 2 * (os.cpu_count() or 1)


def pytest_configure():
    if not os.path.exists(PROGRAM):
        raise pytest.UsageError(f"{PROGRAM}: not built; set HOPGATE")


def pytest_sessionfinish(session):
    """With HOPGATE_NO_SKIP=1 a skipped test is a failure of the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("HOPGATE_NO_SKIP") == "1" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = 1


@pytest.fixture(name="tmp_path")
def short_open_directory():
    """A directory with a short name (unix sockets), open to a process without rights."""
    directory = tempfile.mkdtemp(prefix="hopgate-")
    os.chmod(directory, 0o755)
    yield pathlib.Path(directory)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(name="hopgate")
def start_hopgate(tmp_path):
    """hopgate(text, …) starts a gateway; at the end all are stopped and must end well."""
    numbers = itertools.count()
    with contextlib.ExitStack() as running:  # one that ends badly spares none of the others

        def begin(text="", **options):
            directory = tmp_path / f"hopgate{next(numbers)}"
            directory.mkdir()
            gateway = Hopgate(directory, text, **options)
            running.callback(gateway.clean_up)
            return gateway

        yield begin


@pytest.fixture(name="serve")
def start_server():
    """serve(handler, …) starts a TCP server in this process."""
    with contextlib.ExitStack() as running:

        def begin(handler, **options):
            server = Server(handler, **options)
            running.callback(server.close)
            return server

        yield begin


@pytest.fixture(name="scripted")
def start_scripted_origin():
    """scripted(script, …) starts an origin; no request that it gets may be malformed."""
    with contextlib.ExitStack() as running:
        origins = []

        def begin(*scripts, **options):
            origin = ScriptedOrigin(*scripts, **options)
            running.callback(origin.close)
            origins.append(origin)
            return origin

        yield begin
        assert not [fault for origin in origins for fault in origin.faults]


@pytest.fixture(name="peers", scope="session")
def start_peers():
    """peers(kind, number=0) is an upstream proxy, started when first asked for."""
    directory = tempfile.mkdtemp(prefix="peers-")
    pool = peer_programs.Pool(directory)
    yield pool
    pool.close()
    shutil.rmtree(directory, ignore_errors=True)
