#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sender.py KIND DEV MAC_DST MAC_SRC 4|6 SEED FIRST_PORT N: makes N packets, waits for a line, sends them as fast as it can.
ORACLE_PACE=N: N packets a second instead, in bursts of 16.

KIND: "frames" by a packet socket on DEV, as if a client had sent them; "raw" by a raw socket, as the router's own. Each packet has a source
port of its own, and the same number as its IP id (IPv6: flow label), which NAT leaves alone: whatever shows a header of it shows whose it is.
"""
import os
import random
import socket
import struct
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]
import traffic  # noqa: E402
from rulesets import A4, A6, PORTS  # noqa: E402


def packets(kind, v6, seed, first, n):
    rng = random.Random(seed)
    a = A6 if v6 else A4
    crafted = (lambda: "fd01:8::%x" % rng.randint(16, 200)) if v6 else (lambda: "10.1.8.%d" % rng.randint(16, 200))
    for i in range(n):
        if kind == "frames":
            src, dst = crafted(), a[rng.choice(["server", "server", "server2", "rc", "rs"])]
        else:
            src = a["rc"]
            dst = a[rng.choice(["rc", "rs", "rs", "server", "local"])]
            src = a["local"] if dst == a["local"] else src
        if rng.random() < 0.75:
            proto, body = 17, traffic.udp(src, dst, first + i, rng.choice(PORTS), b"s" * rng.randint(0, 60))
        else:
            proto, body = 6, traffic.tcp(src, dst, first + i, rng.choice(PORTS), rng.getrandbits(32), 0, traffic.SYN)
        yield dst, traffic.ip(src, dst, proto, body, first + i)


def main():
    kind, dev, mac_dst, mac_src, v, seed, first, n = sys.argv[1:]
    v6 = v == "6"
    made = list(packets(kind, v6, int(seed), int(first), int(n)))
    if kind == "frames":
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.bind((dev, 0))
        mac = bytes.fromhex((mac_dst + mac_src).replace(":", "")) + struct.pack(">H", traffic.ETH_IP6 if v6 else traffic.ETH_IP)
        made = [((), mac + p) for _, p in made]
    else:
        s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        made = [(((dst, 0),), p) for dst, p in made]
    s.setsockopt(socket.SOL_SOCKET, 32, 16 << 20)  # SO_SNDBUFFORCE
    send = s.send if kind == "frames" else s.sendto
    print("made", flush=True)
    sys.stdin.readline()
    pace, burst = int(os.environ.get("ORACLE_PACE") or 0), 16
    for i, (to, p) in enumerate(made):
        if pace and i % burst == 0:
            time.sleep(burst / pace)
        try:
            send(p, *to)
        except OSError:
            pass  # EPERM: the ruleset's word


if __name__ == "__main__":
    main()
