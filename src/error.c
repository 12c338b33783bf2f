// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/error.h"

#include <stdarg.h>
#include <stdio.h>

int fail(struct error *err, int rc, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return rc;
	err->rc = rc;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return rc;
}
