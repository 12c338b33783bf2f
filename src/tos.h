/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TOS byte as a person writes it. */
#ifndef NFPATH_TOS_H
#define NFPATH_TOS_H

#include <stdint.h>

#include "src/error.h"

/* Decimal or 0x; else a name of one of these files (NULL: where iproute2 has its rt_dsfield), else
 * one of those that RFC 1349 gives. */
int tos_parse(const char *arg, const char *const *files, uint8_t *tos, struct error *err);

#endif
