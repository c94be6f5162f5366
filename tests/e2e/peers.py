# SPDX-License-Identifier: ISC
"""Upstream proxies: the real programs, each on a free port, with a configuration of its own."""
import getpass
import os
import shutil

import tools
from hopgate import Hopgate
from waiting import free_port, until_accepts

KINDS = ("dante", "microsocks", "tinyproxy", "squid", "ssh", "hopgate")


class Peer:
    """A running proxy: `uri` to reach it, `name` for a configuration."""

    def __init__(self, name, scheme, port, process):
        self.name, self.scheme, self.port, self.process = name, scheme, port, process

    @property
    def uri(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def close(self):
        if isinstance(self.process, Hopgate):
            self.process.clean_up()
        else:
            tools.end(self.process)


class Pool:
    """Starts peers when they are first asked for, and keeps them."""

    def __init__(self, directory):
        self.directory = str(directory)
        os.chmod(self.directory, 0o755)
        self.running = {}
        self.server = None  # the sshd behind `ssh -D`

    def __call__(self, kind, number=0):
        name = f"{kind}{number}"
        if name not in self.running:
            directory = os.path.join(self.directory, name)
            os.makedirs(directory, exist_ok=True)
            self.running[name] = getattr(self, "start_" + kind)(name, directory)
        return self.running[name]

    def close(self):
        for peer in reversed(list(self.running.values())):
            peer.close()
        if self.server:
            tools.end(self.server)

    def launch(self, name, directory, scheme, port, *command):
        process = tools.start(*command, log=os.path.join(directory, "log"))
        peer = Peer(name, scheme, port, process)
        self.running[name] = peer  # from now on it is ended with the others
        until_accepts(("127.0.0.1", port), process)
        return peer

    # --- the programs -----------------------------------------------------------

    def start_dante(self, name, directory):
        program, port = tools.need("danted"), free_port()
        conf = _write(
            directory,
            "danted.conf",
            f"""
            logoutput: stderr
            internal: 127.0.0.1 port = {port}
            external: 127.0.0.1
            socksmethod: none
            clientmethod: none
            user.unprivileged: {"nobody" if os.geteuid() == 0 else getpass.getuser()}
            client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
            socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
            """,
        )
        pid = os.path.join(directory, "pid")
        return self.launch(name, directory, "socks5", port, program, "-f", conf, "-p", pid)

    def start_microsocks(self, name, directory):
        program, port = tools.need("microsocks"), free_port()
        command = (program, "-i", "127.0.0.1", "-p", port)
        return self.launch(name, directory, "socks5", port, *command)

    def start_tinyproxy(self, name, directory):
        program, port = tools.need("tinyproxy"), free_port()
        conf = _write(
            directory,
            "tinyproxy.conf",
            f"""
            Port {port}
            Listen 127.0.0.1
            Timeout 60
            LogLevel Warning
            PidFile "{directory}/pid"
            Allow 127.0.0.1
            """,
        )
        return self.launch(name, directory, "http", port, program, "-d", "-c", conf)

    def start_squid(self, name, directory):
        program, port = tools.need("squid"), free_port()
        conf = _write(
            directory,
            "squid.conf",
            f"""
            http_port 127.0.0.1:{port}
            http_access allow all
            cache deny all
            {"cache_effective_user nobody" if os.geteuid() == 0 else ""}
            pid_filename {directory}/squid.pid
            cache_log {directory}/cache.log
            cache_store_log none
            access_log none
            netdb_filename none
            coredump_dir {directory}
            pinger_enable off
            dns_nameservers 127.0.0.1
            shutdown_lifetime 0 seconds
            visible_hostname {name}.example
            max_filedescriptors 1024
            """,
        )
        if os.geteuid() == 0:
            shutil.chown(directory, "nobody")  # it refuses to stay root
        service = f"{name}p{os.getpid()}"
        return self.launch(name, directory, "http", port, program, "-N", "-n", service, "-f", conf)

    def start_ssh(self, name, directory):
        program, port = tools.need("ssh", "sshd", "ssh-keygen"), free_port()
        key = os.path.join(self.directory, "client_key")
        server_port = self.start_sshd(key)
        return self.launch(
            name,
            directory,
            "socks5",
            port,
            *(program, "-F", "none", "-N", "-i", key, "-p", server_port),
            *("-D", f"127.0.0.1:{port}"),
            *_options(
                "StrictHostKeyChecking=no",
                "UserKnownHostsFile=/dev/null",
                "IdentitiesOnly=yes",
                "BatchMode=yes",
                "ExitOnForwardFailure=yes",
            ),
            f"{getpass.getuser()}@127.0.0.1",
        )

    def start_sshd(self, key):
        if self.server:
            return self.server_port
        self.server_port = free_port()
        host_key = os.path.join(self.directory, "host_key")
        for path in (key, host_key):
            done = tools.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
            assert done.returncode == 0, done.stderr
        options = _options(
            f"Port={self.server_port}",
            "ListenAddress=127.0.0.1",
            f"HostKey={host_key}",
            f"AuthorizedKeysFile={key}.pub",
            "StrictModes=no",
            "UsePAM=no",
            "PermitRootLogin=prohibit-password",
            f"PidFile={self.directory}/sshd.pid",
        )
        command = (tools.need("sshd"), "-D", "-e", "-f", "/dev/null", *options)
        if os.geteuid() == 0 and not os.path.isdir("/run/sshd"):
            # It wants this directory; it gets one that only it can see.
            script = 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$@"'
            command = ("unshare", "-m", "sh", "-c", script, "sh", *command)
        self.server = tools.start(*command, log=os.path.join(self.directory, "sshd.log"))
        until_accepts(("127.0.0.1", self.server_port), self.server)
        return self.server_port

    def start_hopgate(self, name, directory):
        gateway = Hopgate(directory, "")
        return Peer(name, "socks5", gateway.port, gateway)


def _options(*words):
    return [part for word in words for part in ("-o", word)]


def _write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")
    return path
