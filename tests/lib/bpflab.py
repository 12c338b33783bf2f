# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of suite `bpf` share. They run in a virtual machine (tests/vm): the engine sees every namespace of its kernel.

BPF_ENGINE=netlink   plays a test with the other engine, where that makes sense: is the test itself right?
"""
import ctypes
import json
import os
import re
import socket
import struct

import lab

ENGINE = os.environ.get("BPF_ENGINE", "bpf")
NETLINK_NETFILTER, NLM_F_REQUEST, NLM_F_ACK = 12, 1, 4
NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE = 1, 2
NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN = 10, 16
NFTA_GEN_ID = 1
# include of libnftables: nft_ctx_output_set_flags()
NFT_CTX_OUTPUT_HANDLE, NFT_CTX_OUTPUT_JSON, NFT_CTX_OUTPUT_ECHO = 1 << 3, 1 << 4, 1 << 5


def in_vm():
    return "VM_KERNEL" in os.environ


def need_engine(t, *modules):
    """Says once why this host cannot run the test, and ends. In a virtual machine, whose kernels can, that is a failure."""
    if ENGINE != "bpf":
        t.diag("note engine %s, by BPF_ENGINE" % ENGINE)
        return
    if not in_vm():
        # There it would look into namespaces that are not of this test.
        t.skip("engine bpf", "the bpf engine sees all namespaces of a kernel: this suite runs in a virtual machine only, "
               "tests/vm/run 6.1 tests/vm/suites bpf")
        t.exit()
    f = json.loads(lab.nfpath(["features", "--json"]).stdout or b"{}")
    if f.get("engine") == "bpf":
        return
    rows = {r["name"]: r for r in f.get("features", [])}
    fentry = rows.get("fentry", {})
    why = "nfpath features names engine %s; fentry: %s" % (f.get("engine"), fentry.get("why") or fentry.get("available"))
    if os.environ["VM_KERNEL"] == "5.10":
        t.skip("engine bpf", "Linux 5.10 has no types of modules: %s" % why)
    else:
        t.ok(False, "engine bpf works on kernel %s" % os.environ["VM_KERNEL"], why)
    t.exit()


def trace(args=(), ns=None, env=None, wait=60):
    """nfpath with this engine. ns: only its packets; None: those of all namespaces, which only a virtual machine has to itself."""
    if not ns and not in_vm():
        raise RuntimeError("the namespaces of this machine are not the test's")
    return lab.Trace(["--json", "--engine", ENGINE, "--netns", ns.name if ns else "all"] + list(args), env=env, wait=wait)


def traced(send, args=(), ns=None, quiet=0.3, tries=3):
    """(status, paths, stderr) of a trace while send() sends. Where nfpath says that events were lost (status 5: its programs were interrupted in
    the midst, which on a busy host an emulated processor is more often), nothing is known of the packets, and they are sent once more, as
    they are where one stood still for so long that its path was printed: what is always lost stays lost. Connections that the first ones
    began are forgotten."""
    for left in reversed(range(tries)):
        tr = trace(args, ns=ns)
        try:
            send()
            tr.settle(quiet)
            status, paths, err = tr.end(timeout=60), tr.json(), tr.stderr()
        finally:
            tr.close()
        why = [x for x in err.splitlines() if "lost" in x] if status == 5 else []
        why += [x for x in (str(o["uncertain_because"]) for o in paths) if x.startswith("goes on where packet")]
        if not why or not left:
            return status, paths, err
        print("# note sent once more: %s" % " ".join(why), flush=True)
        for each in lab.namespaces():
            forget_connections(each)


def shown(paths):
    return "\n".join(show(o) for o in paths)


def preempts():
    """Whether tasks are preempted in the kernel, and programs by fentry with them."""
    try:
        with open("/sys/kernel/debug/sched/preempt") as f:
            return bool(re.search(r"\((full|lazy)\)", f.read()))
    except OSError:
        return False


def certainty(o):
    """That of a path whose steps are as they should be. Where programs are preempted, how often depends on the host, some of their runs are
    left out: then a path has to say that, and is as good as can be."""
    if o["certainty"] == "uncertain" and preempts() and o["uncertain_because"].startswith("events were lost while it was in flight"):
        print("# note packet #%d is not exact, since a program was preempted" % o["id"], flush=True)
        return "exact"
    return o["certainty"]


def inum_of(o, step):
    """The namespace of a step: its own, or that of its path."""
    return (step.get("netns") or o["netns"])["inum"]


def rule_steps(o, ns=None, table=None):
    """Steps of rulesets in one path, or of those in one namespace or one table."""
    return [s for s in o["steps"] if s["type"] in ("rule", "policy", "return") and (ns is None or inum_of(o, s) == ns.inum)
            and table in (None, s["table"])]


def brief(o, ns=None, table=None):
    """[(hook, chain, rule number | "policy" | "return", verdict)], what most tests compare."""
    return [(s["hook"], s["chain"], s["rule"] if s["type"] == "rule" else s["type"], s.get("verdict")) for s in rule_steps(o, ns, table)]


def show(o):
    """A path in a few words, for the diagnosis of a failed test."""
    p = o["packet"]
    head = "#%d %s %s:%s > %s:%s in=%s out=%s %s %s%s" % (
        o["id"], p["proto"], p["src"], p["sport"], p["dst"], p["dport"], p["iif"], p["oif"], o["verdict"], o["certainty"],
        " (%s)" % o["uncertain_because"] if o["uncertain_because"] else "")
    lines = []
    for s in o["steps"]:
        where = " ".join(str(s[k]) for k in ("hook", "family", "table", "chain") if s.get(k))
        what = " ".join("%s=%s" % (k, s[k]) for k in ("rule", "handle", "verdict", "target", "element", "kind", "dev", "reason", "netns") if s.get(k))
        lines.append("    %s %s %s" % (s["type"], where, what))
    return "\n".join([head] + lines)


def ask_netfilter(ns, subsys, message, flags=0):
    """The kernel's answer to a message of nfnetlink that has no attributes."""
    with ns:
        s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
    with s:
        s.send(struct.pack("=IHHIIBBH", 20, subsys << 8 | message, NLM_F_REQUEST | flags, 1, 0, 0, 0, 0))
        return s.recv(65536)


def forget_connections(ns):
    answer = ask_netfilter(ns, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE, NLM_F_ACK)
    if struct.unpack_from("=i", answer, 16)[0]:
        raise RuntimeError("the connections of %s cannot be deleted: %r" % (ns.name, answer))


def genid(ns):
    """The generation of the ruleset of a namespace: each commit, by whomever, makes it another."""
    answer = ask_netfilter(ns, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN)
    at = 20
    while at + 4 <= len(answer):
        length, kind = struct.unpack_from("=HH", answer, at)
        if kind == NFTA_GEN_ID:
            return struct.unpack_from(">I", answer, at + 4)[0]
        at += (length + 3) & ~3
    raise RuntimeError("no generation in the kernel's answer: %r" % answer)


class Nft:
    """libnftables in this process, standing in one namespace: a ruleset many times a second."""

    def __init__(self, ns):
        self.lib = ctypes.CDLL("libnftables.so.1")
        self.lib.nft_ctx_new.restype = ctypes.c_void_p
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(self.lib, name).restype = ctypes.c_char_p
        self.ns = ns
        with ns:
            self.ctx = ctypes.c_void_p(self.lib.nft_ctx_new(0))
        self.lib.nft_ctx_buffer_output(self.ctx)
        self.lib.nft_ctx_buffer_error(self.ctx)
        self.lib.nft_ctx_output_set_flags(self.ctx, NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_ECHO)

    def run(self, text):
        """Loads text; the objects that the kernel says it has made, with their handles."""
        with self.ns:
            rc = self.lib.nft_run_cmd_from_buffer(self.ctx, text.encode())
        out = self.lib.nft_ctx_get_output_buffer(self.ctx).decode()
        err = self.lib.nft_ctx_get_error_buffer(self.ctx).decode()
        if rc:
            raise RuntimeError("nft: %s\n%s" % (err, text))
        return json.loads(out)["nftables"] if out.strip() else []

    def close(self):
        self.lib.nft_ctx_free(self.ctx)
