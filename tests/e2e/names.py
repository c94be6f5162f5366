# SPDX-License-Identifier: ISC
"""A name server with a few hosts, and names that it answers wrongly or not at all."""
import socket
import struct
import threading

import pytest


class NameServer:
    """
    Answers from `zone`, {name: [addresses]}; other names do not exist, but
      silent.*     gets no answer
      servfail.*   the server has failed
      refused.*    it will not say
      truncated.*  the answer over UDP is cut; all of it comes over TCP
      late.*       is answered after `late` seconds
      garbage.*    is answered with nonsense
    """

    def __init__(self, zone, host="127.0.0.1", late=1.3):
        self.dns = pytest.importorskip("dnslib")
        self.zone = {name.lower(): addresses for name, addresses in zone.items()}
        self.questions = []  # (name, type, transport)
        self.late = late
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        while True:
            self.tcp = socket.socket(family, socket.SOCK_STREAM)
            self.tcp.bind((host, 0))
            self.port = self.tcp.getsockname()[1]
            self.udp = socket.socket(family, socket.SOCK_DGRAM)
            try:
                self.udp.bind((host, self.port))
                break
            except OSError:
                self.tcp.close()
                self.udp.close()
        self.tcp.listen(16)
        self.host = host
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @property
    def conf(self):
        """The block for a configuration."""
        where = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return (
            f"resolver {{ servers {where}; hosts off; timeout 400ms; tries 2; "
            "family any }\n"
        )

    def asked(self, name):
        return [row for row in self.questions if row[0] == name]

    def close(self):
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _serve_udp(self):
        while True:
            try:
                data, client = self.udp.recvfrom(4096)
            except OSError:
                return
            if answer := self.answer(data, "udp"):
                if data[13:17] == b"late":
                    threading.Timer(self.late, self._send_udp, (answer, client)).start()
                else:
                    self._send_udp(answer, client)

    def _send_udp(self, answer, client):
        try:
            self.udp.sendto(answer, client)
        except OSError:
            pass  # closed meanwhile

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection:
            while len(head := connection.recv(2, socket.MSG_WAITALL)) == 2:
                data = connection.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
                if answer := self.answer(data, "tcp"):
                    connection.sendall(struct.pack(">H", len(answer)) + answer)

    def answer(self, question, transport):
        try:
            query = self.dns.DNSRecord.parse(question)
        except Exception:  # what is no question gets no answer
            return None
        name = str(query.q.qname).rstrip(".").lower()
        kind = self.dns.QTYPE[query.q.qtype]
        self.questions.append((name, kind, transport))
        first = name.split(".")[0]
        reply = query.reply()
        if first == "silent":
            return None
        if first == "garbage":
            return question[:2] + b"\xff" * 20
        if first in ("servfail", "refused"):
            code = self.dns.RCODE
            reply.header.rcode = code.SERVFAIL if first == "servfail" else code.REFUSED
            return reply.pack()
        if first == "truncated" and transport == "udp":
            reply.header.tc = 1
            return reply.pack()
        if name not in self.zone:
            reply.header.rcode = self.dns.RCODE.NXDOMAIN
        for address in self.zone.get(name, []):
            if (":" in address) == (kind == "AAAA") and kind in ("A", "AAAA"):
                data = self.dns.AAAA(address) if ":" in address else self.dns.A(address)
                row = self.dns.RR(query.q.qname, query.q.qtype, rdata=data, ttl=60)
                reply.add_answer(row)
        return reply.pack()
