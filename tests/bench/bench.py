#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""
hopgate beside HAProxy, microsocks and dante: CPU per unit of work, memory per idle tunnel.

Everything runs in a network namespace of its own.  The rounds go through all programs in turn,
so that a slow minute of the machine hits all alike; medians and spread are printed, then the
ratios with what they should be.
"""
import argparse
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
ORIGIN = 9000
DESCRIPTORS = 1 << 18

HAPROXY = """
global
    nbthread 2
    maxconn 9400
    maxpipes 100
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
    {options}
listen relay
    bind 127.0.0.1:{port}
    server origin 127.0.0.1:9000
"""
DANTE = """
logoutput: {directory}/dante.log
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
socksmethod: none
clientmethod: none
user.unprivileged: nobody
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
"""
HOPGATE = """
workers 2
access-log file {directory}/access.log
log stderr warning
listen main {{ address 127.0.0.1:{port} }}
"""


class Program:
    """One of those that are compared: how it is started, and what pxbench shall speak to it."""

    def __init__(self, name, kind, port, command, conf=None, heavy=False):
        self.name, self.kind, self.port, self.heavy = name, kind, port, heavy
        self.command, self.conf, self.process = command, conf, None

    def start(self, directory):
        path = os.path.join(directory, f"{self.name.replace(' ', '-')}.conf")
        if self.conf:
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.conf.format(port=self.port, directory=directory))
            os.chmod(path, 0o600)
        fill = {"conf": path, "port": self.port, "directory": directory}
        words = [word.format(**fill) for word in self.command]
        self.process = launch(words, self.port)

    def stop(self):
        end(self.process)
        self.process = None


def programs(hopgate):
    """Those that are installed."""
    splice = "option splice-request\n    option splice-response"
    haproxy = ["haproxy", "-db", "-f", "{conf}"]
    everyone = [
        Program("hopgate", "socks5", 9101, [hopgate, "run", "-c", "{conf}"], HOPGATE),
        Program("HAProxy splice", "none", 9102, haproxy, HAPROXY.replace("{options}", splice)),
        Program("HAProxy copy", "none", 9103, haproxy, HAPROXY.replace("{options}", "")),
        Program("microsocks", "socks5", 9104, ["microsocks", "-i", "127.0.0.1", "-p", "{port}"]),
        Program(
            "dante",
            "socks5",
            9105,
            ["danted", "-f", "{conf}", "-p", "{directory}/dante.pid"],
            DANTE,
            heavy=True,
        ),
    ]
    for program in everyone:
        if not shutil.which(program.command[0]):
            print(f"{program.name}: {program.command[0]} is not installed, left out")
    return [program for program in everyone if shutil.which(program.command[0])]


# --- processes ---------------------------------------------------------------------------


def launch(words, port):
    """Start a server and wait until it accepts."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{words[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process
        except OSError:
            time.sleep(0.02)
    end(process)
    raise SystemExit(f"{words[0]} does not listen on port {port}")


def end(process):
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(5)
            break
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait(5)


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
        done = subprocess.run(
            [
                *(self.pxbench, mode, "--proxy", program.kind, where, "--json"),
                *("--target", f"127.0.0.1:{ORIGIN}", "--pid", str(program.process.pid)),
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

    def hold(self, program):
        """Growth of the resident memory, each count in a fresh process."""
        if program.heavy:
            return None
        sizes = []
        for count in (1000, 9000):
            program.stop()
            program.start(self.directory)
            row = self.run("hold", program, "--conns", str(count), "--timeout", "60")
            sizes.append(row["proxy_rss_kb"])
        return (sizes[1] - sizes[0]) * 1024 / 8000


MODES = {
    "rate": ("us of CPU per connection and byte", Bench.rate),
    "throughput": ("CPU seconds per GB, 8 streams", Bench.throughput),
    "latency": ("us of CPU per 64-byte round trip", Bench.latency),
    "hold": ("bytes per idle tunnel, 1,000 to 9,000", Bench.hold),
}
# What hopgate may cost: a factor of somebody else's cost, or a number.
TARGETS = {
    "rate": (0.75, "microsocks"),
    "throughput": (1.0, "HAProxy splice"),
    "latency": (1.1, "HAProxy copy"),
    "hold": (1536, None),
}


def measure(bench, everyone, modes, rounds):
    """{mode: {program: [a figure a round]}}"""
    figures = {mode: {program.name: [] for program in everyone} for mode in modes}
    for number in range(rounds):
        for mode in modes:
            for program in everyone:
                progress(f"round {number + 1}/{rounds}  {mode:<10} {program.name}")
                figure = MODES[mode][1](bench, program)
                if figure is not None:
                    figures[mode][program.name].append(figure)
    progress("")
    return figures


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<50}\r")


def report(figures):
    """Medians with the lowest and highest, then ratios and targets; True if all are met."""
    for mode, rows in figures.items():
        print(f"\n{mode}: {MODES[mode][0]}")
        for name, values in rows.items():
            if values:
                middle, low, high = statistics.median(values), min(values), max(values)
                print(f"    {name:<16}{middle:>12.3f}   ({low:.3f} - {high:.3f})")
    print(f"\n{'hopgate':<12}{'cost':>10}{'measure':>24}{'ratio':>8}{'at most':>10}")
    met = True
    for mode, rows in figures.items():
        factor, other = TARGETS[mode]
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
    modes = modes or [mode for mode in MODES if mode != "hold" or not arguments.quick]
    rounds = arguments.rounds or (2 if arguments.quick else 5)
    begin = time.monotonic()
    running = []
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        os.chmod(directory, 0o755)
        origin = launch([arguments.pxbench, "serve", str(ORIGIN), "--threads", "1"], ORIGIN)
        try:
            everyone = programs(arguments.hopgate)
            for program in everyone:
                program.start(directory)
                running.append(program)
            figures = measure(Bench(arguments, directory), everyone, modes, rounds)
        finally:
            for program in running:
                if program.process:
                    program.stop()
            end(origin)
    met = report(figures)
    table = os.path.join(os.path.dirname(arguments.pxbench), "routes_bench")
    if os.path.exists(table):
        met &= routes(table)
    print(f"\n{rounds} rounds in {time.monotonic() - begin:.0f} s on {os.cpu_count()} CPUs")
    return 0 if met or not arguments.strict else 1


if __name__ == "__main__":
    sys.exit(main())
