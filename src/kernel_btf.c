// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/kernel_btf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "src/btf_core.h"
#include "src/btf_raw.h"
#include "src/fd.h"

enum { MODULE_NAME = 64 };

struct module {
	char name[MODULE_NAME];
	uint32_t id; /* of its BTF: another one when it is loaded anew */
	size_t rank; /* which of the wanted names it has */
	int fd;	     /* of its BTF; -1: not open */
	bool held;   /* its descriptor was given out */
	bool indexed;
	struct btf_raw raw; /* data NULL: not read, or given back */
};

struct function {
	uint32_t btf_id; /* 0: not found */
	uint32_t module; /* its BTF's id; 0: the kernel proper */
};

struct kernel_btf {
	const char *const *wanted; /* modules */
	struct name_set names;
	struct function *functions; /* by index in names */

	struct btf_raw vmlinux;
	bool vmlinux_indexed;
	struct module *modules; /* by rank */
	size_t n_modules;
	bool modules_known;
	uint32_t last_id; /* BTFs up to this one were looked at */

	int core;
	char core_path[32];
	int handlers[3];
};

/* --- reading, when needed --- */

static int need_vmlinux(struct kernel_btf *kb, struct error *err)
{
	return kb->vmlinux.data ? 0 : btf_raw_vmlinux(&kb->vmlinux, err);
}

static int need_fd(struct module *m)
{
	if (m->fd < 0)
		m->fd = fd_high(bpf_btf_get_fd_by_id(m->id));
	return m->fd < 0 ? -errno : 0;
}

static int need_module(struct kernel_btf *kb, struct module *m, struct error *err)
{
	int rc;

	if (m->raw.data)
		return 0;
	rc = need_fd(m);
	if (rc)
		return fail(err, rc, "type information of module %s: %s", m->name, strerror(-rc));
	return btf_raw_module(&m->raw, m->fd, &kb->vmlinux, err);
}

static void close_module(struct module *m)
{
	btf_raw_free(&m->raw);
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

/* --- which modules there are --- */

static int rank_of(const struct kernel_btf *kb, const char *name)
{
	for (int i = 0; kb->wanted[i]; i++) {
		size_t n = strcspn(kb->wanted[i], "*");

		if (kb->wanted[i][n] ? !strncmp(name, kb->wanted[i], n)
				     : !strcmp(name, kb->wanted[i]))
			return i;
	}
	return -1;
}

static struct module *module_by_id(const struct kernel_btf *kb, uint32_t id)
{
	for (size_t i = 0; i < kb->n_modules; i++)
		if (kb->modules[i].id == id)
			return &kb->modules[i];
	return NULL;
}

/* Takes fd. */
static int add_module(struct kernel_btf *kb, int rank, uint32_t id, const char *name, int fd)
{
	struct module *grown = realloc(kb->modules, (kb->n_modules + 1) * sizeof(*grown));
	size_t i = kb->n_modules;

	if (!grown) {
		close(fd);
		return -ENOMEM;
	}
	kb->modules = grown;
	while (i && grown[i - 1].rank > (size_t)rank)
		i--;
	memmove(&grown[i + 1], &grown[i], (kb->n_modules - i) * sizeof(*grown));
	grown[i] = (struct module){.id = id, .rank = rank, .fd = fd};
	snprintf(grown[i].name, sizeof(grown[i].name), "%s", name);
	kb->n_modules++;
	return 0;
}

/* Programs have BTFs, too. What went away meanwhile is nobody's loss. */
static int look_at(struct kernel_btf *kb, uint32_t id)
{
	char name[MODULE_NAME] = "";
	struct bpf_btf_info info = {.name = (uintptr_t)name, .name_len = sizeof(name)};
	uint32_t len = sizeof(info);
	int rank = -1, fd = bpf_btf_get_fd_by_id(id);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.kernel_btf)
		rank = rank_of(kb, name);
	if (rank >= 0)
		return add_module(kb, rank, id, name, fd_high(fd));
	close(fd);
	return 0;
}

static void forget_functions(struct kernel_btf *kb, uint32_t module)
{
	for (size_t i = 0; i < kb->names.n; i++)
		if (kb->functions[i].module == module)
			kb->functions[i] = (struct function){0};
}

/* Ids count upwards (btf_alloc_id()), and are given in that order. */
static int list_modules(struct kernel_btf *kb, struct error *err)
{
	bool *there = calloc(kb->n_modules + 1, sizeof(*there));
	size_t known = kb->n_modules, kept = 0;
	uint32_t id = 0, last = kb->last_id;
	struct module *m;
	int rc = 0;

	if (!there)
		return fail(err, -ENOMEM, "out of memory");
	while (!rc && !bpf_btf_get_next_id(id, &id)) {
		m = id <= last ? module_by_id(kb, id) : NULL;
		if (m)
			there[m - kb->modules] = true;
		if (id > last)
			break;
	}
	for (size_t i = 0; i < known; i++) {
		if (there[i]) {
			kb->modules[kept++] = kb->modules[i];
			continue;
		}
		forget_functions(kb, kb->modules[i].id);
		close_module(&kb->modules[i]);
	}
	kb->n_modules = kept;
	free(there);
	for (id = last; !rc && !bpf_btf_get_next_id(id, &id); kb->last_id = id)
		rc = look_at(kb, id);
	if (rc)
		return fail(err, rc, "modules' type information (BTF): %s", strerror(-rc));
	if (errno != ENOENT)
		return fail(err, -errno, "modules' type information (BTF): %s", strerror(errno));
	kb->modules_known = true;
	return 0;
}

/* --- functions --- */

static void index_functions(struct kernel_btf *kb, const struct btf_raw *r, uint32_t module)
{
	for (uint32_t id = r->first_id; id < r->first_id + r->n; id++) {
		const struct btf_type *t = btf_raw_type(r, id);
		int i = btf_raw_kind(t) == BTF_KIND_FUNC
				? name_set_find(&kb->names, btf_raw_string(r, t->name_off))
				: -1;

		if (i >= 0 && !kb->functions[i].btf_id)
			kb->functions[i] = (struct function){.btf_id = id, .module = module};
	}
}

static int index_vmlinux(struct kernel_btf *kb, struct error *err)
{
	int rc = kb->vmlinux_indexed ? 0 : need_vmlinux(kb, err);

	if (!rc && !kb->vmlinux_indexed)
		index_functions(kb, &kb->vmlinux, 0);
	kb->vmlinux_indexed = kb->vmlinux_indexed || !rc;
	return rc;
}

static int index_modules(struct kernel_btf *kb, struct error *err)
{
	int rc = kb->modules_known ? 0 : list_modules(kb, err);

	for (size_t i = 0; !rc && i < kb->n_modules; i++) {
		struct module *m = &kb->modules[i];

		if (m->indexed)
			continue;
		rc = need_vmlinux(kb, err);
		if (!rc)
			rc = need_module(kb, m, err);
		if (!rc)
			index_functions(kb, &m->raw, m->id);
		m->indexed = !rc;
	}
	return rc;
}

static uint32_t walk_for(const struct btf_raw *r, unsigned int kind, const char *name)
{
	for (uint32_t id = r->first_id; id < r->first_id + r->n; id++) {
		const struct btf_type *t = btf_raw_type(r, id);

		if (btf_raw_kind(t) == kind && !strcmp(btf_raw_string(r, t->name_off), name))
			return id;
	}
	return 0;
}

int kernel_btf_find(const char *function)
{
	struct btf_raw r;
	int id, rc = btf_raw_vmlinux(&r, NULL);

	if (rc)
		return rc;
	id = (int)walk_for(&r, BTF_KIND_FUNC, function);
	btf_raw_free(&r);
	return id ? id : -ENOENT;
}

/* Nobody said that this one would be asked for. */
static int search(struct kernel_btf *kb, unsigned int kind, const char *name, struct function *f)
{
	int rc = need_vmlinux(kb, NULL);

	if (rc)
		return rc;
	*f = (struct function){.btf_id = walk_for(&kb->vmlinux, kind, name)};
	if (!f->btf_id)
		rc = kb->modules_known ? 0 : list_modules(kb, NULL);
	for (size_t i = 0; !rc && !f->btf_id && i < kb->n_modules; i++) {
		rc = need_module(kb, &kb->modules[i], NULL);
		if (!rc)
			*f = (struct function){walk_for(&kb->modules[i].raw, kind, name),
					       kb->modules[i].id};
	}
	return rc;
}

static int find_function(struct kernel_btf *kb, const char *name, struct function *f)
{
	int rc, i = name_set_find(&kb->names, name);

	if (i < 0)
		return search(kb, BTF_KIND_FUNC, name, f);
	rc = index_vmlinux(kb, NULL);
	if (!rc && !kb->functions[i].btf_id)
		rc = index_modules(kb, NULL);
	*f = kb->functions[i];
	return rc;
}

int kernel_btf_func(struct kernel_btf *kb, const char *name, int *obj_fd, uint32_t *btf_id)
{
	struct function f = {0};
	struct module *m;
	int rc = find_function(kb, name, &f);

	if (rc)
		return rc;
	if (!f.btf_id)
		return -ENOENT;
	if (btf_id)
		*btf_id = f.btf_id;
	if (!obj_fd)
		return 0;
	*obj_fd = 0;
	m = f.module ? module_by_id(kb, f.module) : NULL;
	if (!m)
		return 0;
	rc = need_fd(m);
	m->held = true;
	*obj_fd = m->fd;
	return rc;
}

/* DECLARE_TRACE makes `typedef void (*btf_trace_NAME)(void *, …)`. */
static int typedef_args(const struct btf_raw *r, const struct btf_type *t)
{
	t = btf_raw_type(r, t->type);
	if (!t || btf_raw_kind(t) != BTF_KIND_PTR)
		return -ENOENT;
	t = btf_raw_type(r, t->type);
	if (!t || btf_raw_kind(t) != BTF_KIND_FUNC_PROTO || !btf_raw_vlen(t))
		return -ENOENT;
	return (int)btf_raw_vlen(t) - 1;
}

int kernel_btf_tracepoint(struct kernel_btf *kb, const char *name, uint32_t *btf_id)
{
	static const char prefix[] = "btf_trace_";
	const struct btf_raw *r = &kb->vmlinux;
	int rc = need_vmlinux(kb, NULL);

	for (uint32_t id = r->first_id; !rc && id < r->first_id + r->n; id++) {
		const struct btf_type *t = btf_raw_type(r, id);
		const char *s = btf_raw_string(r, t->name_off);

		if (btf_raw_kind(t) == BTF_KIND_TYPEDEF && *s == 'b' &&
		    !strncmp(s, prefix, sizeof(prefix) - 1) &&
		    !strcmp(s + sizeof(prefix) - 1, name)) {
			if (btf_id)
				*btf_id = id;
			return typedef_args(r, t);
		}
	}
	return rc ? rc : -ENOENT;
}

void kernel_btf_refresh(struct kernel_btf *kb)
{
	kb->modules_known = false;
	/* What went away must not be found any more; what came is indexed when it is missed. */
	list_modules(kb, NULL);
	for (size_t i = 0; i < kb->n_modules; i++)
		if (!kb->modules[i].indexed)
			kb->modules_known = false;
}

/* --- types --- */

bool kernel_btf_has_struct(struct kernel_btf *kb, const char *name)
{
	struct function f = {0};

	return !search(kb, BTF_KIND_STRUCT, name, &f) && f.btf_id;
}

static int write_core(struct kernel_btf *kb, const struct btf *btf, struct error *err)
{
	uint32_t size;
	const char *data = btf__raw_data(btf, &size);

	if (!data)
		return fail(err, -ENOMEM, "out of memory");
	if (ftruncate(kb->core, 0) || pwrite(kb->core, data, size, 0) != (ssize_t)size)
		return fail(err, -errno, "writing %u bytes to memory: %s", size, strerror(errno));
	return 0;
}

int kernel_btf_core(struct kernel_btf *kb, const struct btf *object, struct error *err)
{
	const struct btf_raw **sources = NULL;
	struct btf *btf = NULL;
	int rc = need_vmlinux(kb, err);

	if (!rc && !kb->modules_known)
		rc = list_modules(kb, err);
	for (size_t i = 0; !rc && i < kb->n_modules; i++)
		rc = need_module(kb, &kb->modules[i], err);
	if (rc)
		return rc;
	sources = calloc(kb->n_modules + 1, sizeof(*sources));
	if (!sources)
		return fail(err, -ENOMEM, "out of memory");
	sources[0] = &kb->vmlinux;
	for (size_t i = 0; i < kb->n_modules; i++)
		sources[i + 1] = &kb->modules[i].raw;
	rc = btf_core_build(sources, kb->n_modules + 1, object, &btf, err);
	if (!rc)
		rc = write_core(kb, btf, err);
	btf__free(btf);
	free(sources);
	return rc;
}

const char *kernel_btf_core_path(const struct kernel_btf *kb)
{
	return kb->core_path;
}

/* --- what libbpf calls --- */

/*
 * The type that the section was registered with is another one: for BPF_PROG_TYPE_TRACING libbpf
 * loads the kernel's BTF by itself (prog_needs_vmlinux_btf()). It takes the type when this has
 * returned (bpf_object_load_prog()).
 */
static int prepare_load(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	const char *name = strchr(bpf_program__section_name(prog), '/');
	struct kernel_btf *kb = (struct kernel_btf *)cookie;
	int fd = 0, rc;
	uint32_t id;

	if (!name)
		return -EINVAL;
	if (bpf_program__expected_attach_type(prog) == BPF_TRACE_RAW_TP)
		rc = kernel_btf_tracepoint(kb, name + 1, &id);
	else
		rc = kernel_btf_func(kb, name + 1, &fd, &id);
	if (rc < 0)
		return rc;
	opts->attach_btf_id = id;
	opts->attach_btf_obj_fd = (uint32_t)fd;
	return bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
}

struct bpf_link *kernel_btf_attach(const struct bpf_program *prog)
{
	return bpf_program__attach_trace(prog);
}

/*
 * libbpf 1.1 keeps a freed array when its last handler is taken away (libbpf_unregister_prog_handler()
 * shrinks it to nothing by realloc()), and the next one is written there. So one stays for ever.
 */
static int keep_one_section(void)
{
	static int kept = -1;

	if (kept < 0)
		kept = libbpf_register_prog_handler("nfpath.none", BPF_PROG_TYPE_RAW_TRACEPOINT, 0,
						    NULL);
	return kept < 0 ? kept : 0;
}

static int register_sections(struct kernel_btf *kb)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = (long)kb,
		    .prog_prepare_load_fn = prepare_load);
	static const struct {
		const char *section;
		enum bpf_attach_type attach;
	} types[] = {{"fentry+", BPF_TRACE_FENTRY},
		     {"fexit+", BPF_TRACE_FEXIT},
		     {"tp_btf+", BPF_TRACE_RAW_TP}};
	int rc = keep_one_section();

	if (rc)
		return rc;
	for (int i = 0; i < 3; i++) {
		kb->handlers[i] = libbpf_register_prog_handler(
			types[i].section, BPF_PROG_TYPE_RAW_TRACEPOINT, types[i].attach, &opts);
		if (kb->handlers[i] < 0)
			return kb->handlers[i];
	}
	return 0;
}

/* --- life --- */

static int open_all(struct kernel_btf *kb, const char *const *functions, struct error *err)
{
	int rc = 0;

	for (; !rc && *functions; functions++)
		rc = name_set_add(&kb->names, *functions);
	name_set_close(&kb->names);
	kb->functions = calloc(kb->names.n + 1, sizeof(*kb->functions));
	if (rc || !kb->functions)
		return fail(err, -ENOMEM, "out of memory");
	kb->core = fd_high(memfd_create("nfpath-btf", MFD_CLOEXEC));
	if (kb->core < 0)
		return fail(err, -errno, "memfd_create: %s", strerror(errno));
	snprintf(kb->core_path, sizeof(kb->core_path), "/proc/self/fd/%d", kb->core);
	rc = register_sections(kb);
	if (rc < 0)
		return fail(err, rc, "libbpf takes no section of ours: %s", strerror(-rc));
	return index_vmlinux(kb, err);
}

struct kernel_btf *kernel_btf_open(const char *const *functions, const char *const *modules,
				   struct error *err)
{
	struct kernel_btf *kb = calloc(1, sizeof(*kb));

	if (!kb) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	kb->wanted = modules;
	kb->core = -1;
	if (open_all(kb, functions, err)) {
		kernel_btf_free(kb);
		return NULL;
	}
	return kb;
}

void kernel_btf_rest(struct kernel_btf *kb)
{
	for (size_t i = 0; i < kb->n_modules; i++) {
		struct module *m = &kb->modules[i];

		if (m->held)
			btf_raw_free(&m->raw);
		else
			close_module(m);
	}
	btf_raw_free(&kb->vmlinux);
	if (ftruncate(kb->core, 0))
		return; /* it keeps some memory; nothing is wrong */
}

void kernel_btf_free(struct kernel_btf *kb)
{
	if (!kb)
		return;
	for (int i = 0; i < 3; i++)
		if (kb->handlers[i] > 0)
			libbpf_unregister_prog_handler(kb->handlers[i]);
	while (kb->n_modules)
		close_module(&kb->modules[--kb->n_modules]);
	btf_raw_free(&kb->vmlinux);
	if (kb->core >= 0)
		close(kb->core);
	free(kb->modules);
	free(kb->functions);
	name_set_free(&kb->names);
	free(kb);
}
