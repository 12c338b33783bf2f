/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names, comments and process titles come from packets, rulesets and other people: before they
 * reach a terminal every control character, DEL, C1 control (also in UTF-8) and byte of invalid
 * UTF-8 is shown as \xNN (a newline as \n, a tab as \t), a backslash as \\. Bidirectional and other
 * invisible controls that can disguise text (U+061C, U+200B-200F, U+2028-202E, U+2060-2069, U+FEFF,
 * U+FFF9-FFFB, U+E0000-E007F) as \u{NNNN}.
 */
#ifndef NFPATH_ESCAPE_H
#define NFPATH_ESCAPE_H

#include <stdio.h>

#include "src/bytes.h"

/* A new string to free(), or NULL when out of memory. */
char *escape_text(const char *s);
void escape_add(struct bytes_out *out, const char *s);
/* Adds s if nothing in it needs to be escaped, and all of it is ASCII; else false, and nothing. */
bool escape_add_plain(struct bytes_out *out, const char *s);
void escape_write(FILE *out, const char *s);

/*
 * For JSON, where the library escapes controls but refuses invalid UTF-8: each invalid byte becomes
 * U+FFFD. A new string to free(); NULL: out of memory.
 */
char *utf8_repair(const char *s);

#endif
