/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdict maps of nf_tables read out of the kernel's memory by a BPF program that is attached to
 * nothing: struct map_reader. */
#ifndef NFPATH_MAP_BPF_H
#define NFPATH_MAP_BPF_H

#include "netfilter/map_reader.h"

/*
 * netns_fd is borrowed. Loads nothing before the first question; where the kernel refuses the
 * program, each question ends with -EOPNOTSUPP. NULL: out of memory.
 */
struct map_reader *map_bpf_new(int netns_fd);
void map_bpf_free(struct map_reader *reader);

#endif
