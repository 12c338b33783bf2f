# SPDX-License-Identifier: GPL-2.0-or-later
"""Rulesets like those of kube-proxy, in both of its modes, for services that are made up; and what they mean.

The shape of the rules follows what the project documents and tests: pkg/proxy/iptables and pkg/proxy/nftables of Kubernetes 1.26 to 1.33.
"""
import base64
import hashlib
import sys

POD_CIDR = {4: "10.244.0.0/16", 6: "fd00:10:244::/56"}
NODE_IP = {4: "192.168.0.2", 6: "2001:db8::2"}
RANGES = {4: ["203.0.113.0/25", "198.51.100.7/32"], 6: ["2001:db8:1::/64", "2001:db8:2::7/128"]}
AFFINITY = 10800
KINDS = ("cluster", "node-port", "load-balancer", "external-ip", "affinity", "local", "no-endpoints", "udp", "local-none", "many")


def _hash(text, n):
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:n]


class Service:
    """One port of a service, its endpoints as (address, port) with those on this node first."""

    def __init__(self, i, family):
        self.i, self.family = i, family
        self.what = KINDS[i % len(KINDS)]
        self.ns, self.svc, self.port_name = "ns%d" % (i % 7), "svc-%d" % i, "p%d" % (i % 3)
        self.name = "%s/%s:%s" % (self.ns, self.svc, self.port_name)
        self.proto = "udp" if self.what == "udp" else "tcp"
        self.port = 80 + i % 5
        hi, lo = divmod(i, 250)
        mk = (lambda net, k: "%s.%d.%d" % (net, hi, lo + 1)) if family == 4 else (lambda net, k: "fd00:%s:%x::%x" % (k, hi + 1, lo + 1))
        self.cluster_ip = mk("10.96", "10:96")
        self.external_ip = mk("192.0", "99") if self.what in ("external-ip", "local", "local-none") else None
        self.lb_ip = mk("172.20", "1b") if self.what in ("load-balancer", "local", "local-none", "no-endpoints") else None
        self.node_port = 30000 + i % 32000 if self.what in ("node-port", "load-balancer", "local", "no-endpoints", "local-none") else None
        self.local_policy = self.what in ("local", "local-none")
        self.ranges = RANGES[family] if self.what == "load-balancer" else []
        self.affinity = self.what == "affinity"
        n = {"no-endpoints": 0, "many": 11}.get(self.what, 1 + i % 4)
        self.endpoints = [("10.244.%d.%d" % ((i * 3 + k) // 250 % 250, (i * 3 + k) % 250 + 2) if family == 4
                           else "fd00:10:244:1::%x" % (i * 13 + k + 2), 8000 + i % 100) for k in range(n)]
        self.local = self.endpoints[:max(1, n // 2)] if self.what == "local" else []
        self.suffix = _hash(self.name + self.proto, 16)
        self.nft_id = "%s-%s/%s/%s/%s" % (_hash(self.name + self.proto, 8), self.ns, self.svc, self.proto, self.port_name)

    def sep(self, e):
        return _hash(self.name + self.proto + "%s:%d" % e, 16)

    def nft_sep(self, e):
        return "%s-%s/%s/%s/%s__%s/%d" % (_hash(self.name + self.proto + "%s:%d" % e, 8), self.ns, self.svc, self.proto, self.port_name,
                                          e[0].replace(":", "."), e[1])

    def outside(self):
        """(kind, address or None, port) of the ways in from outside."""
        if self.external_ip:
            yield "external-ip", self.external_ip, self.port
        if self.lb_ip:
            yield "load-balancer", self.lb_ip, self.port
        if self.node_port:
            yield "node-port", None, self.node_port

    def expected(self, mode):
        """What `nfpath explain --json` must say: one entry for each published address."""
        entries = [("cluster-ip", self.cluster_ip, self.port, self.endpoints)]
        entries += [(kind, a, p, self.local if self.local_policy else self.endpoints) for kind, a, p in self.outside()]
        for kind, address, port, endpoints in entries:
            rejected = None
            if not self.endpoints:
                rejected = "no endpoints"
            elif not endpoints:
                rejected = "no local endpoints"
            # Rules of mode nftables do not say whether an address is a load balancer's, unless it has source ranges.
            if mode == "nftables" and kind == "load-balancer" and not self.ranges:
                kind = "external-ip"
            # Nor do refusals of mode iptables say of what kind an address is.
            ranges = self.ranges if self.ranges and address and address == self.lb_ip else []
            yield {"name": self.name, "kind": kind, "address": address, "port": port, "proto": self.proto, "rejected": rejected,
                   "ranges": ranges, "affinity": AFFINITY if self.affinity else None,
                   "endpoints": {e: 1.0 / len(endpoints) for e in endpoints}, "family": self.family}


def services(n, ipv6=True):
    """n services, every tenth of them IPv6; each kind about equally often in both."""
    return [Service(i, 6 if ipv6 and i // len(KINDS) % 10 == 9 else 4) for i in range(n)]


# --- mode iptables ---

def _nat(s, out):
    def add(text, *args):
        out.append("-A " + text % args)

    c, one = 'comment --comment "%s%s"', 32 if s.family == 4 else 128
    m = "-p %s -m %%s -m %s --dport %%d" % (s.proto, s.proto)

    def to(address, what, chain):
        add("KUBE-SERVICES -d %s/%d " + m + " -j %s-%s", address, one, c % (s.name, what), s.port, chain, s.suffix)

    if not s.endpoints:
        return
    to(s.cluster_ip, " cluster IP", "KUBE-SVC")
    if s.external_ip:
        to(s.external_ip, " external IP", "KUBE-EXT")
    if s.lb_ip:
        to(s.lb_ip, " loadbalancer IP", "KUBE-FW" if s.ranges else "KUBE-EXT")
    if s.node_port:
        add("KUBE-NODEPORTS " + m + " -j KUBE-EXT-%s", c % (s.name, ""), s.node_port, s.suffix)
    for r in s.ranges:
        add("KUBE-FW-%s -s %s -m %s -j KUBE-EXT-%s", s.suffix, r, c % (s.name, " loadbalancer IP"), s.suffix)
    if s.ranges:
        add('KUBE-FW-%s -m comment --comment "other traffic to %s will be dropped by KUBE-PROXY-FIREWALL"', s.suffix, s.name)
    if list(s.outside()) and not s.local_policy:
        add('KUBE-EXT-%s -m comment --comment "masquerade traffic for %s external destinations" -j KUBE-MARK-MASQ', s.suffix, s.name)
        add("KUBE-EXT-%s -j KUBE-SVC-%s", s.suffix, s.suffix)
    elif s.local_policy:
        add('KUBE-EXT-%s -s %s -m comment --comment "pod traffic for %s external destinations" -j KUBE-SVC-%s',
            s.suffix, POD_CIDR[s.family], s.name, s.suffix)
        add('KUBE-EXT-%s -m comment --comment "masquerade LOCAL traffic for %s external destinations" -m addrtype --src-type LOCAL '
            "-j KUBE-MARK-MASQ", s.suffix, s.name)
        add('KUBE-EXT-%s -m comment --comment "route LOCAL traffic for %s external destinations" -m addrtype --src-type LOCAL '
            "-j KUBE-SVC-%s", s.suffix, s.name, s.suffix)
        if s.local:
            add("KUBE-EXT-%s -j KUBE-SVL-%s", s.suffix, s.suffix)
    add("KUBE-SVC-%s ! -s %s -d %s/%d " + m + " -j KUBE-MARK-MASQ", s.suffix, POD_CIDR[s.family], s.cluster_ip, one,
        c % (s.name, " cluster IP"), s.port)
    for chain, endpoints in (("KUBE-SVC", s.endpoints), ("KUBE-SVL", s.local)):
        text = [(e, c % (s.name, " -> %s:%d" % e if s.family == 4 else " -> [%s]:%d" % e)) for e in endpoints]
        for e, comment in text:
            if s.affinity:
                add("%s-%s -m %s -m recent --rcheck --seconds %d --reap --name KUBE-SEP-%s --mask %s --rsource -j KUBE-SEP-%s", chain, s.suffix,
                    comment, AFFINITY, s.sep(e), "255.255.255.255" if s.family == 4 else "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", s.sep(e))
        for k, (e, comment) in enumerate(text):
            left = len(endpoints) - k
            chance = "-m statistic --mode random --probability %.11f " % (1.0 / left) if left > 1 else ""
            add("%s-%s -m %s %s-j KUBE-SEP-%s", chain, s.suffix, comment, chance, s.sep(e))
    for e in s.endpoints:
        add("KUBE-SEP-%s -s %s/%d -m %s -j KUBE-MARK-MASQ", s.sep(e), e[0], one, c % (s.name, ""))
        recent = "-m recent --set --name KUBE-SEP-%s --mask %s --rsource " % (
            s.sep(e), "255.255.255.255" if s.family == 4 else "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") if s.affinity else ""
        add("KUBE-SEP-%s -p %s -m %s %s-m %s -j DNAT --to-destination %s", s.sep(e), s.proto, c % (s.name, ""), recent, s.proto,
            "%s:%d" % e if s.family == 4 else "[%s]:%d" % e)


def _filter(s, out):
    m = '-p %s -m comment --comment "%s%%s" -m %s --dport %%d' % (s.proto, s.name, s.proto)
    one = 32 if s.family == 4 else 128

    if s.ranges:
        out.append(("-A KUBE-PROXY-FIREWALL -d %s/%d " + m + " -j DROP") % (s.lb_ip, one, " traffic not accepted by KUBE-FW-" + s.suffix, s.port))
    none = not s.endpoints
    if none:
        out.append(("-A KUBE-SERVICES -d %s/%d " + m + " -j REJECT") % (s.cluster_ip, one, " has no endpoints", s.port))
    if not none and not (s.local_policy and not s.local):
        return
    why, what = (" has no endpoints", "REJECT") if none else (" has no local endpoints", "DROP")
    for _, address, port in s.outside():
        if address:
            out.append(("-A KUBE-EXTERNAL-SERVICES -d %s/%d " + m + " -j %s") % (address, one, why, port, what))
        else:
            out.append(("-A KUBE-EXTERNAL-SERVICES " + m.replace("-m comment", "-m addrtype --dst-type LOCAL -m comment", 1) + " -j %s")
                       % (why, port, what))


def iptables(all_services, family=4):
    """What iptables-save (ip6tables-save) prints on such a node."""
    mine = [s for s in all_services if s.family == family]
    nat, filters = [], []
    for s in mine:
        _nat(s, nat)
        _filter(s, filters)
    nat.append('-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" '
               "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS")
    fixed_nat = ["KUBE-MARK-MASQ", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-SERVICES", "KUBE-KUBELET-CANARY", "KUBE-PROXY-CANARY"]
    fixed_filter = ["KUBE-EXTERNAL-SERVICES", "KUBE-FIREWALL", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL", "KUBE-SERVICES"]
    chains = sorted({line.split()[1] for line in nat} | set(fixed_nat))
    text = "# Generated by %s-save v1.8.9\n*nat\n" % ("iptables" if family == 4 else "ip6tables")
    text += "".join(":%s ACCEPT [0:0]\n" % b for b in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"))
    text += "".join(":%s - [0:0]\n" % c for c in chains)
    text += """-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
"""
    # A chain's rules in their order; nodeports of KUBE-SERVICES last, as they are in the list.
    text += "\n".join(nat) + "\nCOMMIT\n*filter\n"
    text += "".join(":%s ACCEPT [0:0]\n" % b for b in ("INPUT", "FORWARD", "OUTPUT"))
    text += "".join(":%s - [0:0]\n" % c for c in fixed_filter)
    new = "-m conntrack --ctstate NEW -m comment --comment"
    for hook, chain, what in (("INPUT", "KUBE-PROXY-FIREWALL", "kubernetes load balancer firewall"),
                              ("INPUT", "KUBE-EXTERNAL-SERVICES", "kubernetes externally-visible service portals"),
                              ("FORWARD", "KUBE-PROXY-FIREWALL", "kubernetes load balancer firewall"),
                              ("FORWARD", "KUBE-SERVICES", "kubernetes service portals"),
                              ("FORWARD", "KUBE-EXTERNAL-SERVICES", "kubernetes externally-visible service portals"),
                              ("OUTPUT", "KUBE-PROXY-FIREWALL", "kubernetes load balancer firewall"),
                              ("OUTPUT", "KUBE-SERVICES", "kubernetes service portals")):
        text += '-A %s %s "%s" -j %s\n' % (hook, new, what, chain)
    text += '-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS\n-A INPUT -j KUBE-FIREWALL\n'
    text += '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD\n-A OUTPUT -j KUBE-FIREWALL\n'
    if family == 4:
        text += ('-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" '
                 "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n")
    text += """-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
"""
    return text + "\n".join(filters) + ("\n" if filters else "") + "COMMIT\n"


# --- mode nftables ---

BASE = {"filter-prerouting-pre-dnat": "filter hook prerouting priority -110", "filter-output-pre-dnat": "filter hook output priority -110",
        "filter-forward": "filter hook forward priority 0", "filter-input": "filter hook input priority 0",
        "filter-output": "filter hook output priority 0", "nat-prerouting": "nat hook prerouting priority -100",
        "nat-output": "nat hook output priority -100", "nat-postrouting": "nat hook postrouting priority 100"}


def nftables(all_services, family=4):
    """`nft -f` input that makes the table of such a node."""
    ip = "ip" if family == 4 else "ip6"
    addr = "ipv4_addr" if family == 4 else "ipv6_addr"
    chains, maps, sets = {}, {k: [] for k in ("service-ips", "service-nodeports", "no-endpoint-services", "no-endpoint-nodeports", "firewall-ips")}, []
    cluster = []

    def rule(chain, text):
        chains.setdefault(chain, []).append(text)

    for s in (s for s in all_services if s.family == family):
        cluster.append(s.cluster_ip)
        svc, ext, key = "service-" + s.nft_id, "external-" + s.nft_id, "%s . " + s.proto + " . %d"
        if s.endpoints:
            maps["service-ips"].append((key % (s.cluster_ip, s.port), "goto " + svc, None))
            rule(svc, "%s daddr %s %s saddr != %s jump mark-for-masquerade" % (ip, s.cluster_ip, ip, POD_CIDR[family]))
        for name, endpoints in ((svc, s.endpoints), ("local-" + s.nft_id, s.local)):
            for e in endpoints if s.affinity else ():
                rule(name, "%s saddr @affinity-%s goto endpoint-%s" % (ip, s.nft_sep(e), s.nft_sep(e)))
            if endpoints:
                rule(name, "numgen random mod %d vmap { %s }" % (len(endpoints), ", ".join(
                    "%d : goto endpoint-%s" % (k, s.nft_sep(e)) for k, e in enumerate(endpoints))))
        if list(s.outside()) and s.endpoints:
            if s.local_policy:
                rule(ext, '%s saddr %s goto %s comment "short-circuit pod traffic"' % (ip, POD_CIDR[family], svc))
                rule(ext, 'fib saddr type local jump mark-for-masquerade comment "masquerade local traffic"')
                rule(ext, 'fib saddr type local goto %s comment "short-circuit local traffic"' % svc)
                if s.local:
                    rule(ext, "goto local-" + s.nft_id)
            else:
                rule(ext, "jump mark-for-masquerade")
                rule(ext, "goto " + svc)
        for _, address, port in s.outside():
            where = ("service-ips", key % (address, port)) if address else ("service-nodeports", "%s . %d" % (s.proto, port))
            if s.endpoints:
                maps[where[0]].append((where[1], "goto " + ext, None))
            if not s.endpoints or (s.local_policy and not s.local):
                maps["no-endpoint-" + where[0].split("-")[1].replace("ips", "services")].append(
                    (where[1], "goto reject-chain" if not s.endpoints else "drop", s.name))
        if not s.endpoints:
            maps["no-endpoint-services"].append((key % (s.cluster_ip, s.port), "goto reject-chain", s.name))
        if s.ranges:
            maps["firewall-ips"].append((key % (s.lb_ip, s.port), "goto firewall-" + s.nft_id, None))
            rule("firewall-" + s.nft_id, "%s saddr != { %s } drop" % (ip, ", ".join(s.ranges)))
        for e in s.endpoints:
            name = "endpoint-" + s.nft_sep(e)
            rule(name, "%s saddr %s jump mark-for-masquerade" % (ip, e[0]))
            if s.affinity:
                sets.append("set affinity-%s { type %s; flags dynamic,timeout; timeout %ds; }" % (s.nft_sep(e), addr, AFFINITY))
                rule(name, "update @affinity-%s { %s saddr }" % (s.nft_sep(e), ip))
            rule(name, "meta l4proto %s dnat to %s" % (s.proto, "%s:%d" % e if family == 4 else "[%s]:%d" % e))

    new = "ct state new jump "
    fixed = [("cluster-ips-check", '%s daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"' % ip),
             ("filter-prerouting-pre-dnat", new + "firewall-check"), ("filter-output-pre-dnat", new + "firewall-check"),
             ("filter-forward", new + "service-endpoints-check"), ("filter-forward", new + "cluster-ips-check"),
             ("filter-input", new + "nodeport-endpoints-check"), ("filter-input", new + "service-endpoints-check"),
             ("filter-output", new + "service-endpoints-check"), ("filter-output", new + "cluster-ips-check"),
             ("firewall-check", "%s daddr . meta l4proto . th dport vmap @firewall-ips" % ip),
             ("mark-for-masquerade", "meta mark set meta mark or 0x4000"), ("masquerading", "meta mark and 0x4000 == 0 return"),
             ("masquerading", "meta mark set meta mark xor 0x4000"), ("masquerading", "masquerade fully-random"),
             ("nat-output", "jump services"), ("nat-postrouting", "jump masquerading"), ("nat-prerouting", "jump services"),
             ("nodeport-endpoints-check", "%s daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports" % ip),
             ("reject-chain", "reject"), ("services", "%s daddr . meta l4proto . th dport vmap @service-ips" % ip),
             ("services", "%s daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports" % ip),
             ("service-endpoints-check", "%s daddr . meta l4proto . th dport vmap @no-endpoint-services" % ip)]
    for chain, text in fixed:
        rule(chain, text)
    three = "%s . inet_proto . inet_service : verdict" % addr
    types = {"service-ips": three, "no-endpoint-services": three, "firewall-ips": three,
             "service-nodeports": "inet_proto . inet_service : verdict", "no-endpoint-nodeports": "inet_proto . inet_service : verdict"}
    t = 'table %s kube-proxy {\n\tcomment "rules for kube-proxy"\n' % ip
    t += "\tset cluster-ips { type %s; %s}\n" % (addr, "elements = { %s } " % ", ".join(cluster) if cluster else "")
    t += "\tset nodeport-ips { type %s; elements = { %s } }\n" % (addr, NODE_IP[family])
    t += "".join("\t%s\n" % s for s in sets)
    # Chains before the maps that lead to them, and both before the rules that use the maps.
    t += "".join("\tchain %s {%s }\n" % (c, " type %s; policy accept;" % BASE[c] if c in BASE else "") for c in chains)
    for name, elements in maps.items():
        t += "\tmap %s { type %s; %s}\n" % (name, types[name], "elements = { %s } " % ", ".join(
            "%s%s : %s" % (k, ' comment "%s"' % comment if comment else "", v) for k, v, comment in elements) if elements else "")
    t += "}\ntable %s kube-proxy {\n" % ip
    t += "".join("\tchain %s {\n%s\t}\n" % (c, "".join("\t\t%s\n" % r for r in rules)) for c, rules in chains.items())
    return t + "}\n"


if __name__ == "__main__":
    print({"iptables": iptables, "nftables": nftables}[sys.argv[1]](services(int(sys.argv[2])), int((sys.argv + ["4"])[3])), end="")
