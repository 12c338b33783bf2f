// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/overdue.h"

#include <string.h>

static void drop(struct overdue *o, unsigned int i)
{
	o->n--;
	memmove(&o->left[i], &o->left[i + 1], (o->n - i) * sizeof(o->left[0]));
}

void overdue_add(struct overdue *o, uint16_t type, uint32_t number, uint64_t ns)
{
	if (o->useless) {
		o->useless--;
		return;
	}
	if (o->n == OVERDUE_MAX)
		drop(o, 0);
	o->left[o->n++] = (struct overdue_datagram){.ns = ns, .number = number, .type = type};
}

bool overdue_take(struct overdue *o, uint16_t type, uint32_t number, bool any)
{
	for (unsigned int i = 0; i < o->n; i++) {
		if (!any && (o->left[i].type != type || o->left[i].number != number))
			continue;
		drop(o, i);
		return true;
	}
	return false;
}

void overdue_useless(struct overdue *o, uint64_t ns)
{
	if (o->n) {
		drop(o, 0);
		return;
	}
	o->useless++;
	o->useless_ns = ns;
}

void overdue_forget(struct overdue *o, uint64_t now_ns)
{
	while (o->n && o->left[0].ns + OVERDUE_NS < now_ns)
		drop(o, 0);
	if (o->useless_ns + OVERDUE_NS < now_ns)
		o->useless = 0;
}
