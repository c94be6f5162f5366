#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""
hopgate beside HAProxy, microsocks and dante in tunnels, beside squid, nginx and tinyproxy in HTTP:
CPU per unit of work, memory per idle client.

Everything runs in a network namespace of its own.  The rounds go through all programs in turn,
so that a slow minute of the machine hits all alike; medians and spread are printed, then the
ratios with what they should be.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import programs
from programs import ORIGIN, WEB_ORIGIN, end, launch

DESCRIPTORS = 1 << 18

def alone_in_a_namespace():
    """Go on in a network namespace with nothing but loopback."""
    if os.environ.get("BENCH_NAMESPACE") != "1":
        os.environ["BENCH_NAMESPACE"] = "1"
        flags = ["--net"] if os.geteuid() == 0 else ["--net", "--user", "--map-root-user"]
        os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, value in (("ipv4/ip_local_port_range", "10000 65535"), ("core/somaxconn", "65535")):
        with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
            file.write(value)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = DESCRIPTORS if os.geteuid() == 0 else min(hard, DESCRIPTORS)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# --- measuring ---------------------------------------------------------------------------


class Bench:
    """Runs pxbench against a program."""

    def __init__(self, arguments, directory):
        self.pxbench, self.quick, self.directory = arguments.pxbench, arguments.quick, directory

    def run(self, mode, program, *words):
        """The result of one run; nothing may have failed in it."""
        where = f"127.0.0.1:{program.port}"
        origin = WEB_ORIGIN if program.group == "http" else ORIGIN
        done = subprocess.run(
            [
                *(self.pxbench, mode, "--proxy", program.kind, where, "--json"),
                *("--target", f"127.0.0.1:{origin}", "--pid", str(program.process.pid)),
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{program.name}, {mode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def rate(self, program):
        seconds = "1" if self.quick else "4"
        words = ("--conns", "32", "--seconds", seconds, "--close", "server")
        return self.run("rate", program, *words)["proxy_cpu_us_per_op"]

    def throughput(self, program):
        size = "32m" if self.quick else "256m"
        words = ("--conns", "8", "--bytes", size)
        return self.run("throughput", program, *words)["proxy_cpu_s_per_gb"]

    def latency(self, program):
        seconds = "1" if self.quick else "3"
        words = ("--conns", "16", "--seconds", seconds, "--size", "64")
        return self.run("latency", program, *words)["proxy_cpu_us_per_op"]

    def get(self, program):
        seconds = "1" if self.quick else "4"
        words = ["--conns", "32", "--seconds", seconds, "--size", "1024"]
        if program.reopens:
            words += ["--reopen", "--src-addrs", "8"]
        return self.run("latency", program, *words)["proxy_cpu_us_per_op"]

    def keep(self, program):
        return self.hold(program, "--size", "1024", "--dst-addrs", "1")

    def hold(self, program, *words):
        """Growth of the resident memory, each count in a fresh process."""
        sizes = []
        for count in (1000, 9000):
            program.stop()
            program.start(self.directory)
            row = self.run("hold", program, "--conns", str(count), "--timeout", "60", *words)
            sizes.append(row["proxy_rss_kb"])
        return (sizes[1] - sizes[0]) * 1024 / 8000


# Who is compared, in what, and how it is measured.
MODES = {
    "rate": ("tunnels", "us of CPU per connection and byte", Bench.rate),
    "throughput": ("tunnels", "CPU seconds per GB, 8 streams", Bench.throughput),
    "latency": ("tunnels", "us of CPU per 64-byte round trip", Bench.latency),
    "hold": ("tunnels", "bytes per idle tunnel, 1,000 to 9,000", Bench.hold),
    "get": ("http", "us of CPU per GET of 1 KiB, 32 kept connections", Bench.get),
    "download": ("http", "CPU seconds per GB, 8 downloads", Bench.throughput),
    "keep": ("http", "bytes per idle client after a GET, 1,000 to 9,000", Bench.keep),
}
MEMORY = ("hold", "keep")
# What hopgate may cost: a factor of somebody else's cost, or a number.
TARGETS = (
    ("rate", 0.75, "microsocks"),
    ("throughput", 1.0, "HAProxy splice"),
    ("latency", 1.1, "HAProxy copy"),
    ("hold", 1536, None),
    ("get", 0.35, "squid"),
    ("get", 1.2, "nginx"),
    ("download", 0.5, "squid"),
    ("keep", 2048, None),
)


def measure(bench, everyone, modes, rounds):
    """{mode: {program: [a figure a round]}}"""
    able = {mode: [p for p in everyone if p.group == MODES[mode][0]] for mode in modes}
    able = {mode: [p for p in those if mode not in p.lacks] for mode, those in able.items()}
    figures = {mode: {program.name: [] for program in able[mode]} for mode in modes}
    for number in range(rounds):
        for mode in modes:
            for program in able[mode]:
                progress(f"round {number + 1}/{rounds}  {mode:<10} {program.name}")
                figures[mode][program.name].append(MODES[mode][2](bench, program))
    progress("")
    return figures


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<50}\r")


def report(figures):
    """Medians with the lowest and highest, then ratios and targets; True if all are met."""
    for mode, rows in figures.items():
        print(f"\n{mode}: {MODES[mode][1]}")
        for name, values in rows.items():
            middle, low, high = statistics.median(values), min(values), max(values)
            print(f"    {name:<16}{middle:>12.3f}   ({low:.3f} - {high:.3f})")
    print(f"\n{'hopgate':<12}{'cost':>10}{'measure':>24}{'ratio':>8}{'at most':>10}")
    met = True
    for mode, factor, other in TARGETS:
        rows = figures.get(mode, {})
        if not rows.get("hopgate") or (other and not rows.get(other)):
            continue
        own = statistics.median(rows["hopgate"])
        base = statistics.median(rows[other]) if other else 1
        fits = own <= factor * base
        met &= fits
        print(
            f"{mode:<12}{own:>10.3f}{other or 'bytes':>24}{own / base:>8.2f}{factor:>10}"
            f"   {'met' if fits else 'MISSED'}"
        )
    return met


ROUTES = {
    "load_s": 3,
    "rss_mib": 200,
    "peak_mib": 300,
    "lookup_ns": 1000,
}


def routes(program):
    """The routing table's own figures, key=value."""
    done = subprocess.run([program], capture_output=True, text=True, timeout=300, check=False)
    print("\nrouting table of a million rows")
    met = done.returncode == 0
    for word in done.stdout.split():
        key, _, value = word.partition("=")
        most = ROUTES.get(key)
        fits = most is None or float(value) <= most
        met &= fits
        limit = "" if most is None else f"   at most {most}   {'met' if fits else 'MISSED'}"
        print(f"    {key:<20}{value:>14}{limit}")
    return met


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hopgate", required=True)
    parser.add_argument("--pxbench", required=True)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="two short rounds, without memory")
    parser.add_argument("--modes", default="", help="some of: " + " ".join(MODES))
    parser.add_argument("--strict", action="store_true", help="exit 1 if a target is missed")
    arguments = parser.parse_args()
    alone_in_a_namespace()
    modes = arguments.modes.replace(",", " ").split()
    modes = modes or [mode for mode in MODES if mode not in MEMORY or not arguments.quick]
    rounds = arguments.rounds or (2 if arguments.quick else 5)
    begin = time.monotonic()
    running = []
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        os.chmod(directory, 0o755)
        origins = []
        try:
            for command, port in (("serve", ORIGIN), ("serve-http", WEB_ORIGIN)):
                origins.append(launch([arguments.pxbench, command, str(port)], port))
            wanted = {MODES[mode][0] for mode in modes}
            everyone = programs.tunnels(arguments.hopgate) + programs.http(arguments.hopgate)
            everyone = programs.installed([p for p in everyone if p.group in wanted])
            for program in everyone:
                program.start(directory)
                running.append(program)
            figures = measure(Bench(arguments, directory), everyone, modes, rounds)
        finally:
            for program in running:
                if program.process:
                    program.stop()
            for origin in origins:
                end(origin)
    met = report(figures)
    table = os.path.join(os.path.dirname(arguments.pxbench), "routes_bench")
    if os.path.exists(table):
        met &= routes(table)
    print(f"\n{rounds} rounds in {time.monotonic() - begin:.0f} s on {os.cpu_count()} CPUs")
    return 0 if met or not arguments.strict else 1


if __name__ == "__main__":
    sys.exit(main())
