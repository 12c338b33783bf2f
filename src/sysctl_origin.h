/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file of sysctl.d(5) gives a setting its value at boot. */
#ifndef NFPATH_SYSCTL_ORIGIN_H
#define NFPATH_SYSCTL_ORIGIN_H

#include <stddef.h>

/* Room for "/usr/local/lib/sysctl.d/" and a file's name. */
enum { SYSCTL_ORIGIN_MAX = 320 };

/*
 * The line that gives key ("net.ipv4.conf.eth0.rp_filter") this value, as "FILE:LINE" in buf: the
 * last that names it, else the last pattern. "": none does, or its value is another one. dirs:
 * NULL-terminated, the first one that has a file of a name hides the others; NULL: those of
 * sysctl.d(5).
 */
void sysctl_origin(const char *key, int value, const char *const *dirs, char *buf, size_t size);

#endif
