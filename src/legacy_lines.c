// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/legacy_lines.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netfilter/nf_log.h"
#include "netfilter/nflog.h"
#include "src/channel.h"
#include "src/engine.h"
#include "src/error.h"

static void warn(const struct legacy_lines *l, const char *sentence)
{
	if (l->config->warn)
		l->config->warn(l->config->warn_ctx, sentence);
}

static int request(struct legacy_lines *l, enum nflog_request what, uint8_t family)
{
	char buf[256] __attribute__((aligned(8)));

	return channel_request(l->channel, nflog_request(buf, what, family, ++l->seq));
}

static void say_group_taken(const struct legacy_lines *l, int rc)
{
	const struct netns *ns = l->view->ns;
	char who[128], comm[64];
	struct error text;
	uint32_t portid;
	pid_t pid = nf_log_group_owner(ns->fd, comm, &portid);

	if (pid)
		snprintf(who, sizeof(who), "%s (pid %d)", comm, pid);
	else if (portid)
		snprintf(who, sizeof(who),
			 "a process that cannot be seen from here (netlink port %u)", portid);
	else
		snprintf(who, sizeof(who), "the kernel's refusal: %s", strerror(-rc));
	fail(&text, 0,
	     "iptables-legacy rules cannot be traced in network namespace %s: nflog group 0, where "
	     "the kernel sends their TRACE lines, is held by %s; "
	     "stop it or move it to another group. nftables and iptables-nft are traced all the "
	     "same",
	     ns->name, who);
	warn(l, text.text);
}

/* The group first: only with it are the loggers worth touching. What was bound is remembered before
 * it is changed. */
static int take(struct legacy_lines *l, struct error *err)
{
	const struct netns *ns = l->view->ns;
	int rc = request(l, NFLOG_BIND_GROUP, 0);

	if (rc)
		return rc;
	l->bound = true;
	rc = request(l, NFLOG_MODE, 0);
	if (!rc)
		rc = nf_log_remember(ns->fd, ns->inum, err);
	if (!rc)
		rc = request(l, NFLOG_BIND_FAMILY, NFPROTO_IPV4);
	if (!rc)
		rc = request(l, NFLOG_BIND_FAMILY, NFPROTO_IPV6);
	return rc;
}

void legacy_lines_give_back(struct legacy_lines *l)
{
	const struct netns *ns = l->view->ns;
	struct error text;
	int rc;

	if (!l->bound)
		return;
	rc = nf_log_restore(ns->fd, ns->inum);
	if (rc && rc != -ENOENT) { /* -ENOENT: nothing was changed */
		fail(&text, 0,
		     "net.netfilter.nf_log of network namespace %s could not be put back: %s; the "
		     "next nfpath that may will do it",
		     ns->name, strerror(-rc));
		warn(l, text.text);
	}
	request(l, NFLOG_UNBIND_GROUP, 0);
	l->bound = false;
}

void legacy_lines_want(struct legacy_lines *l)
{
	struct error err = {0}, text;
	int rc;

	if (l->bound || *l->missing ||
	    !ruleset_has_legacy(rules_now(l->view->rules), NFPROTO_UNSPEC))
		return;
	rc = take(l, &err);
	if (!rc)
		return;
	snprintf(l->missing, sizeof(l->missing),
		 "its iptables-legacy rules, which cannot be traced here");
	if (!l->bound) {
		say_group_taken(l, rc);
		return;
	}
	legacy_lines_give_back(l);
	fail(&text, 0, "iptables-legacy rules cannot be traced in network namespace %s: %s",
	     l->view->ns->name, *err.text ? err.text : strerror(-rc));
	warn(l, text.text);
}
