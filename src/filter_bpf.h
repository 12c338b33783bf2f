/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filter as the kernel programs have it: it may let too much through, never too little. */
#ifndef NFPATH_FILTER_BPF_H
#define NFPATH_FILTER_BPF_H

#include <stdbool.h>

#include "bpf/event.h"
#include "src/filter.h"

/* False: every packet passes. */
bool filter_bpf(struct nfp_filter *out, const struct filter *f);

#endif
