# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own account of what a ruleset did with each packet, read without any library.

One NETLINK_NETFILTER socket gets the trace messages of nf_tables (group NFNLGRP_NFTRACE) and, when asked, the TRACE lines of
iptables-legacy (nfnetlink_log, group 0), in the order in which the kernel wrote them. Nothing here is shared with
nfpath: what both agree on, two programs have read on their own.
"""
import errno
import os
import re
import socket
import struct

NETLINK_NETFILTER = 12
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1
NFNLGRP_NFTRACE = 9
NFNL_SUBSYS_ULOG, NFNL_SUBSYS_NFTABLES = 4, 10
NFT_MSG_TRACE = 17
NFULNL_MSG_PACKET, NFULNL_MSG_CONFIG = 0, 1
NLM_F_REQUEST, NLM_F_ACK = 1, 4
NLMSG_ERROR = 2
SO_RCVBUFFORCE = 33

# include/uapi/linux/netfilter/nf_tables.h, enum nft_trace_attributes
(A_TABLE, A_CHAIN, A_HANDLE, A_TYPE, A_VERDICT, A_ID, A_LL, A_NH, A_TH, A_IIF, A_IIFTYPE, A_OIF, A_OIFTYPE,
 A_MARK, A_NFPROTO, A_POLICY) = range(1, 17)
TYPE_POLICY, TYPE_RETURN, TYPE_RULE = 1, 2, 3
VERDICTS = {-1: "continue", -2: "break", -3: "jump", -4: "goto", -5: "return", 0: "drop", 1: "accept",
            2: "stolen", 3: "queue", 4: "repeat"}
FAMILIES = {0: "unspec", 1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
TRACE = re.compile(r"^TRACE: ([^:]+):(.*):(rule|policy|return):(\d+) ?$")
IPPROTO_FRAGMENT = 44
# Tables that mark packets for tracing: those of the test, and nfpath's. They are never steps of a path.
OURS = re.compile(r"^(nfpath|oracle)_\d+$")
# So many messages before a gap there may be packets under way.
UNDER_WAY = 5000


def attrs(data):
    """Netlink attributes as {type: bytes}."""
    found, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4 or at + length > len(data):
            raise ValueError("attribute of %d bytes at %d of %d" % (length, at, len(data)))
        found[kind & 0x3fff] = data[at + 4:at + length]
        at += (length + 3) & ~3
    return found


def be32(b):
    return struct.unpack(">I", b)[0]


def cstr(b):
    return b.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


class Headers:
    """What identifies a packet and what NAT leaves alone of it."""

    __slots__ = ("family", "proto", "src", "dst", "sport", "dport", "ip_id", "length", "seq", "flow", "frag", "later")

    def __init__(self, nh, th=None):
        """nh: from the network header on; th: from the transport header on, None when nh holds it too."""
        self.sport = self.dport = self.seq = self.ip_id = self.flow = None
        self.frag = False
        if nh[0] >> 4 == 4:
            hl = (nh[0] & 15) * 4
            self.family = 4
            self.length, self.ip_id, off = struct.unpack_from(">HHH", nh, 2)
            self.proto = nh[9]
            self.src = socket.inet_ntop(socket.AF_INET, nh[12:16])
            self.dst = socket.inet_ntop(socket.AF_INET, nh[16:20])
            self.frag = off & 0x3fff != 0
            later = off & 0x1fff != 0
            # A trace header holds 40 bytes of nh at most: what stands behind the IP header there is not all of it.
            body = nh[hl:] if th is None else th
        else:
            self.family = 6
            self.flow = struct.unpack_from(">I", nh)[0] & 0xfffff
            self.length = struct.unpack_from(">H", nh, 4)[0] + 40
            self.proto = nh[6]
            self.src = socket.inet_ntop(socket.AF_INET6, nh[8:24])
            self.dst = socket.inet_ntop(socket.AF_INET6, nh[24:40])
            self.frag = self.proto == IPPROTO_FRAGMENT
            # nft's trace gives 40 bytes, and none at all of a later fragment.
            later = self.frag and len(nh) >= 48 and struct.unpack_from(">H", nh, 42)[0] & 0xfff8 != 0
            body = nh[40:] if th is None else th
        self.later = later
        if later or self.family == 6 and self.frag or len(body) < 8:
            return
        if self.proto in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
            self.sport, self.dport = struct.unpack_from(">HH", body)
            # Sequence numbers and flags: a connection's packets of one length differ in nothing else.
            self.seq = (body[4:12], body[13]) if self.proto == socket.IPPROTO_TCP and len(body) > 13 else None
        elif self.proto in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6):
            # type and, of an echo, the sequence number; its id is a port to NAT.
            self.seq = (body[0], struct.unpack_from(">H", body, 6)[0] if body[0] in (0, 8, 128, 129) else None)

    def identity(self):
        """What nothing rewrites. One packet's alone where the senders see to it (sender.py)."""
        return self.family, self.ip_id if self.family == 4 else self.flow

    def same_after_nat(self, other):
        """Could `other` be this packet further on? What NAT and defragmentation rewrite does not count."""
        if (self.family, self.ip_id) != (other.family, other.ip_id):
            return False
        if self.frag or other.frag:
            # nf_ct_frag6_reasm takes the flow label along; the true protocol is behind the fragment header.
            return self.flow == other.flow
        if self.proto != other.proto or self.flow != other.flow:
            return False
        return self.seq is None or other.seq is None or self.seq == other.seq


class Packet:
    """One packet of the kernel's trace: the headers as first seen (None: never) and the ordered steps."""

    def see(self, h):
        """Put together from its fragments it shows its ports, which none but the first fragment had."""
        if h and (not self.headers or (self.headers.frag and not h.frag and (h.src, h.dst) == (self.headers.src, self.headers.dst))):
            self.headers = h

    def __init__(self, headers, iif, oif):
        self.headers = headers
        self.iif = iif
        self.oif = oif
        self.steps = []
        self.dropped = False
        self.parent = None
        self.before = None   # whose trace id it was
        self.last = 0        # number of its last message
        self.whole = True    # None of its messages can be among those that were lost
        self.mixed = False   # Another packet had its trace id while it was under way
        self.entered = False # Its first base chain beside those of ours was entered
        self.walking = False # A base chain was entered, and nothing said yet how that ended


class LostEvents(Exception):
    pass


class Reader:
    """ns: lab.Netns. model: rulesets.Model, which knows base chains and the number of rules of legacy chains.

    lossy: messages may get lost, and who was under way then is not `whole`. Only for drain() after the last packet was sent.
    It also says which packets had one trace id at the same time (`mixed`): messages without headers may be of either."""

    def __init__(self, ns, model, legacy, lossy=False, rcvbuf=64 << 20):
        self.ns = ns
        self.model = model
        self.lossy = lossy
        self.gaps = 0
        self.packets = []
        self.orphans = []
        self.begins = set()
        self.by_id = {}
        self.by_identity = {}
        self.events = 0
        with ns:
            self.s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
            self.names = {i: n for i, n in socket.if_nameindex()}
        self.s.bind((0, 0))
        self.s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, rcvbuf)
        self.s.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTRACE)
        self.s.setblocking(False)
        if legacy:
            for pf in (socket.AF_INET, socket.AF_INET6):
                self._config(pf, command=4)  # NFULNL_CFG_CMD_PF_UNBIND, as old programs do it
                self._config(pf, command=3)  # NFULNL_CFG_CMD_PF_BIND
            self._config(0, command=1)       # NFULNL_CFG_CMD_BIND, group 0
            self._config(0, mode=True)

    def _config(self, pf, command=None, mode=False):
        def attr(kind, data):
            raw = struct.pack("=HH", 4 + len(data), kind) + data
            return raw + b"\0" * (-len(raw) % 4)
        body = struct.pack(">BBH", pf, 0, 0)
        if command is not None:
            body += attr(1, struct.pack("B", command))
        if mode:
            body += attr(2, struct.pack(">IBB", 256, 2, 0))  # NFULNL_COPY_PACKET
            body += attr(5, struct.pack(">I", 1))            # NFULA_CFG_QTHRESH
        head = struct.pack("=IHHII", 16 + len(body), NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
                           NLM_F_REQUEST | NLM_F_ACK, 1, 0)
        self.s.setblocking(True)
        self.s.send(head + body)
        while True:
            answer = self.s.recv(65536)
            if struct.unpack_from("=H", answer, 4)[0] == NLMSG_ERROR:
                break
            self._datagram(answer)
        self.s.setblocking(False)
        e = -struct.unpack_from("=i", answer, 16)[0]
        if e:
            raise OSError(e, "nfnetlink_log: " + os.strerror(e))

    def find_marking_chains(self):
        """Which chains mark packets: where a packet begins. Called when the table that marks is there. Where the test has one of its own
        beside nfpath's, it is that one."""
        found = set()
        for o in self.model.live_nft(self.ns):
            r = o.get("rule")
            if r and OURS.match(r["table"]) and any(
                    e.get("mangle", {}).get("key") == {"meta": {"key": "nftrace"}} for e in r["expr"]):
                found.add((r["family"], r["table"], r["chain"]))
        self.begins = {c for c in found if c[1].startswith("oracle_")} or found
        if not self.begins:
            raise RuntimeError("no chain in %s marks packets for tracing" % self.ns.name)

    def drain(self):
        """Reads what is there now. LostEvents when the kernel says that it had to throw messages away."""
        gap = False
        while True:
            try:
                data = self.s.recv(1 << 17)
            except BlockingIOError:
                if gap:
                    self._gap()
                return
            except OSError as e:
                if e.errno != errno.ENOBUFS:
                    raise
                if not self.lossy:
                    raise LostEvents("the reader lost events") from e
                # netlink_broadcast_deliver() adds nothing to a congested socket until it has been read empty: the gap is there.
                gap = True
                continue
            self._datagram(data)

    def _gap(self):
        self.gaps += 1
        self.by_id.clear()
        for p in self.packets:
            if p.last + UNDER_WAY > self.events:
                p.whole = False

    def _datagram(self, data):
        at = 0
        while at + 16 <= len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            body = data[at + 16:at + length]
            if kind == NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE:
                self.events += 1
                self._nft(body[0], attrs(body[4:]))
            elif kind == NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET:
                self._ulog(attrs(body[4:]))
            at += (length + 3) & ~3

    def _ifname(self, raw):
        return self.names.get(be32(raw), "?%d" % be32(raw)) if raw else None

    @staticmethod
    def _headers(a):
        return Headers(a[A_NH], a.get(A_TH, b"")) if A_NH in a else None

    def _nft(self, family, a):
        family = FAMILIES.get(family, str(family))
        table, chain = cstr(a[A_TABLE]), cstr(a[A_CHAIN])
        ident = a[A_ID]
        if OURS.match(table):
            # Interfaces come with the first message of a base chain's run only: that one is the beginning. Headers do, too, but
            # for IPv6 fragments other than the first (ipv6_find_hdr finds no transport header, nft_trace_notify then says nothing).
            if (A_IIF in a or A_OIF in a) and (family, table, chain) in self.begins:
                p = Packet(self._headers(a), self._ifname(a.get(A_IIF)), self._ifname(a.get(A_OIF)))
                p.last = self.events
                self.packets.append(p)
                before, self.by_id[ident] = self.by_id.get(ident), p
                if p.headers:
                    self.by_identity[p.headers.identity()] = p
                if before and before.walking:
                    p.mixed = before.mixed = True
                p.before = before
            return
        p = self.by_id.get(ident)
        if p is None:
            self.orphans.append("nft %s %s %s" % (family, table, chain))
            return
        h = self._headers(a)
        if self.lossy:
            self._whose(p, h)
        p.see(h)
        p.last = self.events
        kind = struct.unpack(">I", a[A_TYPE])[0]
        if kind == TYPE_POLICY:
            p.walking = False
            verdict = VERDICTS[struct.unpack(">i", a[A_POLICY])[0]]
            p.steps.append(("policy", family, table, chain, verdict))
        else:
            v = attrs(a[A_VERDICT])
            code = struct.unpack(">i", v[1])[0]
            verdict = VERDICTS.get(code, str(code))
            if A_HANDLE not in a:
                if verdict != "continue":
                    raise ValueError("a message without rule says %s" % verdict)
                # The end of a chain. That of a base chain is followed by its policy, which says it all.
                if (family, table, chain) not in self.model.base:
                    p.steps.append(("return", family, table, chain))
                return
            target = cstr(v[2]) if 2 in v else None
            handle = struct.unpack(">Q", a[A_HANDLE])[0]
            p.walking = p.walking and verdict in ("continue", "break", "jump", "goto", "return")
            p.steps.append(("rule", family, table, chain, handle, verdict, target))
        if verdict == "drop":
            p.dropped = True

    def _whose(self, p, h):
        """The first message of each base chain has headers (nft_trace_notify(), packet_dumped), and they say whose the id is now."""
        if not h:
            # Before its own first chain: the rest of what its id's last owner met.
            if not p.entered:
                p.mixed = True
                if p.before:
                    p.before.mixed = True
            return
        if p.headers and h.identity() != p.headers.identity():
            p.mixed = True
            other = self.by_identity.get(h.identity())
            if other:
                other.mixed = True
            return
        p.entered = p.walking = True

    def _ulog(self, a):
        m = TRACE.match(cstr(a.get(10, b"")))
        if not m:
            return  # somebody's NFLOG rule writes to group 0
        self.events += 1
        h = Headers(a[9])
        for p in reversed(self.packets):
            if p.headers.same_after_nat(h) if p.headers else h.family == 6:
                p.see(h)
                break
        else:
            self.orphans.append("legacy " + m.group(0))
            return
        table, chain, kind, number = m.group(1), m.group(2), m.group(3), int(m.group(4))
        family = "ip" if h.family == 4 else "ip6"
        rules = self.model.legacy[family, table, chain]
        # trace_packet() calls every unconditional standard target "policy" or "return", also one that a user wrote.
        if number <= len(rules):
            p.steps.append(("rule", family, table, chain, number))
            p.dropped = p.dropped or rules[number - 1] in ("DROP", "REJECT")
        else:
            if (kind == "rule") or (kind == "policy") != (chain in self.model.policies.get((family, table), {})):
                raise ValueError("a %s where none is: %s" % (kind, m.group(0)))
            p.steps.append((kind, family, table, chain))
            if kind == "policy":
                p.dropped = p.dropped or self.model.policies[family, table][chain] == "DROP"

    def close(self):
        self.s.close()
