// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/btf_raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

enum { SIZE_MAX_SANE = 64 << 20 };

/* What follows struct btf_type; negative: a kind that we do not know, so nothing after it can be
 * read. */
static long tail(const struct btf_type *t)
{
	size_t n = btf_raw_vlen(t);

	switch (btf_raw_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	default:
		return -1;
	}
}

/* Where each type lies; returns how many there are, or a negative errno. */
static long walk(const struct btf_raw *r, uint32_t *put, struct error *err)
{
	uint32_t at = 0, n = 0;

	while (at + sizeof(struct btf_type) <= r->types_len) {
		const struct btf_type *t = (const void *)(r->types + at);
		long more = tail(t);

		if (more < 0)
			return fail(err, -EOPNOTSUPP,
				    "the kernel's type information (BTF) has a kind %u that is not "
				    "known",
				    btf_raw_kind(t));
		put[n++] = at / 4;
		at += sizeof(*t) + more;
	}
	return at == r->types_len ? (long)n
				  : fail(err, -EBADMSG, "the kernel's type information is cut off");
}

static int parse(struct btf_raw *r, struct error *err)
{
	const struct btf_header *h = r->data;
	long n;

	if (r->len < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len > r->len ||
	    (uint64_t)h->hdr_len + h->type_off + h->type_len > r->len ||
	    (uint64_t)h->hdr_len + h->str_off + h->str_len > r->len || h->type_off % 4 ||
	    h->hdr_len % 4 || !h->str_len)
		return fail(err, -EBADMSG, "this is no type information (BTF)");
	r->types = (const char *)r->data + h->hdr_len + h->type_off;
	r->types_len = h->type_len;
	r->strings = (const char *)r->data + h->hdr_len + h->str_off;
	r->strings_len = h->str_len;
	if (r->strings[r->strings_len - 1])
		return fail(err, -EBADMSG, "the kernel's type information ends within a name");
	r->first_id = r->base ? r->base->first_id + r->base->n : 1;
	r->first_string = r->base ? r->base->first_string + r->base->strings_len : 0;
	/* Room for more than there can be; what is not touched costs nothing. */
	r->at = malloc((r->types_len / sizeof(struct btf_type) + 1) * sizeof(*r->at));
	if (!r->at)
		return fail(err, -ENOMEM, "out of memory");
	n = walk(r, r->at, err);
	if (n < 0)
		return (int)n;
	r->n = (uint32_t)n;
	return 0;
}

static int finish(struct btf_raw *r, int rc, struct error *err)
{
	if (!rc)
		rc = parse(r, err);
	if (rc)
		btf_raw_free(r);
	return rc;
}

/* mmap() of anonymous memory, not malloc(): it goes back to the kernel at once. */
static int room(struct btf_raw *r, size_t len, struct error *err)
{
	r->data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		       -1, 0);
	if (r->data == MAP_FAILED) {
		r->data = NULL;
		return fail(err, -ENOMEM, "out of memory");
	}
	r->len = len;
	return 0;
}

static int copy_out(struct btf_raw *r, int fd, struct error *err)
{
	struct bpf_btf_info info = {0};
	uint32_t len = sizeof(info), size;
	int rc;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return fail(err, -errno, "type information (BTF): %s", strerror(errno));
	size = info.btf_size;
	if (!size || size > SIZE_MAX_SANE)
		return fail(err, -EBADMSG, "type information (BTF) of %u bytes", size);
	rc = room(r, size, err);
	if (rc)
		return rc;
	info = (struct bpf_btf_info){.btf = (uintptr_t)r->data, .btf_size = size};
	len = sizeof(info);
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return fail(err, -errno, "type information (BTF): %s", strerror(errno));
	return 0;
}

/* Linux 6.16 lets it be mapped (btf_sysfs_vmlinux_mmap()), where it costs no memory of ours. */
static int map_file(struct btf_raw *r, int fd, size_t size)
{
	void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (data == MAP_FAILED)
		return -errno;
	r->data = data;
	r->len = size;
	return 0;
}

static int read_file(struct btf_raw *r, int fd, size_t size, struct error *err)
{
	size_t got = 0;
	int rc = room(r, size, err);
	ssize_t n;

	while (!rc && got < r->len) {
		n = read(fd, (char *)r->data + got, r->len - got);
		if (n > 0)
			got += n;
		else if (!n || errno != EINTR)
			return fail(err, n ? -errno : -EBADMSG, BTF_VMLINUX ": %s",
				    n ? strerror(errno) : "shorter than it says");
	}
	return rc;
}

/* The kernel's own is the first that is made, at boot (btf_parse_vmlinux()). One copy in one go,
 * where sysfs makes two, a page at a time; it takes more privilege. */
static int copy_first(struct btf_raw *r)
{
	char name[16] = "";
	struct bpf_btf_info info = {.name = (uintptr_t)name, .name_len = sizeof(name)};
	uint32_t id, len = sizeof(info);
	int rc, fd;

	if (bpf_btf_get_next_id(0, &id))
		return -errno;
	fd = bpf_btf_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	rc = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;
	if (!rc && (!info.kernel_btf || strcmp(name, "vmlinux")))
		rc = -ENOENT;
	if (!rc)
		rc = copy_out(r, fd, NULL);
	close(fd);
	return rc;
}

int btf_raw_vmlinux(struct btf_raw *r, struct error *err)
{
	int rc, fd = open(BTF_VMLINUX, O_RDONLY | O_CLOEXEC);
	struct stat st;

	memset(r, 0, sizeof(*r));
	if (fd < 0)
		return fail(err, -errno, BTF_VMLINUX ": %s", strerror(errno));
	rc = fstat(fd, &st) ? fail(err, -errno, BTF_VMLINUX ": %s", strerror(errno)) : 0;
	if (!rc && map_file(r, fd, st.st_size) && copy_first(r)) {
		btf_raw_free(r);
		rc = read_file(r, fd, st.st_size, err);
	}
	close(fd);
	return finish(r, rc, err);
}

int btf_raw_module(struct btf_raw *r, int fd, const struct btf_raw *base, struct error *err)
{
	memset(r, 0, sizeof(*r));
	r->base = base;
	return finish(r, copy_out(r, fd, err), err);
}

void btf_raw_free(struct btf_raw *r)
{
	free(r->at);
	if (r->data)
		munmap(r->data, r->len);
	memset(r, 0, sizeof(*r));
}

const struct btf_type *btf_raw_type(const struct btf_raw *r, uint32_t id)
{
	while (id < r->first_id) {
		if (!r->base)
			return NULL;
		r = r->base;
	}
	id -= r->first_id;
	return id < r->n ? (const void *)(r->types + (size_t)r->at[id] * 4) : NULL;
}

const char *btf_raw_string(const struct btf_raw *r, uint32_t offset)
{
	while (offset < r->first_string)
		r = r->base;
	offset -= r->first_string;
	return offset < r->strings_len ? r->strings + offset : "";
}

/* --- names --- */

/* Of the first three letters; a string of fewer ends with zeros. */
static uint32_t start_hash(const char *name)
{
	const unsigned char *c = (const unsigned char *)name;
	uint32_t h = c[0];

	if (c[0] && c[1])
		h |= (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16;
	return h * 2654435761U >> 20;
}

int name_set_add(struct name_set *s, const char *name)
{
	const char **grown;

	if (!*name)
		return 0;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		grown = realloc(s->v, s->cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->v = grown;
	}
	s->v[s->n++] = name;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void name_set_close(struct name_set *s)
{
	size_t n = 0;

	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_name);
	for (size_t i = 0; i < s->n; i++)
		if (!n || strcmp(s->v[n - 1], s->v[i]))
			s->v[n++] = s->v[i];
	s->n = n;
	memset(s->maybe, 0, sizeof(s->maybe));
	for (size_t i = 0; i < n; i++) {
		uint32_t h = start_hash(s->v[i]);

		s->maybe[h / 64] |= 1ULL << h % 64;
	}
}

int name_set_find(const struct name_set *s, const char *name)
{
	uint32_t h = start_hash(name);
	const char **hit;

	if (!(s->maybe[h / 64] >> h % 64 & 1))
		return -1;
	hit = bsearch(&name, s->v, s->n, sizeof(*s->v), by_name);
	return hit ? (int)(hit - s->v) : -1;
}

void name_set_free(struct name_set *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}
