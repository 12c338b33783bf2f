// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The text of an iptables rule: addresses, interfaces and protocol by ourselves, matches and
 * targets by the save functions of their extensions, which print to stdout and know no other way.
 * While they do, stdout and stderr are streams into memory, and the error exit of libxtables comes
 * back here.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netdb.h>
#include <xtables.h>

#include "netfilter/xt_rule.h"

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

/* Makes errors come to us; returns who got them before, for xtables_set_params() afterwards:
 * libnftables uses libxtables too. */
static struct xtables_globals *start_xtables(void)
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
	return before ? before : &globals;
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

struct printer {
	const struct xt_rule *r;
	FILE *out;
	bool unknown;
};

/* What print_match_save() and print_rule4() of iptables do; false: it must be printed as unknown.
 */
static bool save_match(struct printer *p, const struct xt_entry_match *m)
{
	size_t len = m->u.match_size - sizeof(*m);
	const struct xtables_match *x;

	x = find_match(m->u.user.name, m->u.user.revision, p->r->family);
	if (!x || len < x->size)
		return false;
	fprintf(p->out, " -m %s", x->alias ? x->alias(m) : m->u.user.name);
	if (x->save)
		x->save(&p->r->ip, m);
	return true;
}

static bool save_target(struct printer *p, const struct xt_entry_target *t)
{
	size_t len = t->u.target_size - sizeof(*t);
	const struct xtables_target *x;

	x = find_target(t->u.user.name, t->u.user.revision, p->r->family);
	if (!x || len < x->size || (!x->save && len))
		return false;
	fprintf(p->out, " -j %s", x->alias ? x->alias(t) : t->u.user.name);
	if (x->save)
		x->save(&p->r->ip, t);
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
static bool save_guarded(struct printer *p, const struct xt_entry_match *copy, bool target)
{
	jmp_buf here;

	if (setjmp(here))
		return false;
	xt.on_error = &here;
	return target ? save_target(p, (const void *)copy) : save_match(p, copy);
}

/* A match or a target, which are laid out alike; what it had printed when it gave up is taken back.
 */
static void print_extension(struct printer *p, const struct xt_entry_match *ext, bool target)
{
	struct xt_entry_match *copy = padded_copy(ext, ext->u.match_size);
	const uint8_t *data = ext->data;
	bool saved = false;
	off_t start;

	fflush(p->out);
	start = ftello(p->out);
	if (copy && name_is_sane(copy->u.user.name))
		saved = save_guarded(p, copy, target);
	xt.on_error = NULL;
	free(copy);
	if (saved)
		return;
	fseeko(p->out, start, SEEK_SET);
	fprintf(p->out, " -%c %s [unknown revision %u", target ? 'j' : 'm', ext->u.user.name,
		ext->u.user.revision);
	for (size_t len = ext->u.match_size - sizeof(*ext); len; len--, data++)
		fprintf(p->out, "%s%02x", data == ext->data ? ": 0x" : "", *data);
	fputc(']', p->out);
	p->unknown = true;
}

/* The mask's length where its bits are contiguous, else -1. */
static int prefix_len(const uint8_t *mask, int bytes)
{
	int len = 0;

	while (len < 8 * bytes && mask[len / 8] & (0x80 >> len % 8))
		len++;
	for (int i = len; i < 8 * bytes; i++)
		if (mask[i / 8] & (0x80 >> i % 8))
			return -1;
	return len;
}

static void print_addr(FILE *out, char letter, int af, const void *addr, const void *mask,
		       bool not )
{
	static const uint8_t any[16];
	int bytes = af == AF_INET ? 4 : 16, len = prefix_len(mask, bytes);
	char buf[INET6_ADDRSTRLEN];

	/* save_ipv4_addr() leaves out 0.0.0.0/0 only, save_ipv6_addr() every address with prefix
	 * length 0. */
	if (!not &&len == 0 && (af == AF_INET6 || !memcmp(addr, any, bytes)))
		return;
	fprintf(out, "%s -%c %s", not ? " !" : "", letter, inet_ntop(af, addr, buf, sizeof(buf)));
	if (len < 0)
		fprintf(out, "/%s", inet_ntop(af, mask, buf, sizeof(buf)));
	else
		fprintf(out, "/%d", len);
}

/* The mask covers the name, and its final NUL unless the name is a prefix. */
static void print_iface(FILE *out, char letter, const char *name, const uint8_t *mask, bool not )
{
	int i;

	if (!mask[0])
		return;
	fprintf(out, "%s -%c ", not ? " !" : "", letter);
	for (i = 0; i < IFNAMSIZ && mask[i]; i++)
		if (name[i])
			fputc(name[i], out);
	if (i < IFNAMSIZ && name[i - 1])
		fputc('+', out);
}

static void print_proto(FILE *out, uint16_t proto, bool not )
{
	const struct protoent *ent;
	const char *name = NULL;

	if (!proto)
		return;
	for (int i = 0; xtables_chain_protos[i].name && !name; i++)
		if (xtables_chain_protos[i].num == proto)
			name = xtables_chain_protos[i].name;
	if (!name) {
		ent = getprotobynumber(proto);
		name = ent ? ent->p_name : NULL;
	}
	if (not )
		fputs(" !", out);
	if (name)
		fprintf(out, " -p %s", name);
	else
		fprintf(out, " -p %u", proto);
}

/* Source, destination, interfaces, protocol, fragment. The inversion flags of the two families are
 * the same numbers. */
static void print_head(struct printer *p)
{
	const struct ip6t_ip6 *v6 = &p->r->ip.v6;
	const struct ipt_ip *v4 = &p->r->ip.v4;

	fprintf(p->out, "-A %s", p->r->chain);
	if (p->r->family == NFPROTO_IPV6) {
		print_addr(p->out, 's', AF_INET6, &v6->src, &v6->smsk,
			   v6->invflags & IP6T_INV_SRCIP);
		print_addr(p->out, 'd', AF_INET6, &v6->dst, &v6->dmsk,
			   v6->invflags & IP6T_INV_DSTIP);
		print_iface(p->out, 'i', v6->iniface, v6->iniface_mask,
			    v6->invflags & IP6T_INV_VIA_IN);
		print_iface(p->out, 'o', v6->outiface, v6->outiface_mask,
			    v6->invflags & IP6T_INV_VIA_OUT);
		print_proto(p->out, v6->proto, v6->invflags & XT_INV_PROTO);
		return;
	}
	print_addr(p->out, 's', AF_INET, &v4->src, &v4->smsk, v4->invflags & IPT_INV_SRCIP);
	print_addr(p->out, 'd', AF_INET, &v4->dst, &v4->dmsk, v4->invflags & IPT_INV_DSTIP);
	print_iface(p->out, 'i', v4->iniface, v4->iniface_mask, v4->invflags & IPT_INV_VIA_IN);
	print_iface(p->out, 'o', v4->outiface, v4->outiface_mask, v4->invflags & IPT_INV_VIA_OUT);
	print_proto(p->out, v4->proto, v4->invflags & XT_INV_PROTO);
	if (v4->flags & IPT_F_FRAG)
		fprintf(p->out, "%s -f", v4->invflags & IPT_INV_FRAG ? " !" : "");
}

static void print_target(struct printer *p)
{
	static const char *const names[] = {
		[VERDICT_ACCEPT] = "ACCEPT",
		[VERDICT_DROP] = "DROP",
		[VERDICT_QUEUE] = "QUEUE",
		[VERDICT_RETURN] = "RETURN",
	};
	const struct xt_rule *r = p->r;

	if (r->target)
		print_extension(p, (const void *)r->target, true);
	else if (r->verdict == VERDICT_JUMP || r->verdict == VERDICT_GOTO)
		fprintf(p->out, " -%c %s", r->verdict == VERDICT_GOTO ? 'g' : 'j', r->to);
	else if (r->verdict < sizeof(names) / sizeof(names[0]) && names[r->verdict])
		fprintf(p->out, " -j %s", names[r->verdict]);
}

/* All of it, with stdout being the memory stream; returns where the target begins. */
static size_t print_rule(struct printer *p)
{
	struct xtables_globals *before;
	off_t at;

	before = start_xtables();
	xtables_set_nfproto(p->r->family);
	print_head(p);
	for (size_t i = 0; i < p->r->n_matches; i++)
		print_extension(p, p->r->matches[i].m, false);
	at = ftello(p->out);
	print_target(p);
	xtables_set_params(before);
	return at;
}

int xt_rule_print(const struct xt_rule *r, struct xt_text *out)
{
	FILE *real_out = stdout, *real_err = stderr, *scratch;
	struct printer p = {.r = r};
	char *noise = NULL;
	size_t size, n;

	memset(out, 0, sizeof(*out));
	p.out = open_memstream(&out->text, &size);
	scratch = open_memstream(&noise, &n);
	if (p.out && scratch) {
		stdout = p.out;
		stderr = scratch;
		out->target_at = print_rule(&p);
		stdout = real_out;
		stderr = real_err;
	}
	if (scratch)
		fclose(scratch);
	free(noise);
	if (!p.out || fclose(p.out) || !scratch) {
		free(out->text);
		out->text = NULL;
		return -ENOMEM;
	}
	/* " -j" begins with the space that parts it from the rest. */
	if (out->text[out->target_at])
		out->target_at++;
	out->unknown = p.unknown;
	return 0;
}
