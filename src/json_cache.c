// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/json_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024 };

struct entry {
	struct bytes_out key, json;
};

struct json_cache {
	struct entry slots[SLOTS];
};

void bytes_add(struct bytes_out *b, const void *data, size_t len)
{
	size_t cap = b->cap ? b->cap : 512;
	char *bigger;

	while (cap - b->len < len)
		cap *= 2;
	if (cap != b->cap && !b->failed) {
		bigger = realloc(b->data, cap);
		b->failed = !bigger;
		if (bigger) {
			b->data = bigger;
			b->cap = cap;
		}
	}
	if (b->failed)
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void bytes_add_key(struct bytes_out *b, const char *s)
{
	bytes_add(b, s ? "1" : "0", 1);
	if (s)
		bytes_add(b, s, strlen(s) + 1);
}

void bytes_free(struct bytes_out *b)
{
	free(b->data);
	*b = (struct bytes_out){0};
}

struct json_cache *json_cache_new(void)
{
	return calloc(1, sizeof(struct json_cache));
}

void json_cache_free(struct json_cache *c)
{
	for (int i = 0; c && i < SLOTS; i++) {
		bytes_free(&c->slots[i].key);
		bytes_free(&c->slots[i].json);
	}
	free(c);
}

/* Eight bytes at a time: keys hold whole rule texts. */
static unsigned int slot_of(const struct bytes_out *key)
{
	uint64_t h = key->len, word;
	size_t i;

	for (i = 0; i + sizeof(word) <= key->len; i += sizeof(word)) {
		memcpy(&word, key->data + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	for (; i < key->len; i++)
		h = (h ^ (uint8_t)key->data[i]) * 0x9e3779b97f4a7c15ULL;
	return (h >> 32) % SLOTS;
}

const struct bytes_out *json_cache_get(const struct json_cache *c, const struct bytes_out *key)
{
	const struct entry *e;

	if (!c || key->failed)
		return NULL;
	e = &c->slots[slot_of(key)];
	if (e->key.len != key->len || !key->len || memcmp(e->key.data, key->data, key->len))
		return NULL;
	return &e->json;
}

void json_cache_put(struct json_cache *c, const struct bytes_out *key, const char *json, size_t len)
{
	struct entry *e;

	if (!c || key->failed || !key->len)
		return;
	e = &c->slots[slot_of(key)];
	bytes_free(&e->key);
	bytes_free(&e->json);
	bytes_add(&e->key, key->data, key->len);
	bytes_add(&e->json, json, len);
	if (e->key.failed || e->json.failed) {
		bytes_free(&e->key);
		bytes_free(&e->json);
	}
}
