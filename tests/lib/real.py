# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that write rules, as Debian packages them, in the virtual machine: laid over its root, started, and asked what they published.

Nothing of this happens outside of a virtual machine (tests/vm), whose root is thrown away. The packages are unpacked by tests/vm/packages.
"""
import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys

import lab

UP, DOWN = "10.9.0.1", "10.9.0.2"  # the machine, and a client of it


def lay(t, name):
    """Lays what tests/vm/packages unpacked over the root; ends the test with a reason where that cannot be."""
    d = os.path.join(lab.ROOT, "build", "vm", "real", name)
    if not os.environ.get("VM_KERNEL") or " vm.kernel=" not in open("/proc/cmdline").read():
        t.skip(name, "it is started in the virtual machine only: make test-vm REAL=1")
        t.exit()
    if not os.path.exists(os.path.join(d, "ready")):
        t.ok(False, "%s is unpacked" % name, "tests/vm/packages was not run: make test-vm REAL=1")
        t.exit()
    # Mounts and rules are gone with this test: the next one lays its own.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000 | 0x40000000):  # CLONE_NEWNS | CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    # A mount hides those below it: the kernel's modules come back.
    modules = "/run/modules"
    os.makedirs(modules, exist_ok=True)
    for argv in (["mount", "--bind", "/usr/lib/modules", modules],
                 ["mount", "-t", "overlay", "-o", "lowerdir=%s/usr:/usr" % d, "overlay", "/usr"],
                 ["mount", "--bind", modules, "/usr/lib/modules"]):
        subprocess.run(argv, check=True)
    for part in ("etc", "var"):
        if os.path.isdir(os.path.join(d, part)):
            shutil.copytree(os.path.join(d, part), "/" + part, symlinks=True, dirs_exist_ok=True)
    with open(os.path.join(d, "packages")) as f:
        t.diag("note packages laid over the root: " + " ".join(f.read().split()))


def run(*argv, check=True, **kw):
    r = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, **kw)
    if check and r.returncode:
        raise RuntimeError("%s: status %d: %s%s" % (" ".join(argv), r.returncode, r.stdout, r.stderr))
    return r.stdout


def start(log, *argv):
    """A daemon, and the file that it writes to."""
    path = "/run/%s.log" % log
    with open(path, "w") as f:
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f)
    return p, path


def told(path):
    with open(path, errors="replace") as f:
        return f.read()[-3000:]


class Client(lab.Netns):
    """A namespace behind a link of the machine."""

    def __init__(self):
        super().__init__("client", "real")
        run("ip", "link", "add", "n0", "type", "veth", "peer", "name", "c0", "netns", self.name)
        self.ip("link set c0 up", "addr add %s/24 dev c0" % DOWN)
        run("ip", "addr", "add", UP + "/24", "dev", "n0")
        run("ip", "link", "set", "n0", "up")
        self.ip("route add default via " + UP)


def connect(ns, address, port):
    """One connection that is tried; True if somebody took it."""
    with ns:
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with s:
        s.settimeout(2 * lab.SLOW)
        return s.connect_ex((address, port)) == 0


def explain(t, name, *args):
    r = lab.nfpath(["explain", "--json", *args], timeout=120)
    return json.loads(r.stdout) if t.ok(r.returncode == 0, name, r.stderr) else {"owners": [], "services": [], "flow": []}


def first_packet(t, name, ns, address, port):
    """The path of the first packet of a connection from ns."""
    tr = lab.Trace(["--json", "--engine", "auto", "-p", "tcp", "-s", DOWN, "--dport", str(port), "--tcp-flags", "syn,!ack"], wait=60)
    connect(ns, address, port)
    lab.wait_for(lambda: "\n" in tr.stdout(), timeout=20)
    tr.end()
    paths, err = tr.json(), tr.stderr()
    tr.close()
    t.ok(paths and paths[0]["certainty"] == "exact", name + ": traced, exact", paths[:1] and paths[0]["uncertain_because"], err)
    return paths[0] if paths else {"steps": [], "verdict": None}


def words(path, owner):
    """What is said beside the rules of this owner."""
    return [s["owner"]["words"] for s in path["steps"] if s["type"] == "rule" and s["owner"] and s["owner"]["name"] == owner]


def ownerless(path):
    return [s["text"] for s in path["steps"] if s["type"] == "rule" and not s["owner"]]


def end(t, *processes):
    """Ends what start() started, and the test."""
    for p in processes:
        p.terminate()
        try:
            p.wait(20 * lab.SLOW)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
    sys.stdout.flush()
    t.exit()


def image(path):
    """A tar file with a root that has busybox and nothing else."""
    root = "/run/image"
    for d in ("bin", "tmp", "etc"):
        os.makedirs(os.path.join(root, d), exist_ok=True)
    shutil.copy("/bin/busybox", root + "/bin/busybox")
    run("tar", "-C", root, "-cf", path, ".")
    return path
