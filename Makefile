# SPDX-License-Identifier: GPL-2.0-or-later
#
# make          build/nfpath                make demo     what is missing, the build, and the main job on a lab
# make deps     install what is missing     make test     the same set-up and the whole test suite (SAN=1: sanitizers)
# make install  DESTDIR= PREFIX=            make bench    costs as ratios measured in one run
# make vm       a shell on KERNEL=6.1       make test-vm  the suites that need a kernel on 6.1, 6.12, 7.2, 5.10 (KERNEL= one)
#                                           make test-vm REAL=1: Docker, Podman, ufw, firewalld, and a module with hooks of its own
#
# make test SUITE="unit netns/test_loss": some of it. The suite vm is what needs a kernel where everything of nfpath works.

PREFIX ?= /usr/local
MANDIR ?= $(PREFIX)/share/man
VERSION := 0.1

# Everything goes to build/; the sanitizer build has a corner of its own there.
B := build
ifeq ($(SAN),1)
B := build/san
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif

# V=1 shows the commands.
V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-6s %s\n' $(1) $@
endif

CC := gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKGS := libmnl libnftnl libnftables xtables jansson libbpf

# Debian packages, by name. build: what `make` needs; test: what the suite and the demo run.
DEPS_BUILD := gcc libc6-dev make pkg-config clang bpftool libbpf-dev libmnl-dev libnftnl-dev libnftables-dev libxtables-dev \
	libjansson-dev
DEPS_TEST := iproute2 iptables nftables ipset nfacct libcmocka-dev python3 python3-jsonschema iputils-ping procps \
	libclang-rt-dev libiptc-dev man-db
DEPS_VM := qemu-system-x86 busybox-static cpio kmod xz-utils zstd

CPPFLAGS += -I. -I$(B) -D_GNU_SOURCE -DNFPATH_VERSION='"$(VERSION)"'
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat=2 -Wno-unused-parameter \
	-fno-strict-aliasing $(SANFLAGS) $(CFLAGS)
LDLIBS = $(shell pkg-config --libs $(PKGS))
# Asked only when something is compiled: `make deps` must run on a machine that has no pkg-config yet.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS)) -DNFPATH_XTLIBDIR='"$(shell pkg-config --variable=xtlibdir xtables)"'

SRCS := $(filter-out src/main.c,$(sort $(wildcard src/*.c netfilter/*.c route/*.c)))
OBJS := $(SRCS:%.c=$(B)/%.o)
# An object of their own: no engine needs them.
BPF_LONE := bpf/fib6_read.bpf.c bpf/fib_read.bpf.c bpf/hook_list.bpf.c bpf/map_read.bpf.c
BPF_SRCS := $(filter-out $(BPF_LONE),$(sort $(wildcard bpf/*.bpf.c)))
SKEL := $(B)/bpf/nfpath.skel.h $(B)/bpf/alone.skel.h
BENCH_PROGS := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(filter-out %.bpf.c,$(sort $(wildcard tests/bench/*.c))))
NETNS_PROGS := $(patsubst tests/netns/%.c,$(B)/tests/netns/%,$(sort $(wildcard tests/netns/*.c)))
BPF_PROGS := $(patsubst tests/bpf/%.c,$(B)/tests/bpf/%,$(sort $(filter-out %.bpf.c,$(wildcard tests/bpf/*.c)))) \
	$(patsubst tests/bpf/%.c,$(B)/tests/bpf/%.o,$(sort $(wildcard tests/bpf/*.bpf.c)))
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))

.DELETE_ON_ERROR:
.PHONY: all deps deps-vm demo test test-unit test-vm vm bench install uninstall clean FORCE

all: $(B)/nfpath

$(B)/nfpath: $(B)/src/main.o $(B)/libnfpath.a
	$(call say,CC)
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libnfpath.a: $(OBJS)
	@rm -f $@
	$(call say,AR)
	$(Q)ar rcs $@ $^

$(B)/%.o: %.c $(B)/flags | $(SKEL)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Other flags, other objects.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(ALL_CFLAGS) $(CPPFLAGS)' | cmp -s - $@ || printf '%s\n' '$(CC) $(ALL_CFLAGS) $(CPPFLAGS)' >$@

$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -I. -Wall -Werror -c -o $@ $<

$(B)/bpf/nfpath.o: $(BPF_SRCS:%.bpf.c=$(B)/%.bpf.o)
	$(call say,BPF)
	$(Q)$(BPFTOOL) gen object $@ $^

$(B)/bpf/alone.o: $(BPF_LONE:%.bpf.c=$(B)/%.bpf.o)
	$(call say,BPF)
	$(Q)$(BPFTOOL) gen object $@ $^

$(B)/bpf/%.skel.h: $(B)/bpf/%.o
	$(call say,BPF)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

$(B)/tests/unit/%: tests/unit/%.c $(B)/libnfpath.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(B)/libnfpath.a $(LDLIBS) -lcmocka

# Programs that the tests of tests/netns call.
$(B)/tests/netns/%: tests/netns/%.c $(B)/libnfpath.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(B)/libnfpath.a $(LDLIBS)

# Programs that the tests of tests/bpf call, and what those load.
$(B)/tests/bpf/%.bpf.o: tests/bpf/%.bpf.c $(wildcard tests/bpf/*.h)
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -I. -Wall -Werror -c -o $@ $<

$(B)/tests/bpf/%: tests/bpf/%.c $(B)/libnfpath.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(B)/libnfpath.a $(LDLIBS)

# Floors that the benchmark measures against, and its sender.
$(B)/tests/bench/%: tests/bench/%.c $(B)/libnfpath.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(B)/libnfpath.a $(LDLIBS) -lip4tc -lip6tc

# Fuzzing: always clang with sanitizers, always the same corner of build/. Each harness takes from the library what it needs.
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1 -g
FUZZ_OBJS := $(SRCS:%.c=build/fuzz/obj/%.o)
FUZZ := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

.PHONY: fuzz fuzz-if-possible
fuzz: $(FUZZ) build/fuzz/seeds

# tests/fuzz/test_fuzz says what is missing where it is.
fuzz-if-possible:
	@if tests/fuzz/runtime $(CLANG); then $(MAKE) --no-print-directory fuzz; fi

build/fuzz/obj/%.o: %.c | $(SKEL)
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) $(CPPFLAGS) $(PKG_CFLAGS) -std=gnu11 -Wall -Wextra -Wno-unused-parameter -fno-strict-aliasing $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

build/fuzz/libfuzzed.a: $(FUZZ_OBJS)
	@rm -f $@
	$(call say,AR)
	$(Q)ar rcs $@ $^

$(FUZZ): build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o build/fuzz/libfuzzed.a
	$(call say,CLANG)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined $(LDFLAGS) -o $@ $^ $(LDLIBS)

build/fuzz/seeds: build/fuzz/obj/tests/fuzz/seeds.o
	$(call say,CLANG)
	$(Q)$(CLANG) -fsanitize=address,undefined $(LDFLAGS) -o $@ $^ -lmnl

deps:
	@tests/deps $(DEPS_BUILD) $(DEPS_TEST)

# The install step may bring the very tools that building asks for: a second make sees them.
demo: deps
	@$(MAKE) --no-print-directory all
	@examples/01-kube-rp-filter

test: deps
	@$(MAKE) --no-print-directory all test-programs
	@B=$(B) SAN=$(SAN) $(VM_LESS) tests/run $(SUITE)

# Of the suites in the virtual machine `make test` plays a part, for the time that it takes. `make test-vm` plays all.
VM_LESS := ORACLE_BPF_CASES=$${ORACLE_BPF_CASES:-3} \
	VM_SUITES="$${VM_SUITES:-bpf/test_oracle_bpf bpf/test_follow bpf/test_vmap bpf/test_zero_touch bpf/test_command}"

.PHONY: test-programs
test-programs: all $(UNIT) $(NETNS_PROGS) $(BPF_PROGS) $(B)/tests/bench/send_udp fuzz-if-possible

test-unit: $(UNIT)
	@B=$(B) tests/run unit

# The same tests on Debian's kernels, each in a virtual machine; this machine's root file system is shared read-only, nothing is installed.
# make vm KERNEL=6.12: a shell there.
# REAL=1: instead, what others packaged: started there from Debian's packages and explained, and a kernel module that is built there.
# REAL="docker podman": these.
ifneq ($(REAL),)
KERNELS := 6.1
VM_SUITES := $(patsubst %,real/test_%,$(if $(filter 1,$(REAL)),docker podman ufw firewalld module,$(REAL)))
else
KERNELS := 6.1 6.12 7.2 5.10 6.1+preempt=full
VM_SUITES ?= bpf examples oracle netns
endif
test-vm: deps $(if $(REAL),deps-real)
	@$(MAKE) --no-print-directory all test-programs
	@B=$(B) SAN=$(SAN) VM_SUITES="$(VM_SUITES)" VM_KERNELS="$(or $(KERNEL),$(KERNELS))" tests/run vm

vm: deps deps-vm
	@$(MAKE) --no-print-directory all test-programs
	@B=$(B) SAN=$(SAN) tests/vm/run $(or $(KERNEL),$(firstword $(KERNELS)))

deps-vm:
	@tests/deps $(DEPS_VM)

# Unpacked into build/vm/real; nothing of it is installed.
.PHONY: deps-real
deps-real:
	@tests/vm/packages ufw ufw
	@tests/vm/packages firewalld firewalld dbus
	@tests/vm/packages docker docker.io
	@tests/vm/packages podman podman netavark
	@tests/vm/kernel 6.1
	@tests/vm/packages module linux-headers-$$(cat build/vm/6.1/release) gcc make

# On this machine, and in a virtual one (KERNEL=6.1) that counts instructions.
bench: deps deps-vm
	@$(MAKE) --no-print-directory all bench-programs
	@B=$(B) tests/bench/run
	@B=$(B) KERNEL=$(KERNEL) tests/bench/vm

.PHONY: bench-programs
bench-programs: $(BENCH_PROGS) $(B)/tests/bench/floor.bpf.o

$(B)/tests/bench/%.bpf.o: tests/bench/%.bpf.c bpf/vmlinux.h
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -I. -Wall -Werror -c -o $@ $<

install: all
	install -D -m 0755 $(B)/nfpath $(DESTDIR)$(PREFIX)/sbin/nfpath
	install -D -m 0644 docs/nfpath.8 $(DESTDIR)$(MANDIR)/man8/nfpath.8

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/nfpath $(DESTDIR)$(MANDIR)/man8/nfpath.8

clean:
	rm -rf build

-include $(OBJS:.o=.d) $(B)/src/main.d $(UNIT:=.d) $(NETNS_PROGS:=.d) $(filter-out %.bpf.o.d,$(BPF_PROGS:=.d)) $(BENCH_PROGS:=.d)
-include $(FUZZ_OBJS:.o=.d) $(FUZZ:build/fuzz/%=build/fuzz/obj/tests/fuzz/%.d)
