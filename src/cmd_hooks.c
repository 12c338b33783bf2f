// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/hook_list.h"
#include "netfilter/names.h"
#include "netfilter/ruleset.h"
#include "src/cmd.h"
#include "src/hooks_bpf.h"
#include "src/hooks_print.h"
#include "src/netns.h"
#include "src/opt.h"

enum { TRIES = 3 };

struct hooks_options {
	struct opt_list netns;
	int hook, family; /* index into the choices; 0: all */
	bool json;
};

static const char *const hook_choices[] = {"all",     "prerouting", "input",
					   "forward", "output",	    "postrouting",
					   "ingress", "egress",	    NULL};
static const char *const family_choices[] = {"all", "ip",     "ip6",	"inet",
					     "arp", "bridge", "netdev", NULL};
static const uint8_t families[] = {0,		NFPROTO_IPV4,	NFPROTO_IPV6,  NFPROTO_INET,
				   NFPROTO_ARP, NFPROTO_BRIDGE, NFPROTO_NETDEV};

static const struct opt_row rows[] = {
	OPT_LIST("netns", 0, "NS", "What",
		 "of this namespace: a name, PID, path, self or all; may be given again",
		 struct hooks_options, netns),
	OPT_CHOICE("hook", 0, "What", "of this hook only", struct hooks_options, hook,
		   hook_choices),
	OPT_CHOICE("family", 0, "What", "of this family only; inet: of ip and ip6",
		   struct hooks_options, family, family_choices),
	OPT_FLAG("json", 0, "Output", "one JSON object", struct hooks_options, json),
	OPT_END,
};

static const struct opt_command command = {
	.name = "hooks",
	.usage = "[OPTIONS]",
	.summary = "The functions that are registered at netfilter's hooks, in the order in which "
		   "packets meet them.",
	.rows = rows,
	.notes = "Each line has the priority and its name, the function and its module, and the "
		 "chain, table or BPF program\n"
		 "that it works on.\n",
};

/* How the kernel is asked, and what was read. */
struct hooks {
	const struct hooks_options *o;
	uint32_t places; /* bits by index into hook_places[] */
	struct netns_set netns;
	bool by_bpf, by_netlink; /* as NFPATH_HOOKS forces, or as it turned out */
	struct hooks_bpf *bpf;
	struct hooks_of *v; /* for each namespace */
};

static bool wanted(const struct hooks_options *o, struct hook_place p)
{
	uint8_t f = families[o->family];
	bool inet = f == NFPROTO_INET && (p.family == NFPROTO_IPV4 || p.family == NFPROTO_IPV6);

	return (!f || f == p.family || inet) &&
	       (!o->hook || !strcmp(hook_name(p.family, p.hook), hook_choices[o->hook]));
}

static int choose_places(struct hooks *h, struct error *err)
{
	for (size_t i = 0; i < N_HOOK_PLACES; i++)
		if (wanted(h->o, hook_places[i]))
			h->places |= 1U << i;
	return h->places ? 0
			 : fail(err, -EINVAL,
				"--hook %s: family %s has no such hook; netdev has ingress and "
				"egress, arp has input, output and forward, each other family has "
				"the five from prerouting to postrouting",
				hook_choices[h->o->hook], family_choices[h->o->family]);
}

static int source_from_env(struct hooks *h, struct error *err)
{
	const char *s = getenv("NFPATH_HOOKS");

	h->by_bpf = s && !strcmp(s, "bpf");
	h->by_netlink = s && !strcmp(s, "nfnetlink");
	return !s || h->by_bpf || h->by_netlink
		       ? 0
		       : fail(err, -EINVAL, "NFPATH_HOOKS: '%s' is neither bpf nor nfnetlink", s);
}

/* --- reading --- */

static int read_lists(struct hooks *h, struct hook_list *l, int fd, struct error *err)
{
	struct error why = {0};
	int rc;

	if (!h->by_bpf) {
		rc = hook_list_read(l, fd, h->places, err);
		if (rc != -EOPNOTSUPP || h->by_netlink)
			return rc;
		h->by_bpf = true;
	}
	if (!h->bpf)
		h->bpf = hooks_bpf_open(&why);
	if (!h->bpf)
		return fail(err, why.rc == -ENOMEM ? why.rc : -EOPNOTSUPP, "%s%s",
			    getenv("NFPATH_HOOKS") ? "" : "the kernel has no nfnetlink_hook, and ",
			    why.text);
	*err = (struct error){0};
	return hooks_bpf_read(h->bpf, l, fd, h->places, err);
}

/* What the ruleset would say is worth less than the list: without it, the list says so. */
static int read_rules(struct hook_list *l, int fd, struct ruleset **rs)
{
	struct error err = {0};
	struct nf_source *s = nf_source_open(fd, &err);
	int rc = s ? nf_source_read(s, rs, &err) : err.rc;

	nf_source_close(s);
	return rc ? hook_list_gap(l, 0, -1, NULL,
				  "types and tools of chains, and chains of type nat: %s", err.text)
		  : 0;
}

/* A ruleset that was changed meanwhile does not fit: both are read again. */
static int read_netns(struct hooks *h, struct hook_list *l, const struct netns *ns,
		      struct error *err)
{
	struct ruleset *rs = NULL;
	bool fits = false;
	int rc = 0;

	for (int i = 0; !rc && !fits && i < TRIES; i++) {
		ruleset_put(rs);
		rs = NULL;
		hook_list_free(l);
		rc = read_lists(h, l, ns->fd, err);
		if (rc || !hook_list_wants_ruleset(l))
			break;
		rc = read_rules(l, ns->fd, &rs);
		fits = !rs || hook_list_fits(l, rs);
	}
	if (!rc)
		rc = hook_list_explain(l, rs);
	ruleset_put(rs);
	if (rc && !*err->text)
		fail(err, rc, "cannot list the hook functions: %s", strerror(-rc));
	hooks_bpf_names(l);
	return rc;
}

/* One namespace that cannot be read does not hide the others. */
static int read_all(struct hooks *h, struct error *err)
{
	unsigned int failed = 0;
	int first = 0;

	for (unsigned int i = 0; i < h->netns.n; i++) {
		struct error why = {0};
		int rc;

		h->v[i].netns = &h->netns.v[i];
		rc = read_netns(h, &h->v[i].list, &h->netns.v[i], &why);
		if (!rc)
			continue;
		hook_list_free(&h->v[i].list);
		if (rc == -ENOMEM ||
		    hook_list_gap(&h->v[i].list, 0, -1, NULL, "%.*s",
				  (int)sizeof(((struct hook_gap *)0)->why) - 1, why.text))
			return fail(err, -ENOMEM, "out of memory");
		if (!failed++) {
			first = rc;
			*err = why;
		}
	}
	return failed == h->netns.n ? first : 0;
}

/* --- output --- */

static void say_gaps(const struct hooks *h)
{
	char place[128];
	struct error e;
	size_t n = 0;

	for (unsigned int i = 0; i < h->netns.n; i++) {
		const struct hook_list *l = &h->v[i].list;

		n += l->n + l->n_gaps;
		for (size_t k = 0; k < l->n_gaps; k++) {
			const struct hook_gap *g = &l->gaps[k];

			fail(&e, 0, "not read: %s%snetns %s: %s",
			     g->family ? hooks_gap_place(g, place, sizeof(place)) : "",
			     g->family ? ", " : "", h->netns.v[i].name, g->why);
			say(e.text);
		}
	}
	if (!n)
		say("no function is registered there");
}

static int show(struct hooks *h)
{
	struct error err = {0};
	int rc = read_all(h, &err);

	if (rc)
		return complain(exit_status(rc), &err);
	say_gaps(h);
	rc = h->o->json ? hooks_json(h->v, h->netns.n, h->by_bpf ? "bpf" : "nfnetlink_hook", stdout)
			: hooks_text(h->v, h->netns.n, stdout);
	return cmd_written(rc);
}

static int hooks_main(int argc, char **argv)
{
	struct hooks_options o = {0};
	struct hooks h = {.o = &o};
	struct opt_rest rest;
	struct error err = {0};
	int status, rc = opt_parse(&command, argc, argv, &o, &rest, &err);

	if (rc == 1) {
		opt_help(&command, stdout);
		status = EXIT_OK;
		goto out;
	}
	if (!rc)
		rc = choose_places(&h, &err);
	if (!rc)
		rc = source_from_env(&h, &err);
	if (!rc)
		rc = cmd_netns(&h.netns, &o.netns, &err);
	if (!rc && !(h.v = calloc(h.netns.n, sizeof(*h.v))))
		rc = fail(&err, -ENOMEM, "out of memory");
	if (rc) {
		status = complain(exit_status(rc), &err);
		goto out;
	}
	signal(SIGPIPE, SIG_IGN); /* `nfpath hooks | head` is no failure */
	status = show(&h);
out:
	for (unsigned int i = 0; h.v && i < h.netns.n; i++)
		hook_list_free(&h.v[i].list);
	free(h.v);
	hooks_bpf_free(h.bpf);
	netns_set_free(&h.netns);
	opt_list_free(&o.netns);
	return status;
}

const struct cmd cmd_hooks = {
	.name = "hooks",
	.summary = "the functions registered at netfilter's hooks, in order",
	.run = hooks_main,
};
