// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/xt_ext.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <xtables.h>

/*
 * Extensions and libxtables keep their state in globals and call back without a context: so these
 * are globals too. One thread, and nothing but xt_rule_print() uses them.
 */
static struct {
	bool ready;
	jmp_buf *on_error; /* where to go on when an extension gives up */
	struct known {
		struct known *next;
		const struct xtables_match *match; /* one of the two */
		const struct xtables_target *target;
	} * known;
	struct looked_for {
		struct looked_for *next;
		uint8_t family;
		char name[XT_EXTENSION_MAXNAMELEN];
	} * looked_for;
} xt;

static void __attribute__((noreturn, format(printf, 2, 3)))
on_xtables_error(enum xtables_exittype status, const char *msg, ...)
{
	if (xt.on_error)
		longjmp(*xt.on_error, 1);
	abort(); /* every call into an extension is guarded */
}

/* Would ask the kernel, which loads the module for it. Nobody calls this, since we look extensions
 * up ourselves. */
static int on_compat_rev(const char *name, uint8_t revision, int opt)
{
	return 1;
}

struct xtables_globals *xt_ext_begin(uint8_t family)
{
	static struct option no_options[] = {{NULL, 0, NULL, 0}};
	static struct xtables_globals globals = {
		.program_name = "nfpath",
		.program_version = NFPATH_VERSION,
		.orig_opts = no_options,
		.exit_err = on_xtables_error,
		.compat_rev = on_compat_rev,
	};
	struct xtables_globals *before = xt_params;

	if (!xt.ready)
		xtables_init_all(&globals, NFPROTO_IPV4);
	else
		xtables_set_params(&globals);
	xt.ready = true;
	xtables_set_nfproto(family);
	return before ? before : &globals;
}

void xt_ext_end(struct xtables_globals *before)
{
	xtables_set_params(before);
}

static void remember(const struct xtables_match *match, const struct xtables_target *target)
{
	const char *version = match ? match->version : target->version;
	struct known *k;

	if (!version || strcmp(version, XTABLES_VERSION))
		return;
	k = calloc(1, sizeof(*k));
	if (!k)
		return; /* it will print as unknown */
	k->match = match;
	k->target = target;
	k->next = xt.known;
	xt.known = k;
}

/*
 * The constructors of extensions call these instead of the functions of the same names in
 * libxtables, since the dynamic linker looks in the program first. Those keep extensions of one
 * address family only, whichever was set when the file was loaded, and of each only the highest
 * revision that the kernel has; a rule of either family may carry any revision. They are called all
 * the same, for libnftables.
 */
void xtables_register_matches(struct xtables_match *match, unsigned int n)
{
	void (*next)(struct xtables_match *, unsigned int) = dlsym(RTLD_NEXT, __func__);

	if (next)
		next(match, n);
	while (n--)
		remember(match++, NULL);
}

void xtables_register_targets(struct xtables_target *target, unsigned int n)
{
	void (*next)(struct xtables_target *, unsigned int) = dlsym(RTLD_NEXT, __func__);

	if (next)
		next(target, n);
	while (n--)
		remember(NULL, target++);
}

void xtables_register_match(struct xtables_match *me)
{
	void (*next)(struct xtables_match *) = dlsym(RTLD_NEXT, __func__);

	if (next)
		next(me);
	remember(me, NULL);
}

void xtables_register_target(struct xtables_target *me)
{
	void (*next)(struct xtables_target *) = dlsym(RTLD_NEXT, __func__);

	if (next)
		next(me);
	remember(NULL, me);
}

static bool load_file(const char *dir, size_t len, const char *prefix, const char *name)
{
	bool loaded = false;
	char *path;

	if (asprintf(&path, "%.*s/%s%s.so", (int)len, dir, prefix, name) < 0)
		return false;
	/* Stays for ever: the lists point into it. */
	loaded = dlopen(path, RTLD_NOW) != NULL;
	free(path);
	return loaded;
}

/* Loads the file of an extension, once; where libxtables finds it (load_extension). */
static void load(const char *name, uint8_t family)
{
	const char *own = family == NFPROTO_IPV6 ? "libip6t_" : "libipt_", *dirs;
	struct looked_for *l;

	for (l = xt.looked_for; l; l = l->next)
		if (l->family == family && !strcmp(l->name, name))
			return;
	l = calloc(1, sizeof(*l));
	if (!l)
		return;
	l->family = family;
	strncpy(l->name, name, sizeof(l->name) - 1);
	l->next = xt.looked_for;
	xt.looked_for = l;
	dirs = secure_getenv("XTABLES_LIBDIR");
	for (dirs = dirs ? dirs : NFPATH_XTLIBDIR; *dirs; dirs += *dirs == ':') {
		size_t len = strcspn(dirs, ":");

		if (load_file(dirs, len, own, name) || load_file(dirs, len, "libxt_", name))
			return;
		dirs += len;
	}
}

static bool fits(const char *name, uint8_t revision, uint8_t family, const char *has_name,
		 uint8_t has_revision, uint16_t has_family)
{
	return revision == has_revision && !strcmp(name, has_name) &&
	       (family == has_family || has_family == NFPROTO_UNSPEC);
}

/* One made for this family is better than one for all. */
static const struct xtables_match *find_match(const char *name, uint8_t revision, uint8_t family)
{
	const struct xtables_match *found = NULL, *m;

	load(name, family);
	for (const struct known *k = xt.known; k; k = k->next)
		if ((m = k->match) &&
		    fits(name, revision, family, m->name, m->revision, m->family) &&
		    (!found || m->family == family))
			found = m;
	return found;
}

static const struct xtables_target *find_target(const char *name, uint8_t revision, uint8_t family)
{
	const struct xtables_target *found = NULL, *t;

	load(name, family);
	for (const struct known *k = xt.known; k; k = k->next)
		if ((t = k->target) &&
		    fits(name, revision, family, t->name, t->revision, t->family) &&
		    (!found || t->family == family))
			found = t;
	return found;
}

/* An extension's name becomes part of a file name. */
static bool name_is_sane(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

/* What print_match_save() and print_rule4() of iptables do; false: it must be printed as unknown.
 */
static bool save_match(FILE *out, const struct xt_rule *r, const struct xt_entry_match *m)
{
	size_t len = m->u.match_size - sizeof(*m);
	const struct xtables_match *x;

	x = find_match(m->u.user.name, m->u.user.revision, r->family);
	if (!x || len < x->size)
		return false;
	fprintf(out, " -m %s", x->alias ? x->alias(m) : m->u.user.name);
	if (x->save)
		x->save(&r->ip, m);
	return true;
}

static bool save_target(FILE *out, const struct xt_rule *r, const struct xt_entry_target *t)
{
	size_t len = t->u.target_size - sizeof(*t);
	const struct xtables_target *x;

	x = find_target(t->u.user.name, t->u.user.revision, r->family);
	if (!x || len < x->size || (!x->save && len))
		return false;
	fprintf(out, " -j %s", x->alias ? x->alias(t) : t->u.user.name);
	if (x->save)
		x->save(&r->ip, t);
	return true;
}

/*
 * A private copy with zeros behind: strings in it need not end (whoever is root in a namespace made
 * the bytes), and some save functions end them by writing. NULL: out of memory.
 */
static void *padded_copy(const void *ext, size_t size)
{
	void *copy = calloc(1, size + 64);

	return copy ? memcpy(copy, ext, size) : NULL;
}

/* Calls the save function; false: there is none, or it gave up. Holds nothing that a jump could
 * spoil. */
static bool save_guarded(FILE *out, const struct xt_rule *r, const struct xt_entry_match *copy,
			 bool target)
{
	jmp_buf here;

	if (setjmp(here))
		return false;
	xt.on_error = &here;
	return target ? save_target(out, r, (const void *)copy) : save_match(out, r, copy);
}

bool xt_ext_print(FILE *out, const struct xt_rule *r, const struct xt_entry_match *ext, bool target)
{
	struct xt_entry_match *copy = padded_copy(ext, ext->u.match_size);
	const uint8_t *data = ext->data;
	bool saved = false;
	off_t start;

	fflush(out);
	start = ftello(out);
	if (copy && name_is_sane(copy->u.user.name))
		saved = save_guarded(out, r, copy, target);
	xt.on_error = NULL;
	free(copy);
	if (saved)
		return true;
	fseeko(out, start, SEEK_SET);
	fprintf(out, " -%c %s [unknown revision %u", target ? 'j' : 'm', ext->u.user.name,
		ext->u.user.revision);
	for (size_t len = ext->u.match_size - sizeof(*ext); len; len--, data++)
		fprintf(out, "%s%02x", data == ext->data ? ": 0x" : "", *data);
	fputc(']', out);
	return false;
}
