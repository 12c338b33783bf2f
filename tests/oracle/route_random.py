# SPDX-License-Identifier: GPL-2.0-or-later
"""Random configurations of addresses, settings, routes and policy rules for tests/oracle/test_route, and packets that meet them."""
import ipaddress

DEVICES = ["d0", "d1", "d2"]
TABLES = [254, 100, 1000]
# Few networks, so that routes, rules and packets meet.
PREFIXES = ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.9.0.0/16", "10.9.1.0/24", "10.9.1.7/32", "192.168.235.0/24", "192.168.235.13/32",
            "10.0.0.0/8", "192.168.0.0/16", "0.0.0.0/0"]
ADDRESSES = ["10.0.%d.1/24", "10.0.%d.33/27", "172.16.%d.1/30", "192.168.235.%d/24", "10.9.1.%d/32", "10.0.%d.129/25"]
HOSTS = ["10.0.0.5", "10.0.1.5", "10.0.2.5", "10.0.0.200", "10.9.1.7", "10.9.1.8", "10.9.44.1", "192.168.235.13", "192.168.7.7", "8.8.8.8",
         "172.16.0.2", "172.16.1.2"]
ODD = ["127.0.0.1", "127.4.4.4", "0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "224.0.0.5", "239.1.1.1", "240.0.0.1", "169.254.1.1"]
MARKS = [0, 1, 2]
TOS = [0, 0, 0, 0x10, 0x08, 0xb8]


class Configuration:
    def __init__(self, rng, rules=True):
        self.rng = rng
        self.addresses = []
        self.lines = []
        self.sysctls = []
        self.make_addresses()
        self.make_sysctls()
        if rng.random() < 0.5:
            self.lines.append("route add default " + self.hop())
        for _ in range(rng.randrange(9)):
            self.make_route()
        self.rules = rules and rng.random() < 0.7
        if self.rules:
            for _ in range(rng.randrange(1, 6)):
                self.make_rule()

    def make_addresses(self):
        rng = self.rng
        for i, dev in enumerate(DEVICES):
            for a in rng.sample(ADDRESSES, rng.choice([0, 1, 1, 1, 2])):
                a %= i + 1 if "%d/" in a else i
                self.addresses.append((dev, ipaddress.ip_interface(a)))
                self.lines.append("addr add %s %s dev %s" % (a, "brd +" if rng.random() < 0.8 and not a.endswith("/32") else "", dev))

    def make_sysctls(self):
        rng = self.rng
        for dev in ["all"] + DEVICES:
            wanted = {
                "rp_filter": rng.choice([0, 0, 1, 2] if dev == "all" else [0, 1, 1, 2]),
                "src_valid_mark": int(rng.random() < 0.2),
                "accept_local": int(rng.random() < 0.2),
                "route_localnet": int(rng.random() < 0.15),
                "send_redirects": int(rng.random() < 0.5),
                "bc_forwarding": int(rng.random() < 0.15),
                "log_martians": 0,
            }
            if dev != "all":
                wanted["forwarding"] = int(rng.random() < 0.7)
            self.sysctls += ["net/ipv4/conf/%s/%s=%d" % (dev, k, v) for k, v in wanted.items()]

    def hop(self):
        dev = self.rng.choice(DEVICES)
        return "via 10.77.%d.1 dev %s onlink" % (DEVICES.index(dev), dev) if self.rng.random() < 0.4 else "dev %s" % dev

    def make_route(self):
        rng = self.rng
        table = rng.choice(TABLES)
        metric = rng.choice(["", "", "metric %d" % rng.randrange(1, 50)])
        tos = rng.choice(["", "", "", "tos 0x10"])
        prefix = rng.choice(PREFIXES)
        kind = rng.choice(["unicast"] * 6 + ["multipath"] * 2 + ["blackhole", "unreachable", "prohibit", "throw", "local"])
        if kind == "multipath":
            way = " ".join("nexthop " + self.hop() for _ in range(rng.randrange(2, 4)))
            self.lines.append("route add %s %s %s table %d %s" % (prefix, tos, metric, table, way))
        elif kind == "unicast":
            self.lines.append("route add %s %s %s table %d %s" % (prefix, tos, metric, table, self.hop()))
        elif kind == "local":
            self.lines.append("route add local %s dev %s table %d" % (prefix, rng.choice(DEVICES), rng.choice([255] + TABLES)))
        else:
            self.lines.append("route add %s %s %s %s table %d" % (kind, prefix, tos, metric, table))

    def make_rule(self):
        rng = self.rng
        pref = rng.choice([rng.randrange(1, 32766), 100, 200, 32768])
        words = []
        if rng.random() < 0.15:
            words.append("not")
        words.append("pref %d" % pref)
        if rng.random() < 0.4:
            words.append("from " + rng.choice(PREFIXES))
        if rng.random() < 0.3:
            words.append("to " + rng.choice(PREFIXES))
        if rng.random() < 0.3:
            words.append("iif " + rng.choice(DEVICES + ["lo"]))
        if rng.random() < 0.3:
            words.append("fwmark " + rng.choice(["1", "2", "0/1", "2/3"]))
        if rng.random() < 0.1:
            words.append("tos 0x10")
        if rng.random() < 0.15:
            words.append("ipproto " + rng.choice(["udp", "tcp"]))
        if rng.random() < 0.15:
            words.append(rng.choice(["dport 1-20000", "sport 1001-1002", "dport 20001-65535", "sport 1000", "sport 1002"]))
        if rng.random() < 0.05:
            words.append("uidrange %s" % rng.choice(["0-0", "1-1000"]))
        action = rng.random()
        if action < 0.75:
            words.append("lookup %d" % rng.choice(TABLES + [254, 255]))
            if rng.random() < 0.15:
                words.append("suppress_prefixlength %d" % rng.choice([0, 8, 16]))
        elif action < 0.85:
            words.append("goto %d" % rng.choice([32766, 32767, 200]) if pref < 200 else "lookup 100")
        else:
            words.append(rng.choice(["unreachable", "prohibit", "blackhole"]))
        self.lines.append("rule add " + " ".join(words))

    def is_broadcast(self, addr):
        ip = ipaddress.ip_address(addr)
        return any(ip in (a.network.broadcast_address, a.network.network_address) for _, a in self.addresses if ip != a.ip)

    def host(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.35 and self.addresses:
            return str(rng.choice(self.addresses)[1].ip)
        if kind < 0.45 and self.addresses:
            network = rng.choice(self.addresses)[1].network
            return str(rng.choice([network.broadcast_address, network.network_address]))
        if kind < 0.52:
            return rng.choice(ODD)
        return rng.choice(HOSTS)

    def source(self):
        return self.rng.choice(HOSTS) if self.rng.random() < 0.6 else self.host()

    def packet(self):
        rng = self.rng
        return {"src": self.source(), "dst": self.host(), "dev": rng.choice(DEVICES), "mark": rng.choice(MARKS), "tos": rng.choice(TOS)}
