// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/modules.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static const struct {
	const char *path, *file;
	const char *symbol; /* a function of it, as /proc/kallsyms has it */
} modules[] = {
	[MODULE_CTNETLINK] = {"/sys/module/nf_conntrack_netlink", "/nf_conntrack_netlink.ko\n",
			      " ctnetlink_get_conntrack\n"},
	[MODULE_TCP_DIAG] = {"/sys/module/tcp_diag", "/tcp_diag.ko\n", " tcp_diag_dump_one\n"},
	[MODULE_UDP_DIAG] = {"/sys/module/udp_diag", "/udp_diag.ko\n", " udp_diag_dump_one\n"},
};

/* Of a module, a line of kallsyms goes on with its name. */
static bool look_into(const char *path, bool symbols, bool built_in[N_MODULES])
{
	FILE *f = fopen(path, "re");
	char line[512];

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		for (int i = 0; i < N_MODULES; i++)
			if (strstr(line, symbols ? modules[i].symbol : modules[i].file))
				built_in[i] = true;
	fclose(f);
	return true;
}

/* What distributions install beside their modules is short; 200,000 symbols are not, and a container
 * has but these. */
static void look_for_all(bool built_in[N_MODULES])
{
	char path[256];
	struct utsname u;

	if (!uname(&u)) {
		snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", u.release);
		if (look_into(path, false, built_in))
			return;
	}
	look_into("/proc/kallsyms", true, built_in);
}

static bool looked, built_in[N_MODULES];

void modules_look(void)
{
	if (!looked)
		look_for_all(built_in);
	looked = true;
}

bool module_is_there(enum kernel_module m)
{
	modules_look();
	return built_in[m] || !access(modules[m].path, F_OK);
}
