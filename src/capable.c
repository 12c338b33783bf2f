// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/capable.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>

static bool capable(int cap)
{
	char line[256];
	unsigned long long set = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &set) == 1)
			break;
	if (f)
		fclose(f);
	return set >> cap & 1;
}

int capable_of_tracing(struct error *why)
{
	static const struct {
		int cap;
		const char *name, *what;
	} needed[] = {
		{CAP_NET_ADMIN, "CAP_NET_ADMIN", ""},
		{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", ", to work in a network namespace"},
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!capable(needed[i].cap))
			return fail(why, -EPERM,
				    "tracing takes %s%s, which this process does not have; run "
				    "nfpath as root",
				    needed[i].name, needed[i].what);
	return 0;
}
