/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON of what packets share: the step of a rule reads the same for every packet that hits it, and
 * printing it anew took most of the time of a traced packet. A fixed number of entries; a new one
 * takes the place of the one that has the same slot.
 */
#ifndef NFPATH_JSON_CACHE_H
#define NFPATH_JSON_CACHE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that grow. failed: out of memory, they are not all there. */
struct bytes_out {
	char *data;
	size_t len, cap;
	bool failed;
};

void bytes_add(struct bytes_out *b, const void *data, size_t len);
/* The string with its NUL, so that several in a row stay apart; NULL is something else than "". */
void bytes_add_key(struct bytes_out *b, const char *s);
void bytes_free(struct bytes_out *b);

struct json_cache;

struct json_cache *json_cache_new(void); /* NULL: out of memory */
void json_cache_free(struct json_cache *c);

/* NULL: not there. Valid until the next json_cache_put(). */
const struct bytes_out *json_cache_get(const struct json_cache *c, const struct bytes_out *key);
/* Takes copies; out of memory, it keeps nothing. */
void json_cache_put(struct json_cache *c, const struct bytes_out *key, const char *json,
		    size_t len);

#endif
