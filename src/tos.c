// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/tos.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* iproute2 reads the administrator's file instead of the distribution's. */
static const char *const usual[] = {"/etc/iproute2/rt_dsfield", "/usr/share/iproute2/rt_dsfield",
				    "/usr/lib/iproute2/rt_dsfield", NULL};

static const struct {
	const char *name;
	uint8_t tos;
} rfc1349[] = {
	{"mincost", 0x02},
	{"reliability", 0x04},
	{"throughput", 0x08},
	{"lowdelay", 0x10},
};

/* No octal: a TOS of 010 is more likely to be meant as 10. */
static bool number(const char *s, uint8_t *tos)
{
	bool hex = !strncasecmp(s, "0x", 2);
	const char *digits = hex ? s + 2 : s;
	unsigned long n;

	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return false;
	errno = 0;
	n = strtoul(digits, NULL, hex ? 16 : 10);
	*tos = n;
	return !errno && n <= UINT8_MAX;
}

/* "0x10	lowdelay", comments behind '#'. */
static bool in_file(FILE *f, const char *name, uint8_t *tos)
{
	char line[512], value[16], found[256];

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %15[0-9a-fA-FxX] %255s", value, found) == 2 &&
		    !strcasecmp(found, name) && number(value, tos))
			return true;
	return false;
}

static bool named(const char *name, const char *const *files, uint8_t *tos)
{
	bool found = false;
	FILE *f = NULL;

	for (; *files && !f; files++)
		f = fopen(*files, "re");
	if (f) {
		found = in_file(f, name, tos);
		fclose(f);
	}
	for (size_t i = 0; !found && i < sizeof(rfc1349) / sizeof(rfc1349[0]); i++) {
		if (!strcasecmp(name, rfc1349[i].name)) {
			*tos = rfc1349[i].tos;
			found = true;
		}
	}
	return found;
}

int tos_parse(const char *arg, const char *const *files, uint8_t *tos, struct error *err)
{
	if (number(arg, tos) || named(arg, files ? files : usual, tos))
		return 0;
	return fail(err, -EINVAL,
		    "--tos: '%s' is not a TOS byte; give 0 to 255, 0x0 to 0xff, a name of "
		    "/etc/iproute2/rt_dsfield, or one of mincost, reliability, throughput, "
		    "lowdelay",
		    arg);
}
