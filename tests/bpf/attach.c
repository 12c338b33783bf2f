// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attach OBJECT plain|small: loads and attaches tests/bpf/attach.bpf.c, by libbpf alone or with
 * src/kernel_btf.h, says what that cost ("cost PHASE NANOSECONDS"; in a virtual machine with
 * -icount a nanosecond is an instruction), what CO-RE made of it ("fact NUMBER VALUE") and that it
 * is attached; when its stdin ends, how often each program ran ("ran NUMBER TIMES").
 * attach OBJECT later: with src/kernel_btf.h; each line of stdin has it look anew CLOCK_PROCESS_CPUTIME_ID functions
 * there are ("has FUNCTION", "lacks FUNCTION"), and load and attach with what is there.
 */
#include <errno.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "src/kernel_btf.h"
#include "tests/bpf/attach.h"

static const char *const functions[] = {
	"nft_do_chain",	   "nft_immediate_eval", "nft_lookup_eval", "nft_counter_eval",
	"nft_dynset_eval", "nft_objref_eval",	 "nft_meta_set_eval", "nft_payload_set_eval",
	"nft_log_eval",	   "nf_hook_slow",	 "nf_tables_commit",  NULL,
};
static const char *const modules[] = {"nf_tables", "nft_*", "nf_*", "x_tables", NULL};

/* Of this process: what it waits for is nobody's cost. */
static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* libbpf's calls of bpf(2) come by here: the linker prefers ours. */
static uint64_t in_load, in_link, in_other;
static unsigned int calls;

long syscall(long nr, ...)
{
	uint64_t began = now();
	va_list ap;
	long a[6], rc;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	__asm__ volatile("mov %5, %%r10; mov %6, %%r8; mov %7, %%r9; syscall"
			 : "=a"(rc)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(a[3]), "r"(a[4]), "r"(a[5])
			 : "rcx", "r11", "r8", "r9", "r10", "memory");
	if (nr == SYS_bpf) {
		calls++;
		if (a[0] == BPF_PROG_LOAD)
			in_load += now() - began;
		else if (a[0] == BPF_LINK_CREATE || a[0] == BPF_RAW_TRACEPOINT_OPEN)
			in_link += now() - began;
		else
			in_other += now() - began;
	}
	if (rc < 0 && rc > -4096) {
		errno = (int)-rc;
		return -1;
	}
	return rc;
}

/* Of this program alone: getrusage() remembers who it was before exec. */
static long peak_rss(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kib = -1;

	while (f && kib < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmHWM:", 6))
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static void cost(const char *phase, uint64_t since)
{
	printf("cost %s %llu\n", phase, (unsigned long long)(now() - since));
}

static void cost_of(const char *phase, uint64_t ns)
{
	printf("cost %s %llu\n", phase, (unsigned long long)ns);
}

static void die(const char *what, int rc)
{
	fprintf(stderr, "attach: %s: %s\n", what, strerror(rc < 0 ? -rc : rc));
	exit(1);
}

static const char *function_of(const struct bpf_program *p)
{
	const char *name = strchr(bpf_program__section_name(p), '/');

	return name ? name + 1 : "";
}

static bool is_tell(const struct bpf_program *p)
{
	return !strcmp(bpf_program__name(p), "tell");
}

/* Plain libbpf finds out by failing; whoever uses it looks by hand, in each BTF that may have it. */
static bool plain_has(const struct btf *vmlinux, const char *name)
{
	static const char *const files[] = {"nf_tables", "nft_log", "nft_objref", "nft_counter"};
	bool found = btf__find_by_name_kind(vmlinux, name, BTF_KIND_FUNC) > 0;

	for (int i = 0; i < 4 && !found; i++) {
		struct btf *btf = btf__load_module_btf(files[i], (struct btf *)vmlinux);

		found = btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
		btf__free(btf);
	}
	return found;
}

static void choose(struct bpf_object *obj, struct kernel_btf *kb)
{
	struct btf *vmlinux = kb ? NULL : btf__load_vmlinux_btf();
	struct bpf_program *p;

	bpf_object__for_each_program(p, obj)
	{
		const char *name = function_of(p);

		if (is_tell(p))
			continue;
		if (!(kb ? !kernel_btf_func(kb, name, NULL, NULL) : plain_has(vmlinux, name)))
			bpf_program__set_autoload(p, false);
	}
	btf__free(vmlinux);
}

static unsigned int attach(struct bpf_object *obj, struct kernel_btf *kb)
{
	struct bpf_program *p;
	unsigned int n = 0;

	bpf_object__for_each_program(p, obj)
	{
		struct bpf_link *link;

		if (!bpf_program__autoload(p) || is_tell(p))
			continue;
		link = kb ? kernel_btf_attach(p) : bpf_program__attach(p);
		if (!link)
			die(bpf_program__name(p), errno);
		printf("attached %s\n", bpf_program__name(p));
		n++;
	}
	return n;
}

static const struct told *told_of(struct bpf_object *obj)
{
	static struct told b;
	struct bpf_map *m;
	uint32_t zero = 0;

	bpf_object__for_each_map(m, obj)
	{
		if (!strstr(bpf_map__name(m), ".bss"))
			continue;
		if (bpf_map__value_size(m) != sizeof(b) ||
		    bpf_map_lookup_elem(bpf_map__fd(m), &zero, &b))
			break;
		return &b;
	}
	die(".bss", EINVAL);
	return NULL;
}

static void tell(struct bpf_object *obj)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	const struct told *b;
	int rc = bpf_prog_test_run_opts(
		bpf_program__fd(bpf_object__find_program_by_name(obj, "tell")), &opts);

	if (rc)
		die("tell", rc);
	b = told_of(obj);
	for (int i = 0; i < FACTS; i++)
		printf("fact %d %llu\n", i, (unsigned long long)b->facts[i]);
}

static struct bpf_object *load(const char *path, struct kernel_btf *kb)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .btf_custom_path = kb ? kernel_btf_core_path(kb) : NULL);
	struct error err = {0};
	struct bpf_object *obj;
	uint64_t t = now(), before;
	int rc;

	obj = bpf_object__open_file(path, &opts);
	if (!obj)
		die(path, errno);
	cost("open", t);
	t = now();
	choose(obj, kb);
	cost("functions", t);
	t = now();
	if (kb && kernel_btf_core(kb, bpf_object__btf(obj), &err)) {
		fprintf(stderr, "attach: %s\n", err.text);
		exit(1);
	}
	cost("core", t);
	t = now();
	before = in_load + in_other;
	rc = bpf_object__load(obj);
	if (rc)
		die("load", rc);
	cost("load", t);
	cost_of("load-libbpf", now() - t - (in_load + in_other - before));
	cost_of("load-verification", in_load);
	if (kb)
		kernel_btf_rest(kb);
	t = now();
	printf("attached %u\n", attach(obj, kb));
	cost("attach", t);
	return obj;
}

static void later(const char *path, struct kernel_btf *kb)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		kernel_btf_refresh(kb);
		for (int i = 0; functions[i]; i++)
			printf("%s %s\n", kernel_btf_func(kb, functions[i], NULL, NULL) ? "lacks" : "has",
			       functions[i]);
		bpf_object__close(load(path, kb));
		puts("ready");
	}
}

int main(int argc, char **argv)
{
	bool small = argc > 2 && strcmp(argv[2], "plain");
	struct kernel_btf *kb = NULL;
	uint64_t start = now(), t = start;
	struct bpf_object *obj;
	struct error err = {0};
	const struct told *b;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3)
		die("attach OBJECT plain|small|later", EINVAL);
	if (small)
		kb = kernel_btf_open(functions, modules, &err);
	if (small && !kb) {
		fprintf(stderr, "attach: %s\n", err.text);
		return 1;
	}
	cost("index", t);
	if (!strcmp(argv[2], "later")) {
		later(argv[1], kb);
		kernel_btf_free(kb);
		return 0;
	}
	obj = load(argv[1], kb);
	cost("total", start);
	cost_of("bpf-calls", calls);
	cost_of("peak-rss-kib", (uint64_t)peak_rss());
	tell(obj);
	puts("ready");
	while (getchar() != EOF)
		;
	b = told_of(obj);
	for (int i = 0; i < ATTACH_PROGS; i++)
		printf("ran %d %llu\n", i, (unsigned long long)b->runs[i]);
	printf("chain %u %.31s\n", b->netns, b->chain);
	t = now();
	bpf_object__close(obj);
	kernel_btf_free(kb);
	cost("close", t);
	return 0;
}
