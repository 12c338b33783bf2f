# SPDX-License-Identifier: GPL-2.0-or-later
"""conntrack's own table of a namespace, read over ctnetlink without any library: what is in it, and what left it meanwhile."""
import os
import socket
import struct
from collections import namedtuple

from reader import attrs, be32

NETLINK_NETFILTER = 12
NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW, IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE = 1, 0, 1, 2
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_CONNTRACK_DESTROY, SO_RCVBUFFORCE = 270, 1, 3, 33
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
# include/uapi/linux/netfilter/nfnetlink_conntrack.h
CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_MARK, CTA_COUNTERS_ORIG, CTA_COUNTERS_REPLY, CTA_ID, CTA_ZONE = 1, 2, 8, 9, 10, 12, 18
CTA_TUPLE_IP, CTA_TUPLE_PROTO = 1, 2
CTA_COUNTERS_PACKETS = 1
ICMPS = (1, 58)

ANSWERS = {8: 0, 0: 8, 128: 129, 129: 128}  # echo and its reply

# sport and dport of an echo are its id, as NAT has it; kind is the type of ICMP, which tells a question from an answer to oneself.
Tuple = namedtuple("Tuple", "proto src sport dst dport kind", defaults=(None,))


def inverted(t):
    return Tuple(t.proto, t.dst, t.dport, t.src, t.sport, ANSWERS.get(t.kind))


def _tuple(data):
    t = attrs(data)
    ip, proto = attrs(t[CTA_TUPLE_IP]), attrs(t[CTA_TUPLE_PROTO])
    src, dst = (ip[1], ip[2]) if 1 in ip else (ip[3], ip[4])
    af = socket.AF_INET if len(src) == 4 else socket.AF_INET6
    number = proto[1][0]
    kind = None
    if number in ICMPS:
        kind = proto[5 if number == 1 else 8][0]
        sport = dport = struct.unpack(">H", proto[4 if number == 1 else 7])[0]
    else:
        sport, dport = (struct.unpack(">H", proto[i])[0] if i in proto else 0 for i in (2, 3))
    return Tuple(number, socket.inet_ntop(af, src), sport, socket.inet_ntop(af, dst), dport, kind)


def _packets(a, which):
    """How many were counted (nf_conntrack_acct); None: it is off."""
    return struct.unpack(">Q", attrs(a[which])[CTA_COUNTERS_PACKETS])[0] if which in a else None


class Entry:
    def __init__(self, a):
        self.orig, self.reply = _tuple(a[CTA_TUPLE_ORIG]), _tuple(a[CTA_TUPLE_REPLY])
        self.id = be32(a[CTA_ID])
        self.mark = be32(a[CTA_MARK]) if CTA_MARK in a else 0
        self.packets = {"original": _packets(a, CTA_COUNTERS_ORIG), "reply": _packets(a, CTA_COUNTERS_REPLY)}

    def after(self, direction):
        """A packet of this direction, when NAT has done all that it will: nf_nat_packet()'s target, the other tuple inverted."""
        return inverted(self.reply if direction == "original" else self.orig)

    def __str__(self):
        return "id=%d %s | %s, packets %s" % (self.id, self.orig, self.reply, self.packets)


def _messages(data):
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        yield kind, data[at + 16:at + length]
        at += (length + 3) & ~3


class Table:
    """Opened before the first packet: an entry that the kernel takes away at once (a SYN that only a RST answers: nf_conntrack_tcp_packet())
    is told by an event."""

    def __init__(self, ns):
        self.ns = ns
        with ns:
            self.s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
        self.s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        # With a number of its own: do_one_broadcast() leaves out who has that of the sender, which is 0.
        self.s.bind((0, 0))
        self.s.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_CONNTRACK_DESTROY)

    def read(self):
        """All entries that there are and all that there were; ends the watch."""
        found = self._dump()
        with self.s:
            self.s.setblocking(False)
            while True:
                try:
                    data = self.s.recv(1 << 17)
                except BlockingIOError:
                    break
                for kind, body in _messages(data):
                    if kind == NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE:
                        found.append(Entry(attrs(body[4:])))
        return found

    def _dump(self):
        found = []
        with self.ns:
            s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
        with s:
            kind = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
            s.send(struct.pack("=IHHII", 20, kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + struct.pack(">BBH", 0, 0, 0))
            while True:
                for kind, body in _messages(s.recv(1 << 17)):
                    if kind == NLMSG_DONE:
                        return found
                    if kind == NLMSG_ERROR:
                        code = -struct.unpack_from("=i", body)[0]
                        raise OSError(code, "conntrack's table cannot be read: " + os.strerror(code))
                    if kind == NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW:
                        found.append(Entry(attrs(body[4:])))
