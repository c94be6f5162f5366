# SPDX-License-Identifier: ISC
"""Waiting for something to become true, with an end; and ports that nobody else has."""
import itertools
import os
import socket
import time

PATIENCE = 20  # seconds; nothing here takes a tenth of it unless something is wrong


def until(condition, what, seconds=PATIENCE, pause=0.01):
    """Ask again until the answer is true; return it."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def accepts(address):
    """Does somebody accept connections there?"""
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True


def until_accepts(address, process=None):
    """Wait until a server accepts; fail at once if its process has ended."""

    def ready():
        if process and process.poll() is not None:
            raise AssertionError(f"{process.args[0]} ended with {process.returncode}")
        return accepts(address)

    until(ready, f"a server at {address}")


# Below the range that the system gives out by itself, and apart for each process of the tests.
_candidates = itertools.count(10000 + os.getpid() * 41 % 20000)


def free_port():
    """A port for a program that cannot choose one itself."""
    for port in _candidates:
        port = 10000 + (port - 10000) % 22000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no free port")
