// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/kernel_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "src/fd.h"

#define KALLSYMS "/proc/kallsyms"

/* Farther from a symbol than any function is long: the address belongs to code that we have no
 * symbol of. */
#define SYMBOL_REACH 0x40000

enum { TEXT = 248, CACHED = 1024, CHUNK = 1 << 16 };

/* What the program reads and writes. */
struct question {
	uint64_t addr;
	char text[TEXT];
};

struct answer {
	uint64_t addr; /* 0: free */
	char *text;
};

struct symbol {
	uint64_t addr;
	uint32_t name; /* offset into names */
};

struct kernel_symbols {
	int prog, question, format; /* prog -1: there is none, and the table serves */
	struct question *asked;	    /* the value of the map question */
	struct answer cache[CACHED];
	unsigned int n_cached;

	bool table_read;
	struct symbol *symbols; /* by address */
	size_t n_symbols, cap_symbols;
	char *names;
	size_t names_len, names_cap;
};

/* --- asking the kernel --- */

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define MOV(reg, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value)
/* The address of a map's value, and an offset. */
#define VALUE(reg, map, at)                                                                        \
	INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_VALUE, 0, map), INSN(0, 0, 0, 0, at)

/* bpf_snprintf() takes its format from memory that nobody can change any more. */
static int make_format(struct kernel_symbols *ks)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);
	char format[8] = "%pS";
	uint32_t zero = 0;

	ks->format = fd_high(
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "nfpath_format", 4, sizeof(format), 1, &opts));
	if (ks->format < 0 || bpf_map_update_elem(ks->format, &zero, format, BPF_ANY) ||
	    bpf_map_freeze(ks->format))
		return -errno;
	return 0;
}

/*
 * It is asked while packets are traced, and during a system call about a map's element no program at a
 * kprobe runs on that CPU (bpf_disable_instrumentation()): a packet that interrupts it would be missed.
 * So the question is written, and the answer read, in the map's memory.
 */
static int make_question(struct kernel_symbols *ks)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	void *value;

	ks->question = fd_high(bpf_map_create(BPF_MAP_TYPE_ARRAY, "nfpath_symbol", 4,
					      sizeof(*ks->asked), 1, &opts));
	if (ks->question < 0)
		return -errno;
	value = mmap(NULL, sizeof(*ks->asked), PROT_READ | PROT_WRITE, MAP_SHARED, ks->question, 0);
	if (value == MAP_FAILED)
		return -errno;
	ks->asked = value;
	return 0;
}

/* A raw tracepoint program that is attached to nothing: bpf_prog_test_run() runs it. */
static int make_program(struct kernel_symbols *ks)
{
	int rc = make_format(ks);

	rc = rc ? rc : make_question(ks);
	if (rc)
		return rc;
	const struct bpf_insn insns[] = {
		VALUE(BPF_REG_1, ks->question, offsetof(struct question, text)),
		MOV(BPF_REG_2, TEXT),
		VALUE(BPF_REG_3, ks->format, 0),
		VALUE(BPF_REG_4, ks->question, offsetof(struct question, addr)),
		MOV(BPF_REG_5, sizeof(uint64_t)),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_snprintf),
		MOV(BPF_REG_0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	ks->prog = fd_high(bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "nfpath_symbol", "GPL",
					 insns, sizeof(insns) / sizeof(insns[0]), NULL));
	return ks->prog < 0 ? -errno : 0;
}

static void drop_program(struct kernel_symbols *ks)
{
	int *fds[] = {&ks->prog, &ks->question, &ks->format};

	if (ks->asked)
		munmap(ks->asked, sizeof(*ks->asked));
	ks->asked = NULL;
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* "nf_hook_slow+0xb3/0x120", " [module]" behind it for some; "0xffff…" for what has no name. */
static int ask(const struct kernel_symbols *ks, uint64_t addr, struct question *q)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);

	*ks->asked = (struct question){.addr = addr};
	if (bpf_prog_test_run_opts(ks->prog, &run))
		return -errno;
	*q = *ks->asked;
	q->text[TEXT - 1] = 0;
	q->text[strcspn(q->text, "/ ")] = 0;
	return *q->text ? 0 : -ENOENT;
}

static void forget_answers(struct kernel_symbols *ks)
{
	for (size_t i = 0; i < CACHED; i++)
		free(ks->cache[i].text);
	memset(ks->cache, 0, sizeof(ks->cache));
	ks->n_cached = 0;
}

/* Drops come by the thousand, from a handful of places. */
static const char *answer(struct kernel_symbols *ks, uint64_t addr)
{
	size_t i = addr * 0x9e3779b97f4a7c15ULL >> 54;
	struct question q;

	_Static_assert(CACHED == 1 << (64 - 54), "the index has as many bits as the cache");
	while (ks->cache[i].addr && ks->cache[i].addr != addr)
		i = (i + 1) % CACHED;
	if (ks->cache[i].addr)
		return ks->cache[i].text;
	if (ask(ks, addr, &q))
		return NULL;
	if (ks->n_cached > CACHED / 2) {
		forget_answers(ks);
		i = 0;
	}
	ks->cache[i].text = strdup(q.text);
	if (!ks->cache[i].text)
		return NULL;
	ks->cache[i].addr = addr;
	ks->n_cached++;
	return ks->cache[i].text;
}

/* --- the table --- */

static void forget_table(struct kernel_symbols *ks)
{
	free(ks->symbols);
	free(ks->names);
	ks->symbols = NULL;
	ks->names = NULL;
	ks->n_symbols = ks->cap_symbols = ks->names_len = ks->names_cap = 0;
}

static int keep_name(struct kernel_symbols *ks, const char *name, size_t len, uint32_t *offset)
{
	size_t cap = ks->names_cap;
	char *grown;

	if (ks->names_len + len + 1 > cap) {
		cap = cap ? cap * 2 : 1 << 20;
		grown = realloc(ks->names, cap);
		if (!grown)
			return -ENOMEM;
		ks->names = grown;
		ks->names_cap = cap;
	}
	*offset = ks->names_len;
	memcpy(ks->names + ks->names_len, name, len);
	ks->names[ks->names_len + len] = 0;
	ks->names_len += len + 1;
	return 0;
}

static int keep_symbol(struct kernel_symbols *ks, uint64_t addr, const char *name, size_t len)
{
	size_t cap = ks->cap_symbols;
	struct symbol *grown;
	uint32_t offset;

	if (ks->n_symbols == cap) {
		cap = cap ? cap * 2 : 1 << 15;
		grown = realloc(ks->symbols, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		ks->symbols = grown;
		ks->cap_symbols = cap;
	}
	if (keep_name(ks, name, len, &offset))
		return -ENOMEM;
	ks->symbols[ks->n_symbols++] = (struct symbol){.addr = addr, .name = offset};
	return 0;
}

/* Of several names of one address the first one in the file comes first. */
static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* A hexadecimal number that ends with a blank; 0: none such. */
static uint64_t hex(const char **at)
{
	const char *p = *at;
	uint64_t v = 0;

	for (;; p++) {
		if (*p >= '0' && *p <= '9')
			v = v << 4 | (uint64_t)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			v = v << 4 | (uint64_t)(*p - 'a' + 10);
		else
			break;
	}
	*at = p + 1;
	return *p == ' ' ? v : 0;
}

/*
 * Lines are "ffffffff81000000 T _text", with a tab and "[module]" for modules; line ends with a
 * newline. Hidden addresses are all zero. Only code is kept.
 */
static int take_line(struct kernel_symbols *ks, const char *line)
{
	uint64_t addr = hex(&line);

	if (!addr || (*line != 't' && *line != 'T' && *line != 'w' && *line != 'W') ||
	    line[1] != ' ')
		return 0;
	line += 2;
	return keep_symbol(ks, addr, line, strcspn(line, " \t\n"));
}

/* There are a quarter of a million lines, while packets wait: neither sscanf() nor stdio. */
static int read_lines(struct kernel_symbols *ks, int fd, char *buf)
{
	size_t have = 0;
	ssize_t n;
	int rc = 0;

	while (!rc && (n = read(fd, buf + have, CHUNK - have)) > 0) {
		char *line = buf, *end;

		have += n;
		while (!rc && (end = memchr(line, '\n', buf + have - line))) {
			rc = take_line(ks, line);
			line = end + 1;
		}
		have = buf + have - line;
		memmove(buf, line, have);
		if (have == CHUNK)
			return -EBADMSG;
	}
	return rc;
}

static void read_table(struct kernel_symbols *ks)
{
	int fd = open(KALLSYMS, O_RDONLY | O_CLOEXEC);
	char *buf = malloc(CHUNK);

	ks->table_read = true;
	if (fd >= 0 && buf && !read_lines(ks, fd, buf) && ks->n_symbols)
		qsort(ks->symbols, ks->n_symbols, sizeof(*ks->symbols), by_address);
	else
		forget_table(ks);
	free(buf);
	if (fd >= 0)
		close(fd);
}

static const struct symbol *find_symbol(const struct kernel_symbols *ks, uint64_t addr)
{
	size_t lo = 0, hi = ks->n_symbols, mid;
	const struct symbol *s;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (ks->symbols[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	s = &ks->symbols[lo - 1];
	while (s > ks->symbols && s[-1].addr == s->addr)
		s--;
	return addr - s->addr < SYMBOL_REACH ? s : NULL;
}

static bool in_table(struct kernel_symbols *ks, uint64_t addr, char *buf, size_t len)
{
	const struct symbol *s;

	if (!ks->table_read)
		read_table(ks);
	s = find_symbol(ks, addr);
	if (s)
		snprintf(buf, len, "%s+0x%llx", ks->names + s->name,
			 (unsigned long long)(addr - s->addr));
	return s;
}

/* --- both --- */

struct kernel_symbols *kernel_symbols_open(bool table)
{
	struct kernel_symbols *ks = calloc(1, sizeof(*ks));

	if (!ks)
		return NULL;
	ks->prog = ks->question = ks->format = -1;
	if (!table && make_program(ks))
		drop_program(ks);
	return ks;
}

void kernel_symbols_free(struct kernel_symbols *ks)
{
	if (!ks)
		return;
	drop_program(ks);
	forget_answers(ks);
	forget_table(ks);
	free(ks);
}

bool kernel_symbols_find(struct kernel_symbols *ks, uint64_t addr, char *buf, size_t len)
{
	const char *text = ks->prog >= 0 ? answer(ks, addr) : NULL;
	bool known = text && strncmp(text, "0x", 2);

	if (known)
		snprintf(buf, len, "%s", text);
	else if (!text)
		known = in_table(ks, addr, buf, len);
	if (!known)
		snprintf(buf, len, "0x%llx", (unsigned long long)addr);
	return known;
}

/* The table has an address, of what is there without any module, or hides all. */
static int probe_table(struct error *why)
{
	FILE *f = fopen(KALLSYMS, "re");
	uint64_t addr = 0;
	char line[512];

	if (!f)
		return fail(why, -errno, KALLSYMS ": %s", strerror(errno));
	while (!addr && fgets(line, sizeof(line), f))
		addr = strtoull(line, NULL, 16);
	fclose(f);
	if (!addr)
		return fail(why, -EPERM,
			    "the kernel hides its addresses (kernel.kptr_restrict, or no "
			    "CAP_SYSLOG), and names none for a BPF program");
	return fail(why, 0, "by " KALLSYMS ": the kernel names none for a BPF program");
}

int kernel_symbols_probe(struct error *why)
{
	struct kernel_symbols *ks = kernel_symbols_open(false);
	struct question q;
	int rc;

	if (!ks)
		return fail(why, -ENOMEM, "out of memory");
	rc = ks->prog >= 0 && !ask(ks, 1, &q) ? 0 : probe_table(why);
	kernel_symbols_free(ks);
	return rc;
}
