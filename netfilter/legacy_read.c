// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of iptables-legacy, by the two getsockopt() that libiptc makes too. Not by libiptc: it
 * hides the offsets of the entries and the hook numbers, which are what the kernel's own TRACE
 * counts by and what a probe of ipt_do_table() sees, so it would have to be asked beside these
 * anyway.
 */
#include <errno.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/source.h"
#include "netfilter/xt_blob.h"
#include "src/error.h"

/* Both families have the same two structs under different names. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "getinfo differs");
_Static_assert(sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries),
	       "get_entries differs");

static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};

enum { N_FAMILIES = 2 };

static int get_info(int fd, const struct xt_layout *l, const char *table, struct ipt_getinfo *info)
{
	socklen_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (strlen(table) >= sizeof(info->name))
		return -ENAMETOOLONG;
	strcpy(info->name, table);
	return getsockopt(fd, l->level, l->get_info, info, &len) ? -errno : 0;
}

/*
 * The entries of the table of which info speaks; *blob is owned by the caller. -EAGAIN: it was
 * replaced meanwhile. A new table of the same size shows in the second info only if its chains
 * moved; if they did not, info is right for it too.
 */
static int get_entries(int fd, const struct xt_layout *l, const struct ipt_getinfo *info,
		       void **blob)
{
	socklen_t len = sizeof(struct ipt_get_entries) + info->size;
	/* Zeroed: xt_obj_to_user() copies a name up to its NUL, and what lies behind it must
	 * compare equal. */
	struct ipt_get_entries *get = calloc(1, len);
	struct ipt_getinfo after;
	int rc;

	*blob = NULL;
	if (!get)
		return -ENOMEM;
	memcpy(get->name, info->name, sizeof(get->name));
	get->size = info->size;
	rc = getsockopt(fd, l->level, l->get_entries, get, &len) ? -errno : 0;
	if (!rc && len != sizeof(*get) + info->size)
		rc = -EAGAIN;
	if (!rc)
		rc = get_info(fd, l, info->name, &after);
	if (!rc && memcmp(info, &after, sizeof(after)))
		rc = -EAGAIN;
	if (rc) {
		free(get);
		return rc;
	}
	memmove(get, get->entrytable, info->size);
	*blob = get;
	return 0;
}

static int read_table(struct nf_source *s, struct ruleset *rs, uint8_t family, const char *name)
{
	const struct xt_layout *l = xt_layout_of(family);
	int fd = nf_source_raw(s, family), rc;
	struct ipt_getinfo info;
	struct rs_table *t;

	if (fd < 0)
		return fd;
	rc = get_info(fd, l, name, &info);
	if (rc)
		return rc == -ENOENT ? -EAGAIN : rc; /* its module was unloaded meanwhile */
	t = ruleset_add_table(rs, BACKEND_IPTABLES_LEGACY, family, name);
	if (!t)
		return -ENOMEM;
	rc = get_entries(fd, l, &info, &t->blob);
	if (rc)
		return rc;
	t->blob_size = info.size;
	t->valid_hooks = info.valid_hooks;
	memcpy(t->hook_entry, info.hook_entry, sizeof(t->hook_entry));
	memcpy(t->underflow, info.underflow, sizeof(t->underflow));
	return xt_blob_parse(rs, t);
}

static int table_sentence(struct error *err, int rc, uint8_t family, const char *table)
{
	const char *program = xt_layout_of(family)->program;

	if (rc == -EPERM)
		return fail(err, rc,
			    "reading the tables of %s takes CAP_NET_ADMIN and CAP_NET_RAW in the "
			    "network namespace",
			    program);
	if (rc == -EPROTO)
		return fail(err, rc,
			    "the entries of table %s of %s make no sense; see `%s-save -t %s`",
			    table, program, program, table);
	return rc == -EAGAIN ? rc
			     : fail(err, rc, "cannot read table %s of %s: %s", table, program,
				    strerror(-rc));
}

int legacy_read(struct nf_source *s, struct ruleset *rs, struct error *err)
{
	char *names, *pos, *name;
	int rc = 0;

	for (int i = 0; i < N_FAMILIES && !rc; i++) {
		rc = nf_source_legacy_names(s, families[i], &names);
		if (rc)
			return table_sentence(err, rc, families[i], "names");
		pos = names;
		while (!rc && (name = strtok_r(pos, "\n", &pos))) {
			rc = read_table(s, rs, families[i], name);
			if (rc)
				table_sentence(err, rc, families[i], name);
		}
		free(names);
	}
	return rc;
}

/* Is the entry the same but for its counters, and did those not go back? Then takes over the new
 * counters. */
static bool same_entry(const struct xt_layout *l, uint8_t *old, const uint8_t *new, uint16_t size)
{
	size_t after = l->counters + sizeof(struct xt_counters);
	struct xt_counters was, is;

	if (memcmp(old, new, l->counters) || memcmp(old + after, new + after, size - after))
		return false;
	memcpy(&was, old + l->counters, sizeof(was));
	memcpy(&is, new + l->counters, sizeof(is));
	memcpy(old + l->counters, &is, sizeof(is));
	return is.pcnt >= was.pcnt && is.bcnt >= was.bcnt;
}

static int table_changed(struct nf_source *s, struct rs_table *t)
{
	const struct xt_layout *l = xt_layout_of(t->family);
	int fd = nf_source_raw(s, t->family), rc;
	struct ipt_getinfo info;
	struct xt_entry e;
	void *blob;

	if (fd < 0)
		return fd;
	rc = get_info(fd, l, t->name, &info);
	if (rc)
		return rc == -ENOENT ? 1 : rc;
	if (info.size != t->blob_size || info.valid_hooks != t->valid_hooks ||
	    memcmp(info.hook_entry, t->hook_entry, sizeof(t->hook_entry)) ||
	    memcmp(info.underflow, t->underflow, sizeof(t->underflow)))
		return 1;
	rc = get_entries(fd, l, &info, &blob);
	if (rc)
		return rc == -EAGAIN ? 1 : rc;
	for (size_t off = 0; !rc && off < t->blob_size; off += e.next_offset) {
		uint8_t *old = (uint8_t *)t->blob + off;

		/* Cannot fail: the old blob was parsed. */
		xt_entry_at(l, old, t->blob_size - off, &e);
		rc = !same_entry(l, old, (uint8_t *)blob + off, e.next_offset);
	}
	free(blob);
	return rc;
}

/* Are the tables of this family the ones in rs? content: and the same as then? */
static int family_changed(struct nf_source *s, struct ruleset *rs, uint8_t family, bool content)
{
	char *names, *pos, *name;
	size_t n = 0, known = 0;
	struct rs_table *t;
	int rc = nf_source_legacy_names(s, family, &names);

	if (rc)
		return rc;
	for (size_t i = 0; i < rs->n_tables; i++)
		known += rs->tables[i]->family == family && rs->tables[i]->blob;
	pos = names;
	while (!rc && (name = strtok_r(pos, "\n", &pos))) {
		t = ruleset_table(rs, true, family, name);
		rc = !t ? 1 : content ? table_changed(s, t) : 0;
		n++;
	}
	free(names);
	return rc ? rc : n != known;
}

static int any_changed(struct nf_source *s, struct ruleset *rs, bool content)
{
	int rc = 0;

	for (int i = 0; i < N_FAMILIES && !rc; i++)
		rc = family_changed(s, rs, families[i], content);
	return rc;
}

int nf_source_legacy_changed(struct nf_source *s, struct ruleset *rs)
{
	return any_changed(s, rs, true);
}

int nf_source_legacy_appeared(struct nf_source *s, struct ruleset *rs)
{
	return any_changed(s, rs, false);
}
