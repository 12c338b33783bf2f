/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets that the tracker knows: alive, or remembered after their path was handed out. How
 * they are found again. */
#ifndef NFPATH_LIVE_H
#define NFPATH_LIVE_H

#include <sys/queue.h>

#include "src/event.h"
#include "src/spare.h"

struct live {
	LIST_ENTRY(live) by_id;
	LIST_ENTRY(live) by_headers; /* unless sure */
	LIST_ENTRY(live) by_oddity; /* when odd */
	TAILQ_ENTRY(live) order;    /* least recently heard of first */
	unsigned int ns;
	uint32_t id;
	bool sure;    /* its id is its own, in all namespaces; ns is only where it is now */
	uint32_t copy_of; /* sure id of its original; 0: it is no copy */
	bool gone;    /* freed or consumed */
	bool done;    /* handed out; path is NULL */
	bool matched; /* the filter took it (a later fragment may match only when it is whole) */
	bool is_reply; /* … or it answers one that the filter took */
	bool ended, queued;
	bool puzzling; /* why it ended, packets may tell that are still under way */
	bool dropped;					    /* the kernel said so */
	enum { ROUTED_NOT, ROUTED_ON, ROUTED_OVER } routed; /* how far its routing decision is */
	bool no_id;	    /* its id names another packet now: not in by_id */
	bool outlived_loss; /* events were lost after it was complete: one more is not its own */
	bool ruled;	    /* rules of the next hook have it already */
	bool odd;	    /* its headers do not show all that it is: is_odd() */
	uint8_t family;	    /* NFPROTO_* of the hook that it entered last */
	int cpu;
	struct packet now; /* its headers when last seen */
	struct path *path;
	uint64_t path_id;
	size_t looped_at; /* it came back through loopback before this step; 0: it did not */
	uint64_t heard_ns;
	enum ct_state ct_state;
};

LIST_HEAD(live_list, live);
TAILQ_HEAD(live_tailq, live);

enum { LIVE_BUCKETS = 1 << 13 };

struct live_table {
	struct live_list by_id[LIVE_BUCKETS], by_headers[LIVE_BUCKETS];
	struct live_list odd; /* alive, fragments and the like: few */
	struct live_tailq live, remembered;
	struct spare spare;
};

void live_init(struct live_table *t);
/* When all are forgotten. */
void live_free(struct live_table *t);

/* All zero; not among the others yet. NULL: out of memory. */
struct live *live_new(struct live_table *t);
/* Of one that live_add() was not called for. */
void live_drop(struct live_table *t, struct live *l);

/* Puts l, whose ns, id and now are set, in among the living. */
void live_add(struct live_table *t, struct live *l);
/* Moves it from the living to the remembered. */
void live_finish(struct live_table *t, struct live *l);
/* Takes it out and frees it, its path too. */
void live_forget(struct live_table *t, struct live *l);

/* It was heard of now: to the end of the order, and first of those with equal headers. */
void live_touch(struct live_table *t, struct live *l);
void live_set_id(struct live_table *t, struct live *l, uint32_t id);
/* Its id was given to another packet. */
void live_lose_id(struct live *l);
void live_set_headers(struct live_table *t, struct live *l, const struct packet *now);
/* It is in another namespace now. */
void live_set_ns(struct live_table *t, struct live *l, unsigned int ns);

/* The one with the id of the event, living or remembered. */
struct live *live_find_id(struct live_table *t, const struct event *ev);
/* The same by a sure id. */
struct live *live_find_sure(struct live_table *t, uint32_t id);

/*
 * The living packet with the headers of ev that may be in `hook` (HOOK_NONE: any): on this CPU if
 * that is known, the one last heard of first (a CPU does one traversal at a time). Where others fit
 * equally well, all of them are doubted for that reason; with because NULL, NULL is returned then.
 */
struct live *live_find_headers(struct live_table *t, const struct event *ev, uint8_t hook,
			       const char *because);

/* The odd packet that the headers of ev complete; the same rules, and because is not NULL. */
struct live *live_find_odd(struct live_table *t, const struct event *ev, uint8_t hook,
			   const char *because);
/* Is there any, in whatever hook? Nothing is doubted. */
bool live_has_odd(const struct live_table *t, const struct event *ev);

/* Any, living or remembered, with these headers. */
struct live *live_find_any(struct live_table *t, const struct event *ev);

/* All with the same headers as p, one after the other: first with after NULL. Living ones only. */
struct live *live_next_same(struct live_table *t, unsigned int ns, const struct packet *p,
			    const struct live *after);

/* Is it a fragment? */
bool packet_is_piece(const struct packet *p);
/* Is it one whose place in its datagram was shown? Of IPv6 only a line of iptables-legacy does: the
 * 40 bytes that nft's trace gives end before the fragment header. */
bool packet_is_known_piece(const struct packet *p);
/* Did the trace message show no network header at all? So it is with later fragments of IPv6. */
bool packet_is_blank(const struct packet *p);
/* Does the trace message hide its protocol and ports? */
bool packet_is_hidden(const struct packet *p);
/* Could p be the odd packet l, put together or seen whole? */
bool live_completes(const struct live *l, const struct packet *p);

#endif
