# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests on the real kernel share: TAP, network namespaces of our own, and running nfpath in them.

Namespaces carry our pid in their names and are removed on every exit that Python can catch.
"""
import atexit
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
B = os.path.realpath(os.environ.get("B") or os.path.join(ROOT, "build"))
NFPATH = os.environ.get("NFPATH") or os.path.join(B, "nfpath")
# A sanitizer build is several times slower, an emulated processor too, and so is everything that waits for them.
SLOW = (4 if os.environ.get("SAN") == "1" else 1) * int(os.environ.get("VM_SLOW") or 1)
# The engine of a trace whose arguments name none. "auto" would be another one from host to host; tests that are about one engine name it:
# in their arguments, or by setting this.
ENGINE = os.environ.get("NFPATH_ENGINE") or "netlink"

CLONE_NEWNET = 0x40000000
# Of our own: rulesets of our namespaces wait for nobody's iptables, and nobody's for ours.
XTABLES_LOCK = "/run/nfp-xtables-%d.lock" % os.getpid()
# For nfpath too, which watches the lock to see that a table may have changed: not that of others on this machine.
os.environ["XTABLES_LOCKFILE"] = XTABLES_LOCK
_libc = ctypes.CDLL(None, use_errno=True)


class Tap:
    """Test results as TAP. diag() lines that begin with "note" or "seed" are shown by tests/run also when all passes."""

    def __init__(self):
        self.n = 0
        self.failed = 0

    def ok(self, passed, name, *diag):
        self.n += 1
        if not passed:
            self.failed += 1
        print("%sok %d - %s" % ("" if passed else "not ", self.n, name), flush=True)
        if not passed:
            for d in diag:
                self.diag(d)
        return bool(passed)

    def equal(self, got, want, name, *diag):
        return self.ok(got == want, name, "got:  %r" % (got,), "want: %r" % (want,), *diag)

    def skip(self, name, why):
        self.n += 1
        print("ok %d - %s # SKIP %s" % (self.n, name, why), flush=True)

    def diag(self, text):
        for line in str(text).splitlines():
            print("# " + line, flush=True)

    def exit(self):
        print("1..%d" % self.n, flush=True)
        sys.exit(1 if self.failed or not self.n else 0)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        e = ctypes.get_errno()
        raise OSError(e, "setns: " + os.strerror(e))


_all = []
_children = []


def _cleanup():
    for p in _children:
        if p.poll() is None:
            p.kill()
            p.wait()
    for ns in list(_all):
        ns.remove()
    if os.path.exists(XTABLES_LOCK):
        os.unlink(XTABLES_LOCK)


atexit.register(_cleanup)
for _s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(_s, lambda s, f: sys.exit(128 + s))


class Netns:
    """A network namespace under /run/netns, named nfp-TAG-PID-NUMBER+NAME. `with ns:` stands in it; children started there stay there."""

    made = 0

    def __init__(self, name, tag="t"):
        Netns.made += 1
        self.name = "nfp-%s-%d-%d%s" % (tag, os.getpid(), Netns.made, name)
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        _all.append(self)
        self.path = "/run/netns/" + self.name
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self.inum = os.fstat(self.fd).st_ino
        self._stack = []
        self.ip("link set lo up")

    def __enter__(self):
        self._stack.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        _setns(self.fd)
        return self

    def __exit__(self, *exc):
        fd = self._stack.pop()
        _setns(fd)
        os.close(fd)

    def run(self, argv, stdin=None, check=True, env=None, **kw):
        """Runs a program in the namespace; returns CompletedProcess with text output."""
        full = dict(os.environ)
        full.update(env or {})
        with self:
            r = subprocess.run(argv, input=stdin, capture_output=True, env=full,
                               text=kw.pop("text", True), **kw)
        if check and r.returncode:
            raise RuntimeError("%s: status %d: %s" % (" ".join(argv), r.returncode, r.stderr))
        return r

    def out(self, *argv, **kw):
        return self.run(list(argv), **kw).stdout

    def ip(self, *lines):
        """ip -batch, in this namespace."""
        self.run(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n")

    def sysctl(self, *settings):
        """sysctl("net/ipv4/ip_forward=1", …) of this namespace."""
        with self:
            for t in settings:
                name, value = t.split("=")
                with open("/proc/sys/" + name, "w") as f:
                    f.write(value)

    def popen(self, argv, **kw):
        with self:
            p = subprocess.Popen(argv, **kw)
        _children.append(p)
        return p

    def nft(self, text):
        self.run(["nft", "-f", "-"], stdin=text)

    def ruleset(self):
        """Every ruleset of this namespace as the tools print it, counters and the tools' own time stamps taken off."""
        t = self.out("nft", "-s", "-a", "list", "ruleset")
        for v in ("iptables", "ip6tables"):
            for backend in ("legacy", "nft"):
                # Both tools read only tables that exist: asking creates none.
                s = self.out("%s-%s-save" % (v, backend))
                s = re.sub(r"^#.*\n", "", s, flags=re.M)
                t += "%s-%s\n%s" % (v, backend, re.sub(r"\[\d+:\d+\]", "[0:0]", s))
        return t

    def nf_log(self):
        with self, open("/proc/net/netfilter/nf_log") as f:
            return f.read()

    def remove(self):
        if self not in _all:
            return
        _all.remove(self)
        os.close(self.fd)
        subprocess.run(["ip", "netns", "del", self.name], check=False)


def namespaces():
    """Those that are there."""
    return list(_all)


def veth(a, adev, b, bdev, mtu=None):
    """A veth pair, adev in namespace a and bdev in b, both up. MAC addresses follow from the names' order of making."""
    veth.n = getattr(veth, "n", 0) + 1
    macs = ["02:00:00:00:%02x:%02x" % (veth.n & 255, i) for i in (1, 2)]
    a.ip("link add %s address %s type veth peer name %s address %s netns %s" % (adev, macs[0], bdev, macs[1], b.name))
    for ns, dev in ((a, adev), (b, bdev)):
        if mtu:
            ns.ip("link set %s mtu %d" % (dev, mtu))
        ns.ip("link set %s up" % dev)
    return macs


def links_settled(*namespaces):
    """Waits until the kernel has told of each device that is up that it is (linkwatch: up to a second later), which is a change of routing."""
    def told(ns):
        return all(d["operstate"] in ("UP", "UNKNOWN") for d in json.loads(ns.out("ip", "-j", "link")) if "UP" in d["flags"])

    for ns in namespaces:
        if not wait_for(lambda: told(ns), timeout=10):
            raise RuntimeError("devices of %s do not get ready: %s" % (ns.name, ns.out("ip", "link")))


def with_engine(args):
    """Arguments of `nfpath trace`, with --engine ENGINE unless they name an engine; what follows -- belongs to the command."""
    args = list(args)
    if "--engine" in (args[:args.index("--")] if "--" in args else args):
        return args
    return ["--engine", ENGINE] + args


class Trace:
    """nfpath running in the background: started, ready, ended; its output as text and as JSON objects.

    The arguments follow `trace`, with ENGINE unless argv0 (whatever it is that starts nfpath then) is given. stdout and stderr go to files, so that nobody ever waits for us to read.
    """

    def __init__(self, args, ns=None, ready=True, env=None, argv0=None, wait=15):
        self.dir = tempfile.mkdtemp(prefix="nfp-trace-")
        self.so = os.path.join(self.dir, "stdout")
        self.se = os.path.join(self.dir, "stderr")
        argv = list(argv0) + [str(a) for a in args] if argv0 else [NFPATH, "trace"] + with_engine(str(a) for a in args)
        full = dict(os.environ)
        full.update(env or {})
        with open(self.so, "wb") as o, open(self.se, "wb") as e:
            kw = dict(stdin=subprocess.DEVNULL, stdout=o, stderr=e, env=full)
            if ns:
                self.p = ns.popen(argv, **kw)
            else:
                self.p = subprocess.Popen(argv, **kw)
                _children.append(self.p)
        self.ready = False
        if ready:
            self.wait_ready(wait)

    def wait_ready(self, timeout=15):
        end = time.monotonic() + timeout * SLOW
        while time.monotonic() < end:
            if re.search(r"\bready\b", self.stderr()):
                self.ready = True
                return True
            if self.p.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("nfpath did not get ready (status %s): %s" % (self.p.poll(), self.stderr()))

    def stdout(self):
        with open(self.so, "rb") as f:
            return f.read().decode("utf-8", "surrogateescape")

    def stderr(self):
        with open(self.se, "rb") as f:
            return f.read().decode("utf-8", "surrogateescape")

    def settle(self, quiet=0.3, timeout=10):
        """Waits until nothing more is written for `quiet` seconds."""
        end = time.monotonic() + timeout * SLOW
        size, since = -1, time.monotonic()
        while time.monotonic() < end:
            n = os.path.getsize(self.so)
            if n != size:
                size, since = n, time.monotonic()
            elif time.monotonic() - since > quiet * SLOW:
                return
            time.sleep(0.05)

    def end(self, sig=signal.SIGINT, timeout=20):
        """Sends sig (None: lets it end by itself) and returns the exit status; -1000 when it had to be killed."""
        if sig is not None and self.p.poll() is None:
            self.p.send_signal(sig)
        try:
            self.p.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            return -1000
        return self.p.returncode

    def json(self):
        """The objects that are there; while it runs, the last line may be half written."""
        running = self.p.poll() is None
        text = self.stdout()
        if running:
            text = text[:text.rfind("\n") + 1]
        return [json.loads(line) for line in text.splitlines() if line.strip()]

    def close(self):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def nfpath(args, ns=None, timeout=30, env=None, argv0=None):
    """Runs nfpath to its end; CompletedProcess with bytes. A trace gets ENGINE as class Trace does it."""
    args = [a if isinstance(a, bytes) else str(a) for a in args]
    if args[:1] == ["trace"]:
        args[1:] = with_engine(args[1:])
    argv = list(argv0 or [NFPATH]) + args
    full = dict(os.environ)
    full.update(env or {})
    kw = dict(stdin=subprocess.DEVNULL, capture_output=True, env=full, timeout=timeout * SLOW)
    if not ns:
        return subprocess.run(argv, **kw)
    with ns:
        return subprocess.run(argv, **kw)


def has_feature(name):
    """Does `nfpath features` say that this kernel has what stands in this row?"""
    rows = json.loads(nfpath(["features", "--json"]).stdout)["features"]
    return [r["available"] for r in rows if r["name"] == name] == [True]


def path_key(o, hook=None):
    """(table, chain, what) of the ruleset steps of a JSON path, or of those at one hook."""
    return [(s["table"], s["chain"], s["rule"] if s["type"] == "rule" else s["type"])
            for s in o["steps"] if s["type"] in ("rule", "policy", "return") and hook in (None, s["hook"])]


def udp(ns, src, dst, dport, sport=0, payload=b"x", n=1, tos=None, mark=None):
    """Sends UDP from a socket in ns; an error that a REJECT or closed port causes is no error here."""
    v6 = ":" in dst
    with ns:
        s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
    with s:
        if tos is not None:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        if mark is not None:
            s.setsockopt(socket.SOL_SOCKET, 36, mark)
        if src or sport:
            s.bind((src or ("::" if v6 else "0.0.0.0"), sport))
        for _ in range(n):
            try:
                s.sendto(payload, (dst, dport))
            except OSError:
                pass


def sink(ns, port, v6=False):
    """A socket that takes UDP and never reads: without one the kernel drops the packet (NO_SOCKET) and sends an ICMP error."""
    with ns:
        s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
    if v6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("::" if v6 else "0.0.0.0", port))
    return s


def children_of(pid):
    """All living descendants of a process."""
    kids = {}
    for d in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(d) as f:
                t = f.read()
        except OSError:
            continue
        head, tail = t.rsplit(")", 1)
        kids.setdefault(int(tail.split()[1]), []).append(int(head.split()[0]))
    todo, found = [pid], []
    while todo:
        for c in kids.get(todo.pop(), []):
            found.append(c)
            todo.append(c)
    return found


def wait_for(cond, timeout=5, step=0.02):
    """Polls cond() until it is true; returns its last value."""
    end = time.monotonic() + timeout * SLOW
    while True:
        v = cond()
        if v or time.monotonic() > end:
            return v
        time.sleep(step)
