// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/own_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nftables/libnftables.h>

#include "netfilter/names.h"
#include "src/error.h"
#include "src/fd.h"
#include "src/netns.h"

enum { FAMILIES = 16 };

struct own_table {
	struct nft_ctx
		*ctx; /* its socket is the owner: it stays open as long as the tables are to live */
	char name[32];
	bool owner_flag, plain;
	bool made[FAMILIES]; /* by NFPROTO_* */
};

struct own_table *own_table_open(int netns_fd, struct error *err)
{
	struct own_table *t = calloc(1, sizeof(*t));
	int token;

	if (!t) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	snprintf(t->name, sizeof(t->name), "nfpath_%d", getpid());
	t->owner_flag = true;
	if (fd_low_is_free()) {
		fail(err, -EMFILE,
		     "too many open files for one more network namespace; trace fewer of them, or "
		     "raise the limit (ulimit -n)");
		goto failed;
	}
	token = netns_enter(netns_fd);
	if (token < 0) {
		fail(err, token,
		     "cannot enter a network namespace: %s; it takes CAP_SYS_ADMIN, run nfpath as "
		     "root",
		     strerror(-token));
		goto failed;
	}
	t->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	netns_leave(token);
	if (!t->ctx) {
		fail(err, -ENOMEM, "libnftables could not start");
		goto failed;
	}
	nft_ctx_buffer_error(t->ctx);
	nft_ctx_buffer_output(t->ctx);
	return t;
failed:
	free(t);
	return NULL;
}

static int run(struct own_table *t, const char *command)
{
	errno = 0;
	if (!nft_run_cmd_from_buffer(t->ctx, command))
		return 0;
	return errno ? -errno : -EIO;
}

void own_table_close(struct own_table *t)
{
	char command[96];

	if (!t)
		return;
	for (uint8_t f = 0; f < FAMILIES; f++) {
		if (!t->made[f])
			continue;
		snprintf(command, sizeof(command), "delete table %s %s", family_name(f), t->name);
		/* With the owner flag the kernel would do it on close; this way it is gone when we
		 * return. */
		run(t, command);
	}
	nft_ctx_free(t->ctx);
	free(t);
}

const char *own_table_name(const struct own_table *t)
{
	return t->name;
}

bool own_table_owned(const struct own_table *t)
{
	return t->owner_flag;
}

static void write_chain(FILE *out, const char *table, const struct own_chain *c)
{
	if (c->replaces)
		fprintf(out, "flush chain %1$s %2$s %3$s\ndelete chain %1$s %2$s %3$s\n",
			family_name(c->family), table, c->name);
	fprintf(out, "add chain %s %s %s", family_name(c->family), table, c->name);
	if (c->hook) {
		fprintf(out, " { type filter hook %s ", c->hook);
		if (c->device)
			fprintf(out, "device \"%s\" ", c->device);
		fprintf(out, "priority %d; policy accept; }", c->priority);
	}
	fputc('\n', out);
	for (size_t i = 0; i < c->n_matches; i++)
		fprintf(out, "add rule %s %s %s %s %s\n", family_name(c->family), table, c->name,
			c->matches[i], c->action ? c->action : "");
}

static char *commands(struct own_table *t, const struct own_set *sets, size_t n_sets,
		      const struct own_chain *chains, size_t n)
{
	bool seen[FAMILIES] = {false};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		uint8_t f = chains[i].family;

		if (f < FAMILIES && !seen[f] && !t->made[f])
			fprintf(out, "add table %s %s %s\n", family_name(f), t->name,
				t->owner_flag ? "{ flags owner; }" : "");
		if (f < FAMILIES)
			seen[f] = true;
	}
	for (size_t i = 0; i < n_sets; i++)
		fprintf(out, "add set %s %s %s { %s }\n", family_name(sets[i].family), t->name,
			sets[i].name, sets[i].body);
	for (size_t i = 0; i < n; i++)
		write_chain(out, t->name, &chains[i]);
	return fclose(out) ? NULL : text;
}

int own_table_add(struct own_table *t, const struct own_set *sets, size_t n_sets,
		  const struct own_chain *chains, size_t n, struct error *err)
{
	bool first = true;
	char *text;
	int rc;

	if (!n)
		return 0;
	for (size_t i = 0; i < FAMILIES; i++)
		first &= !t->made[i];
	do {
		text = commands(t, sets, n_sets, chains, n);
		rc = text ? run(t, text) : -ENOMEM;
		free(text);
		/* A kernel before 5.12 refuses the flag: then without, once. */
	} while (rc && first && t->owner_flag && rc != -EPERM && rc != -ENOMEM &&
		 !(t->owner_flag = false));
	if (rc) {
		const char *why = nft_ctx_get_error_buffer(t->ctx);

		t->owner_flag = first ? true : t->owner_flag;
		return fail(err, rc, "cannot add the tracing table %s: %.*s", t->name,
			    why && *why ? (int)strcspn(why, "\n") : 120,
			    why && *why ? why : strerror(-rc));
	}
	for (size_t i = 0; i < n; i++)
		if (chains[i].family < FAMILIES)
			t->made[chains[i].family] = true;
	return 0;
}

int own_table_remove_stale(struct own_table *t, uint8_t family, const char *name)
{
	char command[96];

	snprintf(command, sizeof(command), "delete table %s %s", family_name(family), name);
	return run(t, command);
}
