# SPDX-License-Identifier: GPL-2.0-or-later
"""client -- router -- server, and random packets through, into and out of the router.

Everything is sent by one thread on one CPU. veth hands a packet over in the softirq of the same CPU, and Lab.dealt_with() waits for that
where it was left to ksoftirqd: the kernel has dealt with a packet, and with every answer to it, before the next one is sent. So two runs
see the same packets in the same order, however slow the machine is.
"""
import os
import select
import socket
import struct
import time

import lab
from rulesets import PORTS

ETH_IP, ETH_IP6 = 0x0800, 0x86DD
TCP_PORTS = [22, 80, 8080, 9090]  # somebody listens
UDP_PORTS = [53, 5000, 8080]      # somebody answers
# Fragments have no ports to tell them apart by; they come from here and from nowhere else.
FRAG4, FRAG6 = "10.1.8.250", "fd01:8::fa"
# The source ports of what we send.
FIRST_PORT, LAST_PORT = 20000, 22000
PACKET_OUTGOING = 4


def csum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def is6(addr):
    return ":" in addr


def raw(addr):
    return socket.inet_pton(socket.AF_INET6 if is6(addr) else socket.AF_INET, addr)


def ip(src, dst, proto, body, ident, ttl=64, tos=0, frag=None):
    """An IP packet. ident: IPv4 id, or the flow label of IPv6. frag: (offset in bytes, more follow)."""
    if is6(src):
        if frag:
            body = struct.pack(">BBHI", proto, 0, frag[0] | (1 if frag[1] else 0), ident) + body
            proto = 44
        return struct.pack(">IHBB", 6 << 28 | tos << 20 | ident & 0xfffff, len(body), proto, ttl) + raw(src) + raw(dst) + body
    off = (frag[0] // 8 | (0x2000 if frag[1] else 0)) if frag else 0
    head = struct.pack(">BBHHHBBH", 0x45, tos, 20 + len(body), ident & 0xffff, off, ttl, proto, 0) + raw(src) + raw(dst)
    return head[:10] + struct.pack(">H", csum(head)) + head[12:] + body


def pseudo(src, dst, proto, n):
    if is6(src):
        return raw(src) + raw(dst) + struct.pack(">II", n, proto)
    return raw(src) + raw(dst) + struct.pack(">BBH", 0, proto, n)


def udp(src, dst, sport, dport, data, good=True):
    head = struct.pack(">HHHH", sport, dport, 8 + len(data), 0)
    c = csum(pseudo(src, dst, 17, len(head) + len(data)) + head + data) or 0xffff
    return head[:6] + struct.pack(">H", c if good else c ^ 0x5555) + data


def tcp(src, dst, sport, dport, seq, ack, flags, data=b"", good=True):
    opts = struct.pack(">BBH", 2, 4, 1400) if flags & 2 else b""
    head = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, (20 + len(opts)) // 4 << 4, flags, 65000, 0, 0) + opts
    c = csum(pseudo(src, dst, 6, len(head) + len(data)) + head + data)
    return head[:16] + struct.pack(">H", c if good else c ^ 0x5555) + head[18:] + data


def echo(src, dst, ident, seq, data, reply=False):
    kind = (129 if reply else 128) if is6(src) else (0 if reply else 8)
    head = struct.pack(">BBHHH", kind, 0, 0, ident, seq)
    c = csum((pseudo(src, dst, 58, len(head) + len(data)) if is6(src) else b"") + head + data)
    return head[:2] + struct.pack(">H", c) + head[4:] + data


FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Lab:
    """Three namespaces. Neighbours are permanent and nothing speaks by itself: every packet is one that we asked for."""

    QUIET = ["net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0", "net/ipv4/icmp_ratemask=0",
             "net/ipv4/tcp_synack_retries=0", "net/ipv4/tcp_syn_retries=1", "net/ipv4/tcp_invalid_ratelimit=0",
             "net/ipv4/conf/all/send_redirects=0", "net/ipv4/conf/default/send_redirects=0", "net/ipv6/icmp/ratelimit=0",
             # No kind of ICMPv6 is limited for the host as a whole (icmp_global_allow(), which rolls dice), as none of ICMP above.
             "net/ipv6/icmp/ratemask=\n",
             "net/ipv6/conf/default/accept_dad=0", "net/ipv6/conf/default/dad_transmits=0",
             "net/ipv6/conf/default/addr_gen_mode=1", "net/ipv6/conf/default/accept_ra=0",
             "net/ipv6/conf/default/router_solicitations=0",
             # Who misses a piece of a datagram says so after 30 s (ip_expire()), which a slow machine's run takes, or not.
             "net/ipv4/ipfrag_time=3600", "net/ipv6/ip6frag_time=3600"]
    # Of nf_defrag_ipv6, which rules may have loaded.
    QUIET_LATER = "net/netfilter/nf_conntrack_frag6_timeout"

    def __init__(self, tag="orc"):
        self.c, self.r, self.s = (lab.Netns(n, tag) for n in "crs")
        c, r, s = self.c, self.r, self.s
        for ns in (c, r, s):
            ns.sysctl(*self.QUIET)
        r.sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1")
        self.mac_c0, self.mac_r0 = lab.veth(c, "c0", r, "r0")
        self.mac_r1, self.mac_s0 = lab.veth(r, "r1", s, "s0")

        def neigh(dev, mac, *addrs):
            return ["neigh replace %s lladdr %s dev %s nud permanent" % (a, mac, dev) for a in addrs]
        c.ip("addr add 10.1.0.2/24 dev c0", "addr add fd01::2/64 dev c0 nodad",
             *neigh("c0", self.mac_r0, "10.1.0.1", "fd01::1"),
             "route add default via 10.1.0.1", "route add ::/0 via fd01::1")
        r.ip("addr add 10.1.0.1/24 dev r0", "addr add fd01::1/64 dev r0 nodad",
             "addr add 10.2.0.1/24 dev r1", "addr add fd02::1/64 dev r1 nodad",
             *neigh("r0", self.mac_c0, "10.1.0.2", "fd01::2"),
             *neigh("r1", self.mac_s0, "10.2.0.2", "10.2.0.3", "fd02::2", "fd02::3"),
             "route add 10.1.8.0/24 via 10.1.0.2", "route add fd01:8::/64 via fd01::2")
        s.ip("addr add 10.2.0.2/24 dev s0", "addr add 10.2.0.3/24 dev s0", "addr add fd02::2/64 dev s0 nodad",
             "addr add fd02::3/64 dev s0 nodad", *neigh("s0", self.mac_r1, "10.2.0.1", "fd02::1"),
             "route add default via 10.2.0.1", "route add ::/0 via fd02::1")
        self.sockets = []
        self.poll = select.epoll()
        self.udp_servers, self.tcp_servers = {}, {}
        with c:
            self.cp = self._packet("c0")
        with s:
            self.sp = self._packet("s0")
        for ns in (r, s):
            with ns:
                for port in UDP_PORTS:
                    self._server(socket.SOCK_DGRAM, port, self.udp_servers)
                for port in TCP_PORTS:
                    self._server(socket.SOCK_STREAM, port, self.tcp_servers)

    def _keep(self, s):
        s.setblocking(False)
        self.sockets.append(s)
        return s

    def _packet(self, dev):
        s = self._keep(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
        s.bind((dev, 3))
        return s

    def _server(self, kind, port, where):
        for af, any_ in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            s = self._keep(socket.socket(af, kind))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if af == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((any_, port))
            if kind == socket.SOCK_STREAM:
                s.listen(1000)
            self.poll.register(s, select.EPOLLIN)
            where[s.fileno()] = s

    def quiet(self):
        for ns in (self.c, self.r, self.s):
            with ns:
                there = os.path.exists("/proc/sys/" + self.QUIET_LATER)
            if there:
                ns.sysctl(self.QUIET_LATER + "=3600")

    def close(self):
        self.poll.close()
        for s in self.sockets:
            s.close()
        for ns in (self.c, self.r, self.s):
            ns.remove()

    # ---- sending

    def dealt_with(self):
        """Waits until no packet waits for the softirq of this thread's CPU. A softirq that took too long, as each does on an emulated
        processor, is gone on with by ksoftirqd, which runs when the scheduler says so: __do_softirq(), MAX_SOFTIRQ_TIME. Nobody is
        interrupted within one, so none is under way while we run."""
        cpus = os.sched_getaffinity(0)
        end = time.monotonic() + 30 * lab.SLOW
        while True:
            with open("/proc/net/softnet_stat") as f:
                rows = [line.split() for line in f]
            # softnet_seq_show(): the 12th is the length of the backlog, the 13th the CPU (Linux 5.10).
            if not any(int(r[11], 16) for r in rows if int(r[12], 16) in cpus):
                return
            if time.monotonic() > end:
                raise RuntimeError("packets wait for CPU %s: %s" % (cpus, rows))
            os.sched_yield()

    def from_client(self, packet):
        self._frame(self.cp, self.mac_r0, self.mac_c0, packet)

    def from_server(self, packet):
        self._frame(self.sp, self.mac_r1, self.mac_s0, packet)

    def _frame(self, s, dst, src, packet):
        mac = bytes.fromhex((dst + src).replace(":", ""))
        s.send(mac + struct.pack(">H", ETH_IP6 if packet[0] >> 4 == 6 else ETH_IP) + packet)
        self.dealt_with()

    def serve(self):
        """Answers what arrived at the servers: UDP once (a rule may send the answer to a server again), TCP by accepting and resetting."""
        for _ in range(100):
            self.dealt_with()
            found = self.poll.poll(0)
            if not found:
                return
            self._answer(found)
        raise RuntimeError("the servers find no end: %s" % found)

    def _answer(self, found):
        for fd, _ in found:
            if fd in self.udp_servers:
                s = self.udp_servers[fd]
                try:
                    data, peer = s.recvfrom(65536)
                    if not data.startswith(b"re:"):
                        s.sendto(b"re:" + data[:500], peer)  # in one piece
                except OSError:
                    pass  # a REJECT, or no route back: that is the ruleset's word
            else:
                try:
                    s, _ = self.tcp_servers[fd].accept()
                except OSError:
                    continue
                with s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def sniff_synack(self, addr, port):
        """The sequence number of the SYN-ACK to (addr, port) that reached the client, or None."""
        while True:
            try:
                data, info = self.cp.recvfrom(4096)
            except BlockingIOError:
                return None
            p = data[14:]
            if info[2] == PACKET_OUTGOING or len(p) < 40:
                continue
            if p[0] >> 4 == 4:
                dst, proto, body = p[16:20], p[9], p[(p[0] & 15) * 4:]
            else:
                dst, proto, body = p[24:40], p[6], p[40:]
            if proto == 6 and dst == raw(addr) and struct.unpack_from(">H", body, 2)[0] == port and body[13] & (SYN | ACK) == SYN | ACK:
                return struct.unpack_from(">I", body, 4)[0]

    def forget(self):
        """Throws away what was sniffed so far."""
        while True:
            try:
                self.cp.recv(1)
            except BlockingIOError:
                break
        while True:
            try:
                self.sp.recv(1)
            except BlockingIOError:
                break


class Traffic:
    """A list of actions from a random.Random, played on a Lab. real: also connections of the kernel's own TCP."""

    def __init__(self, rng, v6, n):
        self.rng = rng
        self.v6 = v6
        self.next_id = rng.randint(1, 1000)
        self.next_port = FIRST_PORT + rng.randint(0, 1000)
        if v6:
            self.client, self.rc, self.rs, self.server, self.server2, self.lo = "fd01::2", "fd01::1", "fd02::1", "fd02::2", "fd02::3", "::1"
        else:
            self.client, self.rc, self.rs, self.server, self.server2, self.lo = "10.1.0.2", "10.1.0.1", "10.2.0.1", "10.2.0.2", "10.2.0.3", "127.0.0.1"
        kinds = [self.udp, self.udp, self.udp, self.syn, self.syn, self.odd_tcp, self.echo, self.flow, self.udp_twice, self.fragments,
                 self.from_server, self.router_udp, self.router_tcp, self.router_echo, self.loopback, self.bad_checksum]
        self.actions = [rng.choice(kinds)() for _ in range(n)]

    def play(self, where, between=None):
        """between() is called after each action."""
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        where.quiet()
        for a in self.actions:
            where.forget()
            a(where)
            where.serve()
            if between:
                between()

    # ---- ingredients: every packet has an id, and every flow a port, of its own

    def id(self):
        self.next_id += 1
        return self.next_id

    def port(self):
        self.next_port += 1
        return self.next_port

    def crafted(self):
        n = self.rng.randint(16, 200)
        return "fd01:8::%x" % n if self.v6 else "10.1.8.%d" % n

    def to(self):
        """Through the router, or to it."""
        return self.rng.choice([self.server, self.server, self.server2, self.rc, self.rs])

    def data(self):
        r = self.rng
        return r.choice([b"", b"abc", b"GET /", b"x" * r.randint(1, 200)])

    def tos(self):
        return self.rng.choice([0, 0, 0, 0x10, 0x28])

    # ---- actions

    def udp(self):
        src, dst, sport, dport = self.crafted(), self.to(), self.port(), self.rng.choice(PORTS)
        p = ip(src, dst, 17, udp(src, dst, sport, dport, self.data()), self.id(), self.rng.choice([64, 64, 5]), self.tos())

        def act(w):
            w.from_client(p)
            w.serve()
        return act

    def udp_twice(self):
        src, dst, sport, dport = self.crafted(), self.to(), self.port(), self.rng.choice(PORTS)
        ps = [ip(src, dst, 17, udp(src, dst, sport, dport, self.data()), self.id()) for _ in range(3)]

        def act(w):
            for p in ps:
                w.from_client(p)
                w.serve()
        return act

    def syn(self):
        src, dst, sport, dport = self.crafted(), self.to(), self.port(), self.rng.choice(PORTS)
        p = ip(src, dst, 6, tcp(src, dst, sport, dport, self.rng.getrandbits(32), 0, SYN), self.id(), 64, self.tos())
        return lambda w: w.from_client(p)

    def odd_tcp(self):
        src, dst, sport, dport = self.crafted(), self.to(), self.port(), self.rng.choice(PORTS)
        flags = self.rng.choice([ACK, RST, FIN | ACK, SYN | ACK, PSH | ACK, 0, FIN | PSH | 32])
        p = ip(src, dst, 6, tcp(src, dst, sport, dport, self.rng.getrandbits(32), 1, flags, self.data()), self.id())
        return lambda w: w.from_client(p)

    def bad_checksum(self):
        src, dst, sport, dport = self.crafted(), self.to(), self.port(), self.rng.choice(PORTS)
        p = ip(src, dst, 17, udp(src, dst, sport, dport, self.data(), False), self.id())
        return lambda w: w.from_client(p)

    def echo(self):
        src, dst = self.rng.choice([self.crafted(), self.crafted(), self.client]), self.to()
        p = ip(src, dst, 58 if self.v6 else 1, echo(src, dst, self.port(), self.rng.randint(0, 65535), self.data()), self.id(), 64, self.tos())
        return lambda w: w.from_client(p)

    def fragments(self):
        src, dst, dport = FRAG6 if self.v6 else FRAG4, self.to(), self.rng.choice(PORTS)
        body = udp(src, dst, self.port(), dport, b"f" * self.rng.randint(1600, 2500))
        ident, parts, at = self.id(), [], 0
        while at < len(body):
            parts.append(ip(src, dst, 17, body[at:at + 800], ident, frag=(at, at + 800 < len(body))))
            at += 800
        if self.rng.random() < 0.3:
            parts.reverse()

        def act(w):
            for p in parts:
                w.from_client(p)
            w.serve()
        return act

    def flow(self):
        """A TCP connection from a client that we play against the kernel's TCP: SYN, ACK, data, RST."""
        src, dst, sport = self.crafted(), self.to(), self.port()
        dport, isn = self.rng.choice(TCP_PORTS + [443]), self.rng.getrandbits(31)
        ids = [self.id() for _ in range(4)]
        data = self.data() or b"y"

        def act(w):
            def send(i, seq, ack, flags, more=b""):
                w.from_client(ip(src, dst, 6, tcp(src, dst, sport, dport, seq, ack, flags, more), ids[i]))
            send(0, isn, 0, SYN)
            ack = w.sniff_synack(src, sport)
            if ack is None:
                return
            ack = (ack + 1) & 0xffffffff
            send(1, isn + 1, ack, ACK)
            send(2, isn + 1, ack, PSH | ACK, data)
            send(3, isn + 1 + len(data), ack, RST | ACK)
            w.serve()
        return act

    def from_server(self):
        src, dst = self.rng.choice([self.server, self.server2]), self.rng.choice([self.client, self.rs, self.crafted()])
        sport, dport = self.port(), self.rng.choice(PORTS)
        if self.rng.random() < 0.5:
            p = ip(src, dst, 17, udp(src, dst, sport, dport, self.data()), self.id())
        else:
            p = ip(src, dst, 6, tcp(src, dst, sport, dport, 7, 0, SYN), self.id())
        return lambda w: w.from_server(p)

    def _router_socket(self, w, kind, proto=0):
        with w.r:
            s = socket.socket(socket.AF_INET6 if self.v6 else socket.AF_INET, kind, proto)
        s.setblocking(False)
        return s

    @staticmethod
    def _try(call, *args):
        try:
            call(*args)
        except OSError:
            pass  # dropped or rejected by the ruleset under test

    def router_udp(self, dsts=None):
        dst, sport, dport = self.rng.choice(dsts or [self.server, self.server2, self.client]), self.port(), self.rng.choice(PORTS)
        data = self.data()

        def act(w):
            with self._router_socket(w, socket.SOCK_DGRAM) as s:
                s.bind(("::" if self.v6 else "0.0.0.0", sport))
                self._try(s.sendto, data, (dst, dport))
                w.serve()
        return act

    def router_tcp(self, dsts=None):
        dst, sport = self.rng.choice(dsts or [self.server, self.server2]), self.port()
        dport = self.rng.choice(TCP_PORTS + [443])

        def act(w):
            with self._router_socket(w, socket.SOCK_STREAM) as s:
                s.bind(("::" if self.v6 else "0.0.0.0", sport))
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._try(s.connect, (dst, dport))
                w.dealt_with()
                if select.select([], [s], [], 0)[1] and not s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    self._try(s.send, b"data")
                    w.dealt_with()
            w.serve()
        return act

    def router_echo(self, dsts=None):
        dst, seq, data = self.rng.choice(dsts or [self.server, self.client]), self.rng.randint(0, 65535), self.data()
        ident = self.port()

        def act(w):
            with self._router_socket(w, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if self.v6 else socket.IPPROTO_ICMP) as s:
                self._try(s.sendto, echo(self.rc if not self.v6 else dst, dst, ident, seq, data), (dst, 0))
            w.dealt_with()
        return act

    def loopback(self):
        how = self.rng.choice([self.router_udp, self.router_udp, self.router_tcp, self.router_echo])
        return how([self.rng.choice([self.lo, self.rc, self.rs])])
