// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/bpf_alone.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "src/kernel_btf.h"
#include "src/libbpf_util.h"

static int refused(struct error *err, int rc, const char *does)
{
	switch (rc) {
	case -EPERM:
	case -EACCES:
		return fail(err, -EPERM, "the kernel refuses BPF programs (%s): run it as root",
			    strerror(-rc));
	case -ENOENT:
	case -ESRCH:
		return fail(err, -EOPNOTSUPP,
			    "BPF programs need the kernel's type information: there is no readable "
			    "/sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF)");
	}
	return fail(err, rc == -ENOMEM ? rc : -EOPNOTSUPP,
		    "the kernel does not load the BPF program that %s: %s", does, strerror(-rc));
}

static void want_one(struct alone_bpf *skel, const char *program)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, skel->obj)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), program));
}

static int load(struct alone_bpf **skel, struct kernel_btf *kb, const char *program)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = kernel_btf_core_path(kb));
	int rc;

	*skel = alone_bpf__open_opts(&opts);
	if (!*skel)
		return -errno;
	want_one(*skel, program);
	rc = kernel_btf_core(kb, bpf_object__btf((*skel)->obj), NULL);
	return rc ? rc : alone_bpf__load(*skel);
}

struct alone_bpf *bpf_alone_open(const char *program, const char *const *modules, const char *does,
				 struct error *err)
{
	static const char *const no_functions[] = {NULL};
	struct kernel_btf *kb = kernel_btf_open(no_functions, modules, err);
	struct alone_bpf *skel = NULL;
	int rc;

	if (!kb)
		return NULL;
	libbpf_be_silent();
	rc = load(&skel, kb, program);
	kernel_btf_free(kb);
	if (!rc)
		return skel;
	alone_bpf__destroy(skel);
	refused(err, rc, does);
	return NULL;
}

int bpf_alone_run(const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) ? -errno : 0;
}
