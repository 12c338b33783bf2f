// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * init_iptc TABLE: the floor for reading an iptables-legacy table: libiptc's init of it.
 * Prints {"cpu": seconds, "n": chains, "peak_kib": …}.
 */
#include <errno.h>
#include <libiptc/libiptc.h>
#include <stdio.h>

#include "tests/bench/bench.h"

int main(int argc, char **argv)
{
	struct xtc_handle *h = argc == 2 ? iptc_init(argv[1]) : NULL;
	unsigned long n = 0;

	if (!h) {
		fprintf(stderr, "init_iptc: %s\n",
			argc == 2 ? iptc_strerror(errno) : "give a table");
		return 1;
	}
	for (const char *c = iptc_first_chain(h); c; c = iptc_next_chain(h))
		n++;
	iptc_free(h);
	printf("{\"cpu\": %.6f, \"n\": %lu, \"peak_kib\": %ld}\n", cpu_seconds(), n, peak_kib());
	return 0;
}
