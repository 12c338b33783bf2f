// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/modules.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *path, *symbol; /* a function of it, as /proc/kallsyms has it */
} modules[] = {
	[MODULE_CTNETLINK] = {"/sys/module/nf_conntrack_netlink", " ctnetlink_get_conntrack\n"},
	[MODULE_TCP_DIAG] = {"/sys/module/tcp_diag", " tcp_diag_dump_one\n"},
	[MODULE_UDP_DIAG] = {"/sys/module/udp_diag", " udp_diag_dump_one\n"},
};

/* Of a module, a line goes on with its name. */
static void look_for_all(bool built_in[N_MODULES])
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512];
	int found = 0;

	while (f && found < N_MODULES && fgets(line, sizeof(line), f)) {
		for (int i = 0; i < N_MODULES; i++) {
			if (!built_in[i] && strstr(line, modules[i].symbol)) {
				built_in[i] = true;
				found++;
			}
		}
	}
	if (f)
		fclose(f);
}

bool module_is_there(enum kernel_module m)
{
	static bool looked, built_in[N_MODULES];

	if (!looked)
		look_for_all(built_in);
	looked = true;
	return built_in[m] || !access(modules[m].path, F_OK);
}
