# SPDX-License-Identifier: GPL-2.0-or-later
"""Random rulesets. The same random.Random gives the same ruleset; every one of them loads.

No rule depends on chance or time: what counts packets (nth, numgen, quota) sees only packets that the test crafts in a fixed order, so that
two namespaces with the same ruleset and the same packets decide alike.
"""
import json
import re
import zlib

PORTS = [22, 53, 80, 443, 5000, 5001, 8080, 9090]
# The addresses of traffic.Lab: client, crafted clients, router to the client, router to the server, server, second server.
A4 = dict(client="10.1.0.2", crafted="10.1.8.0/24", rc="10.1.0.1", rs="10.2.0.1", server="10.2.0.2", server2="10.2.0.3",
          local="127.0.0.1",
          all="10.0.0.0/8")
A6 = dict(client="fd01::2", crafted="fd01:8::/64", rc="fd01::1", rs="fd02::1", server="fd02::2", server2="fd02::3", local="::1", all="fd00::/8")


class Model:
    """What the test knows of a ruleset without asking nfpath."""

    def __init__(self):
        self.base = set()    # (family, table, chain) of nft base chains
        self.silent = set()  # (family, table, chain, handle) of nft rules that end with a match: they do nothing
        self.legacy = {}     # (family, table, chain) -> [target of each rule]
        self.policies = {}   # (family, table) -> {builtin chain: policy}

    @staticmethod
    def live_nft(ns):
        return json.loads(ns.out("nft", "-j", "list", "ruleset"))["nftables"]

    def read_nft(self, ns):
        for o in self.live_nft(ns):
            c = o.get("chain")
            if c and "hook" in c:
                self.base.add((c["family"], c["table"], c["name"]))
            r = o.get("rule")
            if r and self.does_nothing(r["expr"]):
                self.silent.add((r["family"], r["table"], r["chain"], r["handle"]))

    @staticmethod
    def does_nothing(expressions):
        """Has it neither verdict nor statement behind its last match? The kernel then runs no function that could be seen, or none that
        says whether all of the rule matched."""
        if not expressions:
            return True
        last = expressions[-1]
        return "match" in last or (last.get("xt") or {}).get("type") == "match"

    def read_legacy_text(self, family, text):
        table = None
        for line in text.splitlines():
            if line.startswith("*"):
                table = line[1:]
                self.policies[family, table] = {}
            elif line.startswith(":"):
                chain, policy = line[1:].split()[:2]
                self.legacy[family, table, chain] = []
                if policy != "-":
                    self.policies[family, table][chain] = policy
            elif line.startswith("-A "):
                chain = line.split()[1]
                m = re.search(r" -[jg] (\S+)", line)
                self.legacy[family, table, chain].append(m.group(1) if m else None)


class Ruleset:
    """parts: [(tool, text)], loaded in this order."""

    def __init__(self, kind, parts):
        self.kind = kind
        self.parts = parts
        self.legacy = any("legacy" in tool for tool, _ in parts)

    def load(self, ns):
        """Loads it into a fresh namespace and returns its Model."""
        m = Model()
        for tool, text in self.parts:
            argv = ["nft", "-f", "-"] if tool == "nft" else [tool]
            ns.run(argv, stdin=text)
            if "legacy" in tool:
                m.read_legacy_text("ip6" if tool.startswith("ip6") else "ip", text)
        m.read_nft(ns)
        return m

    def __str__(self):
        return "".join("### %s\n%s\n" % p for p in self.parts)


# ---- iptables -------------------------------------------------------------------------------------------

BUILTIN = {"raw": ["PREROUTING", "OUTPUT"], "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
           "nat": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"], "filter": ["INPUT", "FORWARD", "OUTPUT"]}


class Iptables:
    """One random ruleset in the format of iptables-restore, or of ip6tables-restore."""

    def __init__(self, rng, v6, prefix=""):
        self.rng = rng
        self.v6 = v6
        self.prefix = prefix
        self.a = A6 if v6 else A4
        self.serial = 0

    def text(self):
        r = self.rng
        tables = [t for t in BUILTIN if r.random() < 0.75] or ["filter"]
        return "".join(self.table(t) for t in tables)

    def table(self, table):
        r = self.rng
        lines = ["*" + table]
        for c in BUILTIN[table]:
            drop = table == "filter" and r.random() < 0.12 or table == "mangle" and r.random() < 0.02
            lines.append(":%s %s [0:0]" % (c, "DROP" if drop else "ACCEPT"))
        # nat: who may be called from where decides which targets a chain may hold.
        pools = {"pre": [], "post": [], "any": []}
        for where in (("pre", "post") if table == "nat" else ("any",)):
            for i in range(r.randint(1, 5)):
                pools[where].append("%s%s-%s%d" % (self.prefix, table.upper()[:3], where, i))
        for pool in pools.values():
            lines += [":%s - [0:0]" % c for c in pool]
        for c in BUILTIN[table]:
            where = "any"
            if table == "nat":
                where = {"PREROUTING": "pre", "OUTPUT": "pre", "POSTROUTING": "post"}.get(c)
            for _ in range(r.randint(0, 6)):
                lines.append(self.rule(table, c, c, where, pools.get(where, [])))
        for where, pool in pools.items():
            for i, c in enumerate(pool):
                # A chain calls only chains after it: no loops.
                for _ in range(r.randint(0, 5)):
                    lines.append(self.rule(table, c, None, where, pool[i + 1:]))
        lines.append("COMMIT\n")
        return "\n".join(lines)

    def rule(self, table, chain, hook, where, callees):
        r = self.rng
        # An unconditional verdict is what the kernel's trace calls by another name: have some.
        if r.random() < 0.07:
            return "-A %s -j %s" % (chain, r.choice(["ACCEPT", "RETURN"] if hook else ["RETURN", "RETURN", "ACCEPT"]))
        proto, match, target = self.target(table, hook, where, callees)
        return " ".join(["-A", chain] + self.matches(hook, proto, "-s" in match) + match + target)

    def address(self, option, *names):
        r = self.rng
        return (["!"] if r.random() < 0.2 else []) + [option, self.a[r.choice(names)]]

    def matches(self, hook, proto, has_source):
        r = self.rng
        m = []
        if proto is None and r.random() < 0.6:
            proto = r.choice(["tcp", "udp", "udp", "icmp"])
        if proto == "icmp" and self.v6:
            proto = "ipv6-icmp"
        if not has_source and r.random() < 0.3:
            m += self.address("-s", "client", "crafted", "server", "rc", "all")
        if r.random() < 0.3:
            m += self.address("-d", "server", "server2", "rc", "client", "crafted")
        if hook in (None, "PREROUTING", "INPUT", "FORWARD") and r.random() < 0.12:
            m += (["!"] if r.random() < 0.3 else []) + ["-i", r.choice(["r0", "r1", "r+", "lo"])]
        if hook in (None, "POSTROUTING", "OUTPUT", "FORWARD") and r.random() < 0.12:
            m += (["!"] if r.random() < 0.3 else []) + ["-o", r.choice(["r0", "r1", "r+", "lo"])]
        if proto:
            m += ["-p", proto]
        if proto in ("tcp", "udp") and r.random() < 0.6:
            some = ",".join(map(str, r.sample(PORTS, r.randint(2, 6))))
            m += r.choice([["-m", proto, "--dport", str(r.choice(PORTS))],
                           ["-m", proto, "!", "--dport", str(r.choice(PORTS))],
                           ["-m", proto, "--dport", "%d:%d" % (r.randint(1, 400), r.randint(401, 9000))],
                           ["-m", "multiport", "--dports", some],
                           ["-m", "multiport", "--ports", some]])
        if proto == "tcp" and r.random() < 0.3:
            m += ["-m", "tcp"] if "tcp" not in m[-4:] else []
            m += r.choice([["--syn"], ["--tcp-flags", "SYN,ACK", "SYN,ACK"], ["--tcp-flags", "RST", "RST"], ["!", "--syn"]])
        if proto == "icmp":
            m += r.choice([[], ["--icmp-type", "8"], ["--icmp-type", "3"], ["--icmp-type", "0"]])
        if proto == "ipv6-icmp":
            m += r.choice([[], ["--icmpv6-type", "128"], ["--icmpv6-type", "1"], ["--icmpv6-type", "129"]])
        if r.random() < 0.45:
            m += self.extra(proto)
        if r.random() < 0.2:
            self.serial += 1
            m += ["-m", "comment", "--comment", r.choice(['"rule %d: it\'s a test"', "c%d", '"two words %d"']) % self.serial]
        return m

    def extra(self, proto):
        r = self.rng
        choices = [
            lambda: ["-m", "conntrack", "--ctstate", r.choice(["NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "UNTRACKED", "NEW,RELATED"])],
            lambda: ["-m", "conntrack", "--ctstate", r.choice(["DNAT", "SNAT"])],
            lambda: ["-m", "state", "--state", r.choice(["NEW", "ESTABLISHED"])],
            lambda: ["-m", "mark"] + r.choice([[], ["!"]]) + ["--mark", r.choice(["0x0", "0x1", "0x2/0x2", "0x1/0xff"])],
            lambda: ["-m", "connmark", "--mark", r.choice(["0x0", "0x1", "0x7/0x7"])],
            lambda: ["-m", "length", "--length", r.choice(["0:40", "41:100", "60", "101:65535"])],
            lambda: ["-m", "addrtype", "--dst-type", r.choice(["LOCAL", "UNICAST", "MULTICAST"])],
            lambda: ["-m", "dscp", "--dscp", r.choice(["0x00", "0x0a"])],
            lambda: ["-m", "tos", "--tos", r.choice(["0x00", "0x10", "0x08/0x08"])],
            lambda: ["-m", "pkttype", "--pkt-type", "unicast"],
            lambda: ["-m", "string", "--algo", "bm", "--string", r.choice(["abc", "GET"])],
        ]
        if self.v6:
            choices.append(lambda: ["-m", "iprange", "--src-range", "fd01:8::10-fd01:8::80"])
            choices.append(lambda: ["-m", "hl", "--hl-gt", r.choice(["10", "63"])])
        else:
            choices.append(lambda: ["-m", "iprange", "--src-range", "10.1.8.16-10.1.8.128"])
            choices.append(lambda: ["-m", "ttl", "--ttl-gt", r.choice(["10", "63"])])
            choices.append(lambda: ["-m", "u32", "--u32", r.choice(["6&0xFF=17", "6&0xFF=6", "0&0xFFFF=0x40:0x80"])])
            if proto is None:
                choices.append(lambda: ["-f"])
        return r.choice(choices)()

    def target(self, table, hook, where, callees):
        """(protocol that the target needs or None, matches that it needs, the target)"""
        r = self.rng
        kinds = ["accept"] * 2 + ["back"] * 2 + ["mark"] * 3 + ["none", "log", "nflog", "connmark", "nth"]
        if callees:
            kinds += ["jump"] * 8 + ["goto"] * 3 + ["nth"] * 2
        if table == "filter":
            kinds += ["drop"] + ["reject"] * 2
        elif table == "mangle":
            kinds += ["tos", "ttl", "mss"]
        elif table == "raw":
            kinds += ["notrack"]
        elif where == "pre":
            kinds += ["dnat"] * 3 + ["redirect"] * 2
        elif where == "post":
            kinds += ["snat"] * 3 + ["masquerade"] * 2
        return getattr(self, "t_" + r.choice(kinds))(callees)

    def t_accept(self, callees):
        return None, [], ["-j", "ACCEPT"]

    def t_drop(self, callees):
        return None, [], ["-j", "DROP"]

    def t_back(self, callees):
        return None, [], ["-j", "RETURN"]

    def t_none(self, callees):
        return None, [], []

    def t_jump(self, callees):
        return None, [], ["-j", self.rng.choice(callees)]

    def t_goto(self, callees):
        return None, [], ["-g", self.rng.choice(callees)]

    def t_nth(self, callees):
        r = self.rng
        every = r.randint(2, 4)
        match = ["-s", self.a["crafted"], "-m", "statistic", "--mode", "nth", "--every", str(every),
                 "--packet", str(r.randint(0, every - 1))]
        return r.choice(["udp", "tcp"]), match, ["-j", r.choice(callees or ["ACCEPT", "RETURN"])]

    def t_mark(self, callees):
        return None, [], ["-j", "MARK"] + self.rng.choice([["--set-mark", "0x1"], ["--set-mark", "0x2"], ["--or-mark", "0x4"],
                                                         ["--set-xmark", "0x1/0xff"], ["--set-mark", "0x0"]])

    def t_connmark(self, callees):
        return None, [], ["-j", "CONNMARK"] + self.rng.choice([["--set-mark", "0x1"], ["--save-mark"], ["--restore-mark"]])

    def t_log(self, callees):
        # The kernel writes no log lines for namespaces other than the first one (nf_log_all_netns = 0).
        return None, [], ["-j", "LOG", "--log-prefix", '"oracle: "']

    def t_nflog(self, callees):
        return None, [], ["-j", "NFLOG", "--nflog-group", self.rng.choice(["0", "3"]), "--nflog-prefix", self.rng.choice(['"x"', '"TRACE: not"'])]

    def t_reject(self, callees):
        r = self.rng
        if r.random() < 0.5:
            return "tcp", [], ["-j", "REJECT", "--reject-with", "tcp-reset"]
        how = ["icmp6-port-unreachable", "icmp6-adm-prohibited"] if self.v6 else ["icmp-port-unreachable", "icmp-admin-prohibited"]
        return r.choice([None, "udp"]), [], ["-j", "REJECT", "--reject-with", r.choice(how)]

    def t_tos(self, callees):
        return None, [], ["-j"] + self.rng.choice([["TOS", "--set-tos", "0x10"], ["DSCP", "--set-dscp", "0x0a"]])

    def t_ttl(self, callees):
        return None, [], ["-j"] + (["HL", "--hl-set", "33"] if self.v6 else ["TTL", "--ttl-set", "33"])

    def t_mss(self, callees):
        return "tcp", ["-m", "tcp", "--tcp-flags", "SYN,RST", "SYN"], ["-j", "TCPMSS", "--set-mss", "1200"]

    def t_notrack(self, callees):
        return None, [], ["-j", "CT", "--notrack"]

    def to(self, address, port):
        return "%s:%d" % ("[%s]" % address if self.v6 else address, port)

    def t_dnat(self, callees):
        r = self.rng
        server = self.a[r.choice(["server", "server2"])]
        if r.random() < 0.4:
            return None, [], ["-j", "DNAT", "--to-destination", server]
        return r.choice(["tcp", "udp"]), [], ["-j", "DNAT", "--to-destination", self.to(server, r.choice(PORTS))]

    def t_redirect(self, callees):
        r = self.rng
        if r.random() < 0.3:
            return None, [], ["-j", "REDIRECT"]
        return r.choice(["tcp", "udp"]), [], ["-j", "REDIRECT", "--to-ports", str(r.choice(PORTS))]

    def t_snat(self, callees):
        return None, [], ["-j", "SNAT", "--to-source", self.rng.choice([self.a["rs"], self.a["rc"]])]

    def t_masquerade(self, callees):
        return None, [], ["-j", "MASQUERADE"]


# ---- nft ------------------------------------------------------------------------------------------------

class Nft:
    """One random ruleset in nft's own language: tables of family ip or inet (v4), ip6 or inet (v6)."""

    HOOKS = ["prerouting", "input", "forward", "output", "postrouting"]

    def __init__(self, rng, v6, prefix="t", plain=False):
        self.rng = rng
        self.v6 = v6
        self.plain = plain  # chains of type filter only
        self.prefix = prefix
        self.a = A6 if v6 else A4
        self.ip = "ip6" if v6 else "ip"

    def text(self):
        return "".join(self.table("%s%d" % (self.prefix, i)) for i in range(self.rng.randint(1, 3)))

    def table(self, name):
        r, a = self.rng, self.a
        self.family = r.choice([self.ip, "inet"])
        addr = "ipv6_addr" if self.v6 else "ipv4_addr"
        lines = ["table %s %s {" % (self.family, name)]
        some = r.sample(PORTS, 3)
        lines += ["set ports { type inet_service; flags interval; elements = { %s, %d-%d }; }" % (
                      ", ".join(map(str, some)), 10000, 10000 + r.randint(1, 5000)),
                  "set hosts { type %s; flags interval; elements = { %s, %s }; }" % (
                      addr, a[r.choice(["client", "server"])], a["crafted"]),
                  "set pairs { type %s . inet_service; elements = { %s }; }" % (
                      addr, ", ".join("%s . %d" % (a[r.choice(["server", "rc"])], p) for p in r.sample(PORTS, 3))),
                  "set seen { type %s; flags dynamic; size 4096; }" % addr,
                  "map marks { type inet_service : mark; elements = { %s }; }" % ", ".join(
                      "%d : %d" % (p, r.randint(0, 3)) for p in r.sample(PORTS, 3)),
                  "counter total { }",
                  "quota much { over %d bytes }" % r.choice([500, 5000])]
        # Which chains may be called from where: reject, nat and notrack are not allowed everywhere.
        self.pools = {"filter": [], "any": [], "dnat": [], "snat": []}
        base, body = [], {}
        for i in range(r.randint(2, 6)):
            kind, hook, prio = self.hook()
            where = {"dnat": "dnat", "snat": "snat"}.get(kind) or ("filter" if hook in ("input", "forward", "output") and kind == "filter" else "any")
            t = "nat" if kind in ("dnat", "snat") else kind
            policy = "drop" if t == "filter" and r.random() < 0.08 else "accept"
            base.append(("%s_%d" % (hook, i), where, prio,
                         "type %s hook %s priority %d; policy %s;" % (t, hook, prio, policy)))
        for where in self.pools:
            if any(b[1] == where for b in base):
                self.pools[where] = ["%s%d" % (where, i) for i in range(r.randint(1, 6))]
        for where, pool in self.pools.items():
            # Defined from the last to the first: a chain calls only chains after it, and those must be known.
            for i in reversed(range(len(pool))):
                body[pool[i]] = [self.rule(where, pool[i + 1:], 0) for _ in range(r.randint(0, 5))]
        # vmaps refer to chains, so every chain is declared before any rule.
        for c in body:
            lines.append("chain %s { }" % c)
        for c, rules in body.items():
            lines.append("chain %s {\n%s\n}" % (c, "\n".join("\t" + t for t in rules)))
        for c, where, prio, decl in base:
            rules = [self.rule(where, self.pools[where], prio) for _ in range(r.randint(0, 8))]
            lines.append("chain %s {\n\t%s\n%s\n}" % (c, decl, "\n".join("\t" + t for t in rules)))
        lines.append("}\n")
        return "\n".join(lines)

    def hook(self):
        r = self.rng
        kind = "filter" if self.plain else r.choice(["filter"] * 6 + ["route", "dnat", "dnat", "snat"])
        if kind == "route":
            return kind, "output", r.choice([-150, -149])
        if kind == "dnat":
            return kind, r.choice(["prerouting", "output"]), r.choice([-100, -101, -99])
        if kind == "snat":
            return kind, "postrouting", r.choice([100, 101, 99])
        return kind, r.choice(self.HOOKS), r.choice([-390, -300, -150, -10, 0, 0, 1, 10, 150, 300])

    def rule(self, where, callees, prio):
        r = self.rng
        need, verdict = self.verdict(where, callees, prio)
        parts = [need] if need else [self.match() for _ in range(r.choice([0, 1, 1, 1, 2]))]
        if need and r.random() < 0.3:
            parts.insert(0, self.match_l3())
        if r.random() < 0.35:
            parts.append(self.statement())
        # nft refuses rules that no packet can match: whatever asks for another protocol than the rest is left out.
        proto = self.proto(need) or self.proto(verdict)
        kept = []
        for p in parts:
            if p == need or not self.proto(p) or not proto or self.proto(p) == proto:
                proto = proto or self.proto(p)
                kept.append(p)
        parts = kept + [verdict]
        text = " ".join(p for p in parts if p)
        if r.random() < 0.15:
            text = (text or "counter") + ' comment "c%d, and more"' % r.randint(1, 99)
        return text or "counter"

    @staticmethod
    def proto(part):
        """The protocol that a part of a rule asks for; "" for none."""
        if "tcp, udp" in part:
            return "both"
        m = re.search(r"\b(tcp|udp|icmpv6|icmp)\b", part.split("reject")[0])
        # Two expressions of one vmap name the same protocol; the one with l4proto names two.
        return "" if not m or "l4proto vmap" in part else m.group(1)

    def match_l3(self):
        r, a = self.rng, self.a
        src = [a["client"], a["crafted"], a["server"], a["rc"]]
        dst = [a["server"], a["server2"], a["rc"], a["client"], a["crafted"]]
        neg = r.choice(["", "", "", "!= "])
        return self.ip + r.choice([
            " saddr " + neg + r.choice(src), " daddr " + neg + r.choice(dst), " saddr " + neg + "@hosts", " daddr " + neg + "@hosts",
            " saddr " + neg + "{ %s }" % ", ".join(r.sample([a["client"], a["server"], a["rc"], a["local"]], 2)),
            " daddr " + neg + "{ %s }" % ", ".join(r.sample([a["client"], a["server"], a["rc"], a["local"]], 2))])

    def match(self):
        r = self.rng
        p, ports = r.choice(PORTS), ", ".join(map(str, r.sample(PORTS, 4)))
        return r.choice([
            self.match_l3, self.match_l3, self.match_l3,
            lambda: "udp dport %d" % p, lambda: "udp dport { %s }" % ports, lambda: "udp dport != %d" % p,
            lambda: "tcp dport %d" % p, lambda: "tcp dport { %s }" % ports, lambda: "tcp dport 1-%d" % r.randint(100, 9000),
            lambda: "tcp dport @ports", lambda: "udp dport @ports", lambda: "udp sport %s" % r.choice(["> 1023", "< 1024", "53", "!= { 53, 8080 }"]),
            lambda: "meta l4proto %s" % r.choice(["tcp", "udp", "{ tcp, udp }", "icmpv6" if self.v6 else "icmp"]),
            lambda: "meta l4proto { tcp, udp } th dport { %s }" % ports,
            lambda: "tcp flags & (syn | ack) == %s" % r.choice(["syn", "syn | ack", "ack"]),
            lambda: "tcp flags %s" % r.choice(["syn", "rst", "& (fin | psh) != 0x0"]),
            lambda: "%s daddr . tcp dport @pairs" % self.ip, lambda: "%s daddr . udp dport @pairs" % self.ip,
            lambda: "iifname %s" % r.choice(['"r0"', '"r1"', '"lo"', '{ "r0", "lo" }', '"r*"']),
            lambda: "oifname %s" % r.choice(['"r0"', '"r1"', '!= "lo"']),
            lambda: "ct state %s" % r.choice(["new", "established", "established,related", "invalid", "untracked", "{ new, established }"]),
            lambda: "ct direction %s" % r.choice(["original", "reply"]), lambda: "ct status dnat",
            lambda: "meta mark %s" % r.choice(["0x0", "0x1", "!= 0x0", "& 0x1 == 0x1", "{ 1, 2 }"]),
            lambda: "ct mark %s" % r.choice(["0x0", "0x1"]), lambda: "meta length %s" % r.choice(["< 60", "> 100", "40-80"]),
            lambda: "meta pkttype %s" % r.choice(["host", "unicast"]),
            lambda: "ip6 hoplimit > 63" if self.v6 else "ip ttl > 63", lambda: "%s dscp %s" % (self.ip, r.choice(["cs0", "0x0a"])),
            lambda: "icmpv6 type echo-request" if self.v6 else "icmp type { echo-request, destination-unreachable }"])()

    def statement(self):
        r = self.rng
        return r.choice([
            "counter", "counter", 'counter name "total"', "meta mark set 0x1", "meta mark set 0x2", "meta mark set meta mark | 0x4",
            "ct mark set 0x1", "meta mark set ct mark", "ct mark set meta mark", 'log prefix "oracle "', "log group 3",
            "add @seen { %s saddr }" % self.ip, "update @seen { %s saddr }" % self.ip, "%s dscp set 0x0a" % self.ip,
            "meta mark set udp dport map @marks", "meta mark set tcp dport map { 80 : 1, 443 : 2 }", "meta priority set 1:2"])

    def crafted(self):
        """Only the packets that the test crafts: what counts must see the same ones in the same order in every run."""
        return "%s saddr %s %s" % (self.ip, self.a["crafted"], self.rng.choice(["meta l4proto udp", "meta l4proto tcp", "meta l4proto { tcp, udp }"]))

    def verdict(self, where, callees, prio):
        """(match that must come first, or "", the verdict)"""
        r, a = self.rng, self.a
        kinds = ["none"] * 5 + ["accept"] * 2 + ["drop"] + ["return"] * 2 + ["continue"] * 2 + ["numgen", "quota", "vmap"]
        if callees:
            kinds += ["jump"] * 7 + ["goto"] * 3 + ["vmap"] * 3 + ["numgen"] * 2
        if where == "filter":
            kinds += ["reject"] * 2
        if where == "dnat":
            kinds += ["dnat"] * 4 + ["redirect"] * 2
        if where == "snat":
            kinds += ["snat"] * 4 + ["masquerade"] * 2
        if prio == -300 and where in ("any", "filter"):
            kinds += ["notrack"] * 2
        k = r.choice(kinds)
        ipv = " ip6" if self.v6 else " ip"
        to = ipv if self.family == "inet" else ""
        def anywhere():
            return r.choice(callees and ["jump " + r.choice(callees), "goto " + r.choice(callees)] * 3 + ["accept", "return", "continue"]
                            or ["accept", "return", "continue"])
        if k in ("jump", "goto"):
            return "", "%s %s" % (k, r.choice(callees))
        if k == "numgen":
            if r.random() < 0.5:
                return self.crafted(), "numgen inc mod %d %d %s" % (r.randint(2, 4), r.randint(0, 1), anywhere())
            return self.crafted(), "numgen inc mod 3 vmap { 0 : %s, 1 : %s }" % (anywhere(), anywhere())
        if k == "quota":
            return self.crafted(), 'quota name "much" %s' % anywhere()
        if k == "vmap":
            return "", r.choice([
                lambda: "tcp dport vmap { %s }" % ", ".join("%d : %s" % (p, anywhere()) for p in r.sample(PORTS, 4)),
                lambda: "udp dport vmap { %s }" % ", ".join("%d : %s" % (p, anywhere()) for p in r.sample(PORTS, 4)),
                lambda: "udp dport vmap { 1-100 : %s, 101-6000 : %s }" % (anywhere(), anywhere()),
                lambda: "ct state vmap { new : %s, established : %s, related : %s, invalid : %s }" % tuple(anywhere() for _ in range(4)),
                lambda: "meta mark vmap { 0x0 : %s, 0x1 : %s }" % (anywhere(), anywhere()),
                lambda: "meta l4proto vmap { tcp : %s, udp : %s }" % (anywhere(), anywhere()),
                lambda: "iifname vmap { \"r0\" : %s, \"lo\" : %s }" % (anywhere(), anywhere()),
                lambda: "%s saddr . udp dport vmap { %s . 53 : %s }" % (self.ip, a["client"], anywhere()),
                lambda: "tcp dport vmap { 22 : drop, 80 : %s }" % anywhere()])()
        if k == "reject":
            icmp = "icmpv6" if self.v6 else "icmp"
            return r.choice([("meta l4proto tcp", "reject with tcp reset"), ("", "reject"),
                             ("", "reject with %s type %s" % ("icmpx" if self.family == "inet" else icmp, "admin-prohibited"))])
        if k == "dnat":
            if r.random() < 0.3:
                return "tcp dport { 80, 443, 5000 }", "dnat%s to tcp dport map { 80 : %s, 443 : %s }" % (to, a["server"], a["server2"])
            if r.random() < 0.4:
                return "", "dnat%s to %s" % (to, a[r.choice(["server", "server2"])])
            server = a[r.choice(["server", "server2"])]
            return "meta l4proto { tcp, udp }", "dnat%s to %s:%d" % (to, "[%s]" % server if self.v6 else server, r.choice(PORTS))
        if k == "redirect":
            return "meta l4proto %s" % r.choice(["tcp", "udp"]), "redirect to :%d" % r.choice(PORTS)
        if k == "snat":
            return "", "snat%s to %s" % (to, a[r.choice(["rs", "rc"])])
        return "", "" if k == "none" else k


KINDS = ["legacy4", "legacy6", "iptnft4", "iptnft6", "nft4", "nft6", "nft4", "mix4", "mix6", "mixnft4"]


TRACKS = re.compile(r"^-A .*(conntrack|connmark|CONNMARK|-m state|SNAT|DNAT|MASQUERADE|REDIRECT)"
                    r"|^\t.*(\bct (state|mark|direction|status)\b|\b(snat|dnat|redirect|masquerade)\b(?! hook))")


def without_conntrack(text):
    """Whoever asks for a connection has fragments put together (nf_ct_netns_get()): where nobody does, each is a packet of its own."""
    found, table = [], None
    for line in text.splitlines():
        if line.startswith("*"):
            table = line
        if table != "*nat" and not TRACKS.search(line):
            found.append(line.replace("type nat hook", "type filter hook"))
    # Where all tables are of NAT nothing would be left.
    return "\n".join(found) + "\n" if any(found) else text


def make(rng, kind):
    v6 = kind.endswith("6")
    i = "ip6tables" if v6 else "iptables"
    legacy = lambda: (i + "-legacy-restore", Iptables(rng, v6).text())
    iptnft = lambda: (i + "-nft-restore", Iptables(rng, v6).text())
    nft = lambda: ("nft", Nft(rng, v6).text())
    plain = lambda: ("nft", Nft(rng, v6, plain=True).text())
    parts = {"legacy": [legacy], "iptnft": [iptnft], "nft": [nft], "plain": [plain], "mix": [legacy, iptnft, nft] if rng.random() < 0.5 else [legacy, nft],
             "mixnft": [iptnft, nft]}[kind[:-1]]
    parts = [p() for p in parts]
    # By the text, not by rng: what rng gives next does not depend on it.
    if zlib.crc32("".join(t for _, t in parts).encode()) % 8 == 0:
        parts = [(tool, without_conntrack(t)) for tool, t in parts]
    return Ruleset(kind, parts)
