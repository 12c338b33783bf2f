/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which logger gets the TRACE lines of a packet family (net.netfilter.nf_log.FAMILY). To hear them
 * we bind nfnetlink_log there, and that outlives us: so what was bound before is written to
 * /run/nfpath first, put back on every end that can be caught, and after a SIGKILL by the next
 * nfpath.
 */
#ifndef NFPATH_NETFILTER_NF_LOG_H
#define NFPATH_NETFILTER_NF_LOG_H

#include <stdint.h>
#include <sys/types.h>

struct error;

/* Remembers what is bound in this namespace now for ip and ip6. 0 or a negative errno with a
 * sentence; nothing is changed. */
int nf_log_remember(int netns_fd, uint64_t inum, struct error *err);

/* Puts back what nf_log_remember() found, where nfnetlink_log is what is bound now, and forgets it.
 * 0 or a negative errno. */
int nf_log_restore(int netns_fd, uint64_t inum);

/* Restores what dead processes left behind, in every namespace that can still be found. Returns how
 * many namespaces were repaired. */
int nf_log_repair(void);

/* The process that owns group 0 of nfnetlink_log in this namespace: its pid, or 0 when nobody does
 * or it cannot be found (*portid then tells). comm: of 64 bytes. */
pid_t nf_log_group_owner(int netns_fd, char *comm, uint32_t *portid);

#endif
