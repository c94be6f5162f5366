# SPDX-License-Identifier: ISC
"""The programs that are compared: their configurations, how they are started and ended."""
import os
import shutil
import signal
import socket
import subprocess
import time

os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
ORIGIN = 9000
WEB_ORIGIN = 9001

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
# Both connections kept as long as the others keep them, and log lines written in batches.
NGINX = """
daemon off;
user root;
worker_processes 2;
worker_rlimit_nofile 65536;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 20000; }}
http {{
    access_log {directory}/access.log combined buffer=64k flush=1s;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    keepalive_requests 1000000000;
    upstream origin {{
        server 127.0.0.1:9001;
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""
SQUID = """
http_port 127.0.0.1:{port}
http_access allow all
cache deny all
cache_effective_user nobody
access_log stdio:{directory}/access.log
buffered_logs on
cache_log {directory}/cache.log
cache_store_log none
netdb_filename none
coredump_dir {directory}
pid_filename {directory}/squid.pid
pinger_enable off
dns_nameservers 127.0.0.1
shutdown_lifetime 0 seconds
visible_hostname bench.example
max_filedescriptors 65536
"""
TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 500
LogFile "{directory}/access.log"
LogLevel Connect
PidFile "{directory}/pid"
Allow 127.0.0.0/8
"""


class Program:
    """
    One of those that are compared: how it is started, and what pxbench shall speak to it.
    `lacks` are modes that it is not measured in; one that `reopens` closes after each answer.
    """

    def __init__(self, name, kind, port, command, conf=None, lacks=(), reopens=False):
        self.name, self.kind, self.port, self.lacks = name, kind, port, lacks
        self.command, self.conf, self.reopens, self.process = command, conf, reopens, None

    @property
    def group(self):
        """What it is compared in."""
        return "http" if self.kind in ("http-forward", "http-reverse") else "tunnels"

    def start(self, directory):
        own = os.path.join(directory, str(self.port))
        if not os.path.exists(own):
            os.mkdir(own)
            os.chmod(own, 0o777)  # some do not stay root
        fill = {"conf": os.path.join(own, "conf"), "port": self.port, "directory": own}
        if self.conf:
            with open(fill["conf"], "w", encoding="utf-8") as file:
                file.write(self.conf.format(**fill))
            os.chmod(fill["conf"], 0o600)
        self.process = launch([word.format(**fill) for word in self.command], self.port)

    def stop(self):
        end(self.process)
        self.process = None


def tunnels(hopgate):
    """What makes tunnels, and two plain relays."""
    splice = "option splice-request\n    option splice-response"
    haproxy = ["haproxy", "-db", "-f", "{conf}"]
    dante = ["danted", "-f", "{conf}", "-p", "{directory}/dante.pid"]
    return [
        Program("hopgate", "socks5", 9101, [hopgate, "run", "-c", "{conf}"], HOPGATE),
        Program("HAProxy splice", "none", 9102, haproxy, HAPROXY.replace("{options}", splice)),
        Program("HAProxy copy", "none", 9103, haproxy, HAPROXY.replace("{options}", "")),
        Program("microsocks", "socks5", 9104, ["microsocks", "-i", "127.0.0.1", "-p", "{port}"]),
        Program("dante", "socks5", 9105, dante, DANTE, lacks=("hold",)),
    ]


def http(hopgate):
    """What forwards HTTP, and a plain reverse proxy."""
    tinyproxy, forward = ["tinyproxy", "-d", "-c", "{conf}"], "http-forward"
    squid = ["squid", "-N", "-n", f"bench{os.getpid()}", "-f", "{conf}"]
    return [
        Program("hopgate", forward, 9111, [hopgate, "run", "-c", "{conf}"], HOPGATE),
        Program("squid", forward, 9112, squid, SQUID),
        Program("nginx", "http-reverse", 9113, ["nginx", "-c", "{conf}"], NGINX),
        Program(
            *("tinyproxy", forward, 9114, tinyproxy, TINYPROXY),
            lacks=("keep",),  # it keeps no connection
            reopens=True,
        ),
    ]


def installed(programs):
    for program in programs:
        if not shutil.which(program.command[0]):
            print(f"{program.name}: {program.command[0]} is not installed, left out")
    return [program for program in programs if shutil.which(program.command[0])]


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
