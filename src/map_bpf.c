// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/map_bpf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/bpf_alone.h"
#include "src/netns.h"

/* Loading the program takes as much CPU as asking for so many maps (docs/performance.md). */
enum { WORTH = 500 };
/* A list is not longer than this, in runs of NFP_MAPS sets; what seems to be has changed meanwhile.
 */
enum { RUNS_MAX = 1 << 14 };

struct map_bpf {
	struct map_reader reader; /* its ctx is this struct */
	int netns_fd;
	bool tried;
	struct alone_bpf *skel; /* NULL: not loaded, or refused */
};

static struct nfp_maps_read *loaded(struct map_bpf *b)
{
	/* Where the structs are that it reads. */
	static const char *const modules[] = {"nf_tables", NULL};
	struct error err = {0};

	if (!b->tried)
		b->skel = bpf_alone_open("map_read", modules, "reads maps", &err);
	b->tried = true;
	return b->skel ? &b->skel->bss->maps : NULL;
}

static int tell(const struct nfp_maps_read *m, map_cb cb, void *data)
{
	struct map_elem v[NFP_MAP_ELEMS];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < m->n_maps && i < NFP_MAPS; i++) {
		const struct nfp_map *map = &m->maps[i];

		if (map->n > NFP_MAP_ELEMS || map->first > NFP_MAPS_ELEMS - map->n)
			return -EFAULT;
		for (uint32_t k = 0; k < map->n; k++) {
			const struct nfp_map_elem *e = &m->elems[map->first + k];

			v[k] = (struct map_elem){.key = e->key, .code = e->code, .chain = e->chain};
		}
		rc = cb(map->handle, v, map->n, data);
	}
	return rc;
}

/* Run by run, as long as the cursor goes on: the list may be another one by now. */
static int read_all(struct map_bpf *b, struct nfp_maps_read *m, map_cb cb, void *data)
{
	unsigned int runs = 0;
	uint64_t cursor;
	int rc;

	do {
		cursor = m->cursor;
		rc = bpf_alone_run(b->skel->progs.map_read);
		if (!rc && m->state == NFP_MAPS_UNREADABLE)
			rc = -EFAULT;
		if (!rc && m->state == NFP_MAPS_CHANGED)
			rc = -EAGAIN;
		if (!rc)
			rc = tell(m, cb, data);
		if (!rc && m->state == NFP_MAPS_MORE && (m->cursor == cursor || ++runs == RUNS_MAX))
			rc = -EAGAIN;
	} while (!rc && m->state == NFP_MAPS_MORE);
	return rc;
}

static int read_table(void *ctx, uint8_t family, uint64_t table, map_cb cb, void *data)
{
	struct map_bpf *b = ctx;
	struct nfp_maps_read *m = loaded(b);
	int rc, token;

	if (!m)
		return -EOPNOTSUPP;
	token = netns_enter(b->netns_fd);
	if (token < 0)
		return token;
	m->table = table;
	m->family = family;
	m->inactive = 0;
	m->table_at = m->cursor_at = m->cursor = 0;
	rc = read_all(b, m, cb, data);
	netns_leave(token);
	return rc;
}

struct map_reader *map_bpf_new(int netns_fd)
{
	struct map_bpf *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->netns_fd = netns_fd;
	b->reader = (struct map_reader){.read = read_table, .ctx = b, .worth = WORTH};
	return &b->reader;
}

void map_bpf_free(struct map_reader *reader)
{
	struct map_bpf *b = reader ? reader->ctx : NULL;

	if (!b)
		return;
	alone_bpf__destroy(b->skel);
	free(b);
}
