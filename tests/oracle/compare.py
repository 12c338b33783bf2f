# SPDX-License-Identifier: GPL-2.0-or-later
"""Two accounts of the same packets, packet by packet: the kernel's (reader.Packet) and nfpath's (its JSON)."""
import collections
import ipaddress
import re

from reader import Packet
from rulesets import PORTS
from traffic import FIRST_PORT, FRAG4, FRAG6, LAST_PORT

# The table with which the test itself marks packets, where nfpath does not (its engine bpf): in neither account.
MARKING = re.compile(r"^oracle_\d+$")
PROTO = {"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58, "icmpv6": 58, "ipv6-icmp": 58}
IN_HOOKS = ("ingress", "prerouting", "input")
# The rest of a packet that waited for so long, between leaving by loopback and coming in, that its path was printed.
GOES_ON = re.compile(r"^goes on where packet #(\d+) was left: it came back after that was printed")


class Record:
    """One packet of either account, or one half of a packet that went through the loopback device."""

    def __init__(self, family, proto, src, dst, sport, dport, ip_id, length, iif, oif):
        self.family, self.proto, self.ip_id, self.length = family, proto, ip_id, length
        self.src, self.dst, self.sport, self.dport = src, dst, sport, dport
        self.iif, self.oif = iif or None, oif or None
        self.steps = []
        self.dropped = False
        self.uncertain = None
        self.second = False
        self.owner = None
        self.raw = None
        # A later fragment of IPv6; without addresses where an account never saw its headers.
        self.later6 = False

    def key(self, with_id, blank=False):
        r = self.owner or self
        if blank and r.later6:
            return (6, "later fragment")
        if r.src in (FRAG4, FRAG6) or r.dst in (FRAG4, FRAG6):
            # What a fragment shows of its ports and protocol depends on which fragment is asked.
            k = (r.family, "frag" if r.src in (FRAG4, FRAG6) else r.proto, r.src, r.dst)
        elif with_id:
            k = (r.family, r.proto, r.src, r.dst, r.sport, r.dport, r.ip_id)
        else:
            # Of two runs: a port that source NAT chose because the packet's own was taken is another one each time.
            k = (r.family, r.proto, r.src, r.dst) + tuple(
                p if p is None or p in PORTS or FIRST_PORT <= p <= LAST_PORT else "chosen" for p in (r.sport, r.dport))
        return k + (("second",) if self.second else ())


def blank6(iif, oif):
    """nft's trace shows no headers of a later fragment of IPv6: ipv6_find_hdr() finds no transport header."""
    r = Record(6, None, "", "", None, None, None, None, iif, oif)
    r.later6 = True
    return r


def of_kernel(packets):
    found = []
    for p in packets:
        h = p.headers
        if h:
            r = Record(h.family, h.proto, h.src, h.dst, h.sport, h.dport, h.ip_id, h.length, p.iif, p.oif)
            r.later6 = h.family == 6 and h.later
        else:
            r = blank6(p.iif, p.oif)
        r.steps, r.dropped, r.raw = p.steps, p.dropped, p
        found.append(r)
    return found


def step_of_json(s):
    legacy = s["backend"] == "iptables-legacy"
    where = (s["family"], s["table"], s["chain"])
    if s["type"] == "rule":
        if legacy:
            return ("rule",) + where + (s["rule"],)
        return ("rule",) + where + (s["handle"], s["verdict"], s["target"] if s["verdict"] in ("jump", "goto") else None)
    if s["type"] == "policy" and not legacy:
        return ("policy",) + where + (s["verdict"],)
    return (s["type"],) + where


def proto_number(name):
    if name is None:
        return None
    m = re.search(r"(\d+)$", str(name))
    return PROTO[str(name).lower()] if str(name).lower() in PROTO else int(m.group(1)) if m else str(name)


def parts_of(o, inum):
    """The steps that a path has in namespace `inum`, cut where the kernel's account begins anew: [[(index, step)]].

    The kernel's trace of a packet ends where the trace bit is taken off or the trace id changes; a path goes on. The marking chain is
    where both say that the packet has come in, or was made here."""
    parts = [[]]
    for i, s in enumerate(o["steps"]):
        if s["type"] not in ("rule", "policy", "return") or (s.get("netns") or o["netns"])["inum"] != inum:
            continue
        if not MARKING.match(s["table"] or ""):
            parts[-1].append((i, s))
        elif s["type"] == "rule":
            parts.append([])
    return parts


def in_namespace(o, record, inum):
    """Records of one path, of what it says about namespace `inum`: one for each time that the packet came to its hooks."""
    parts = parts_of(o, inum)
    if parts[0]:
        # Steps before the marking chain: the kernel's account has none, so let them differ.
        parts[1:2] = [parts[0] + (parts[1] if len(parts) > 1 else [])]
    found = []
    for part in parts[1:]:
        r = record()
        r.second, r.owner = bool(found), found[0] if found else None
        r.steps = [step_of_json(s) for _, s in part]
        r.dropped = o["verdict"] == "dropped" and o["decided_by"] in [i for i, _ in part]
        if not r.second and r.iif == "lo":
            r.iif = None
        found.append(r)
    return found


def without_marking(o, record, inum):
    """Of a path that is not certain, and that has not even the marking chain: it is told, and says nothing wrong."""
    if o["certainty"] == "exact" or o["netns"]["inum"] != inum:
        return []
    r = record()
    r.iif = None if r.iif == "lo" else r.iif
    return [r]


def untold_second(o, record, records):
    """Of a path that is not certain, and that does not say what came of its packet behind the loopback device: that is a packet of its own to
    the kernel's account, and the path stands for it, too."""
    sent = [o["packet"]["oif"]] + [s["dev"] for s in o["steps"] if s["type"] == "transmit"]
    if o["certainty"] == "exact" or sent[-1] != "lo" or not records or any(r.second for r in records):
        return []
    r = record()
    r.second, r.owner = True, records[-1]
    return [r]


def of_json(objects, inum=None):
    """A packet that nfpath follows through the loopback device in one record is cut into the two that the kernel sees. inum: of paths
    that cross namespaces only the part in this one, where the test's own table marks packets."""
    found, printed = [], {}
    for o in sorted(objects, key=lambda x: (x["time"], x["id"])):
        p = o["packet"]
        blank = p.get("family") is None and (p.get("link") or {}).get("ethertype") == 0x86dd
        if not blank and (p.get("family") not in ("ip", "ip6") or not p.get("src")):
            continue

        def record():
            r = blank6(p["iif"], p["oif"]) if blank else Record(4 if p["family"] == "ip" else 6, proto_number(p["proto"]), str(ipaddress.ip_address(p["src"])),
                       str(ipaddress.ip_address(p["dst"])), p["sport"], p["dport"], p["ip_id"] if p["family"] == "ip" else None,
                       p["len"], p["iif"], p["oif"])
            r.raw = o
            r.later6 = blank or p["family"] == "ip6" and p.get("fragment") == "later"
            if o["certainty"] != "exact" or o["lost"]:
                r.uncertain = o["uncertain_because"] or "%d events lost" % o["lost"]
            return r
        if inum is not None:
            records = in_namespace(o, record, inum) or without_marking(o, record, inum)
            for r in records + untold_second(o, record, records):
                left = GOES_ON.match(r.uncertain or "")
                r.owner = r.owner or left and printed.get(int(left.group(1)))
                r.second = r.second or r.owner is not None
                printed.setdefault(o["id"], r)
                found.append(r)
            continue
        first, second = record(), record()
        second.second, second.owner = True, first
        local = first.iif is None or first.oif == "lo"
        if local:
            first.iif = None
        decided = o["decided_by"]
        for i, s in enumerate(o["steps"]):
            if s["type"] in ("rule", "policy", "return"):
                half = second if local and s["hook"] in IN_HOOKS else first
                half.steps.append(step_of_json(s))
                if o["verdict"] == "dropped" and i == decided:
                    half.dropped = True
        if local and first.uncertain and None in {s["hook"] for s in o["steps"] if s["type"] in ("rule", "policy", "return")}:
            # Where its halves meet is one of the things not known of it: neither is compared.
            second.steps = second.steps or first.steps
        found.append(first)
        if second.steps:
            found.append(second)
    return found


def same_packet(a, b):
    """Can the kernel's account of a and b be of one packet, by what NAT leaves alone?"""
    return not isinstance(a, Packet) or not isinstance(b, Packet) or not a.headers or not b.headers or a.headers.same_after_nat(b.headers)


def join_loopback(records):
    """The second half of a loopback packet belongs to the latest first half of the same length, protocol and id."""
    waiting = []
    for r in records:
        if r.second:
            waiting = [w for w in waiting if w is not r.owner]
        elif r.iif == "lo":
            # Of IPv6 no id says which: first those that left by loopback, and of these those with its source port, which only source NAT changes.
            for w in sorted(reversed(waiting), key=lambda w: (w.oif != "lo", w.sport != r.sport)):
                if (w.family, w.proto, w.length, w.ip_id) == (r.family, r.proto, r.length, r.ip_id) and same_packet(w.raw, r.raw):
                    r.second, r.owner = True, w
                    waiting.remove(w)
                    break
        elif r.iif is None:
            waiting.append(r)


def count(records):
    """How many packets of each kind came, whatever became of them. Of a fragment of IPv6 not every account has the addresses."""
    join_loopback(records)
    return collections.Counter("fragment" if r.later6 or FRAG6 in (r.src, r.dst) else r.key(False) for r in records
                               if not r.dst.startswith("ff02:"))


def by_key(records, with_id, blank=False):
    """Those that met rules, or of which it is not known whether they did."""
    join_loopback(records)
    found = {}
    for r in records:
        # Multicast listener reports: nobody sent them on purpose, two runs need not have the same.
        if (r.steps or r.uncertain) and not r.dst.startswith("ff02:"):
            found.setdefault(r.key(with_id, blank), []).append(r)
    return found


def as_many(records, n):
    """Of those without steps, which say that they do not know them, only as many as there must be, the first ones."""
    spare = max(n - sum(bool(r.steps) for r in records), 0)
    kept = []
    for r in records:
        if not r.steps:
            spare -= 1
        if r.steps or spare >= 0:
            kept.append(r)
    return kept


def agree(x, y, silent):
    """Do both accounts of a packet say the same? How many steps of `silent` rules only the kernel's has, or None: they differ.

    silent: (family, table, chain, handle) of rules that nothing but the kernel's own trace can see."""
    at = left_out = 0
    for s in x.steps:
        if at < len(y.steps) and y.steps[at] == s:
            at += 1
        elif s[0] == "rule" and s[1:5] in silent:
            left_out += 1
        else:
            return None
    return left_out if at == len(y.steps) and x.dropped == y.dropped else None


class Result:
    def __init__(self):
        self.compared = 0
        self.left_out = 0
        self.steps = 0
        self.uncertain = 0
        self.reasons = {}
        self.doubtful = []     # (key, kernel's record or None, ours) where ours says that it is not certain
        self.differences = []  # (key, kernel's record or None, ours or None)


def pair_up(a, b):
    """Puts records of b beside those of a that they agree with, since nothing says which of them came first."""
    left, paired = list(b), []
    for x in a:
        y = next((y for y in left if not y.uncertain and y.steps == x.steps and y.dropped == x.dropped), None)
        paired.append(y)
        if y:
            left.remove(y)
    left.sort(key=lambda y: bool(y.uncertain))
    return [y if y or not left else left.pop(0) for y in paired] + left


def compare(kernel, ours, with_id, timed=True, silent=frozenset()):
    """kernel, ours: lists of Record in the order in which the packets were first seen. Not timed: nfpath's are in no such order, as
    where no raw tracepoint says when each message was queued."""
    res = Result()
    # What one account does not know of a fragment cannot be its key in the other.
    blank = any(r.later6 and not r.src and r.steps for r in kernel + ours)
    k, o = by_key(kernel, with_id, blank), by_key(ours, with_id, blank)
    for key in sorted(set(k) | set(o), key=str):
        a = k.get(key, [])
        b = as_many(o.get(key, []), len(a))
        if not timed:
            b = pair_up(a, b)
        for i in range(max(len(a), len(b))):
            x, y = (a[i] if i < len(a) else None), (b[i] if i < len(b) else None)
            if y is not None and y.uncertain:
                res.uncertain += 1
                res.doubtful.append((key, x, y))
                res.reasons[y.uncertain] = res.reasons.get(y.uncertain, 0) + 1
                continue
            left_out = agree(x, y, silent) if x and y else None
            if left_out is None:
                res.differences.append((key, x, y))
                if x is None or y is None:
                    continue
            res.compared += 1
            res.steps += len(x.steps)
            res.left_out += left_out or 0
    return res


def show(difference):
    key, x, y = difference
    lines = ["packet %s" % (key,)]
    a, b = (x.steps if x else []), (y.steps if y else [])
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    if n:
        lines.append("  %d steps agree, the last: %s" % (n, a[n - 1]))
    for name, r, steps in (("kernel", x, a), ("nfpath", y, b)):
        if r is None:
            lines.append("  %s: no such packet" % name)
            continue
        if r.uncertain:
            lines.append("  %s: not certain: %s" % (name, r.uncertain))
        lines.append("  %s: in=%s out=%s%s%s" % (name, r.iif, r.oif, " second half" if r.second else "",
                                                 ", dropped by a rule" if r.dropped else ""))
        lines += ["    %s" % (s,) for s in steps[n:n + 8]] or ["    (end)"]
        if len(steps) > n + 8:
            lines.append("    … %d more" % (len(steps) - n - 8))
    return "\n".join(lines)
