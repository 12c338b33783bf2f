// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/unheard.h"

#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/error.h"
#include "src/kernel_btf.h"

static const struct kin {
	uint8_t family;
	const char *program, *module;
	const char *function; /* of the kernel, if it is built in */
} kin[] = {
	{NFPROTO_ARP, "arptables-legacy", "/sys/module/arp_tables", "arpt_do_table"},
	{NFPROTO_BRIDGE, "ebtables-legacy", "/sys/module/ebtables", "ebt_do_table"},
};

enum { N_KIN = sizeof(kin) / sizeof(kin[0]) };

static const struct kin *kin_of(uint8_t family)
{
	for (int i = 0; i < N_KIN; i++)
		if (kin[i].family == family)
			return &kin[i];
	return NULL;
}

static bool is_loaded(const struct kin *k)
{
	return !access(k->module, F_OK);
}

static bool has_gap(const struct hook_list *l, uint8_t family)
{
	for (size_t i = 0; i < l->n_gaps; i++)
		if (!l->gaps[i].family || l->gaps[i].family == family)
			return true;
	return false;
}

static bool is_named(const char *names, const char *name)
{
	size_t len = strlen(name);
	const char *at = names;

	for (; (at = strstr(at, name)); at += len)
		if ((at == names || at[-1] == ' ') && (!at[len] || at[len] == ','))
			return true;
	return false;
}

/* To ask the kernel for a table would make it (find_table_lock()); its functions at the hooks are there
 * if it is. */
int unheard_tables(struct hook_view *h, uint8_t family, char *buf)
{
	const struct hook_list *l = hook_view_link(h);
	const struct kin *k = kin_of(family);

	*buf = 0;
	if (!l || has_gap(l, family))
		return is_loaded(k) || kernel_btf_find(k->function) >= 0 ? -1 : 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct hook_fn *f = &l->v[i];
		size_t len = strlen(buf);

		if (f->family == family && f->kind == HOOK_LEGACY && !is_named(buf, f->table))
			snprintf(buf + len, UNHEARD_TABLES_MAX - len, "%s%s", len ? ", " : "",
				 f->table);
	}
	return *buf != 0;
}

void unheard_warn(const struct view *v, void (*warn)(void *ctx, const char *sentence), void *ctx)
{
	char tables[UNHEARD_TABLES_MAX];
	struct error text;

	for (int i = 0; i < N_KIN; i++) {
		/* What is built in is found out when a packet comes by it. */
		if (!is_loaded(&kin[i]) || unheard_tables(v->hooks, kin[i].family, tables) != 1)
			continue;
		fail(&text, 0,
		     "network namespace %s has tables of %s (%s), whose rules nfpath does not see: "
		     "a packet that comes by them is not shown as exact; `%s-save` lists them",
		     v->ns->name, kin[i].program, tables, kin[i].program);
		warn(ctx, text.text);
	}
}

/* Did it come by hooks of this family there? */
static bool came_by(const struct path *p, const struct path_place *place, uint8_t family)
{
	if (place == path_here(p) && p->last_hook != HOOK_NONE && p->last_family == family)
		return true;
	if (family == NFPROTO_BRIDGE ? place->bridge_passed
				     : place->passed && !p->packet.family &&
					       p->packet.ethertype == ETHERTYPE_ARP)
		return true;
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].type <= STEP_RETURN && p->steps[i].ns == place->ns &&
		    p->steps[i].family == family)
			return true;
	return false;
}

void unheard_doubt(struct path *p, const struct view *views)
{
	char tables[UNHEARD_TABLES_MAX];

	for (size_t i = 0; i < p->n_places && !p->alone; i++) {
		const struct path_place *place = &p->places[i];

		for (int k = 0; k < N_KIN; k++) {
			int there;

			if (!came_by(p, place, kin[k].family))
				continue;
			there = unheard_tables(views[place->ns].hooks, kin[k].family, tables);
			if (!there)
				continue;
			p->unseen = there > 0 ? path_strf(p, "the rules of %s (tables: %s)",
							  kin[k].program, tables)
					      : path_strf(p, "the rules of %s, if there are any",
							  kin[k].program);
			path_doubt(p, CERTAIN_NOT, "not all of its rules can be seen");
		}
	}
}
