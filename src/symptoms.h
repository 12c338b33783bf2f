/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went wrong and what to do about it: a table of symptoms. The first row that fits a path names
 * it; "no finding" is an answer too.
 */
#ifndef NFPATH_SYMPTOMS_H
#define NFPATH_SYMPTOMS_H

#include "src/bytes.h"
#include "src/listeners.h"
#include "src/path.h"
#include "src/view.h"

/* A connection that NAT is part of, as conntrack had it. */
struct connection {
	unsigned int ns;
	uint8_t family, proto;
	struct endpoint reply_src, reply_dst;
	uint64_t path_id;
};

struct diagnosis;

/* One path that is looked at, and what conditions found for the words of their row. */
struct finding {
	struct path *p;
	const struct view *views;
	unsigned int n_views;
	const struct diagnosis *memory;
	const struct view *view;	/* of the namespace where it ended */
	const struct step *drop, *by;	/* the kernel's word; the step to blame. NULL: none */
	uint8_t family, proto;		/* these four: of its headers where it ended */
	bool has_ports;
	struct endpoint src, dst;
	int n_listeners; /* a negative errno: not known */
	bool asked_listeners;
	const struct connection *awaited;	  /* that waits for its like */
	const struct listener *listener;
	const struct step *other; /* another step that has to do with it */
	const char *where;	  /* a name */
	uint64_t count, limit;
	bool for_shell; /* its next step is written */
	struct listener listeners[LISTENERS_MAX]; /* at its port, in that namespace: n_listeners of them */
};

/* All that is set must hold. */
struct symptom {
	const char *id;
	const char *reason;  /* of the kernel: names, a blank between them; NAME@FUNCTION: freed there */
	const char *refused; /* by routing, as route-check names it */
	const char *reject;  /* what the rule's REJECT sends: kinds of symptom_reject(), likewise */
	bool (*is[4])(struct finding *f); /* in this order, the cheap ones first */
	/* With {values} of this packet (src/symptom_values.c). A row of which one is not known does not
	 * fit. NULL: what routing itself says of it. */
	const char *words, *next;
	bool passed; /* of packets that nobody dropped, too: most of these have no symptom, and are not
			held against every row */
};

extern const struct symptom symptoms[];
extern const size_t n_symptoms;

/* --- conditions (src/symptom_tests.c, src/symptom_rules.c, src/symptom_sockets.c) --- */

#define SYMPTOM_TESTS(X)                                                                           \
	X(is_tcp) X(is_udp) X(is_icmp) X(is_ip4) X(is_ip6) X(is_syn) X(is_no_syn)                  \
	X(was_dropped) X(was_taken_in) X(by_rule) X(by_policy) X(by_ruleset) X(by_bpf) X(at_output)              \
	X(was_redirected) X(waits_elsewhere) X(wants_ip6_only) X(wants_other_device)               \
	X(wants_other_address) X(wants_other_peer) X(listens_elsewhere) X(nobody_fits) X(sockets_untold) X(has_full_queue)          \
	X(has_buffer) X(was_accepted_before) X(was_accepted_by_other_tool) X(is_invalid) X(is_untracked)     \
	X(is_known) X(has_limit) X(counts_connections) X(conntrack_is_full) X(queue_is_unread)     \
	X(queue_was_skipped) X(was_bridged) X(ignores_echo) X(ignores_broadcast_echo)              \
	X(is_too_long)

#define DECLARE(name) bool symptom_##name(struct finding *f);
SYMPTOM_TESTS(DECLARE)
#undef DECLARE

/* What programs at the sender make of a rule's REJECT: "reset", "port", "host", "net", "protocol",
 * "denied"; NULL: it is none, or not known. */
const char *symptom_reject(const struct step *rule, uint8_t family);

/* --- words (src/symptom_values.c) --- */

/* NULL: one of its values is not known. Of the path. */
const char *symptom_words(struct finding *f, const char *template);

/* --- what both ask --- */

/* The last step of this type in the namespace where it ended; NULL: none. */
const struct step *symptom_last(const struct finding *f, enum step_type type);
/* The sockets at the packet's port. Returns how many, or a negative errno. */
int symptom_listeners(struct finding *f);
/* A number of /proc/sys of the namespace where it ended. */
bool symptom_number(const struct finding *f, const char *path, uint64_t *n);
/* The MTU of a device there; 0: not known. */
unsigned int symptom_mtu(const struct finding *f, const char *dev);

#endif
