// SPDX-License-Identifier: GPL-2.0-or-later
/* The cache of printed steps: what it gives back, and that JSON is the same with and without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/json_cache.h"
#include "src/render.h"

static void put(struct json_cache *c, const char *key, const char *json)
{
	struct bytes_out k = {0};

	bytes_add_key(&k, key);
	json_cache_put(c, &k, json, strlen(json));
	bytes_free(&k);
}

static void check(const struct json_cache *c, const char *key, const char *json)
{
	struct bytes_out k = {0};
	const struct bytes_out *got;

	bytes_add_key(&k, key);
	got = json_cache_get(c, &k);
	bytes_free(&k);
	if (!json) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_int_equal(got->len, strlen(json));
	assert_memory_equal(got->data, json, got->len);
}

static void test_get_what_was_put(void **state)
{
	struct json_cache *c = json_cache_new();

	assert_non_null(c);
	check(c, "a", NULL);
	put(c, "a", "1");
	check(c, "a", "1");
	check(c, "b", NULL);
	put(c, "a", "2");
	check(c, "a", "2");
	json_cache_free(c);
}

/* More keys than slots: what is there is right, whatever was pushed out. */
static void test_full(void **state)
{
	struct json_cache *c = json_cache_new();
	char key[64], json[64];
	int there = 0;

	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "rule number %d of a chain with a long name", i);
		snprintf(json, sizeof(json), "{%d}", i);
		put(c, key, json);
		check(c, key, json);
	}
	for (int i = 0; i < 5000; i++) {
		struct bytes_out k = {0};
		const struct bytes_out *got;

		snprintf(key, sizeof(key), "rule number %d of a chain with a long name", i);
		snprintf(json, sizeof(json), "{%d}", i);
		bytes_add_key(&k, key);
		got = json_cache_get(c, &k);
		there += got != NULL;
		if (got)
			assert_memory_equal(got->data, json, strlen(json));
		bytes_free(&k);
	}
	assert_true(there > 500 && there < 5000);
	json_cache_free(c);
}

static void test_keys_stay_apart(void **state)
{
	struct bytes_out a = {0}, b = {0};

	bytes_add_key(&a, "ab");
	bytes_add_key(&a, "c");
	bytes_add_key(&b, "a");
	bytes_add_key(&b, "bc");
	assert_int_equal(a.len, b.len);
	assert_memory_not_equal(a.data, b.data, a.len);
	bytes_free(&a);
	bytes_free(&b);
	bytes_add_key(&a, NULL);
	bytes_add_key(&b, "\xff");
	assert_false(a.len == b.len && !memcmp(a.data, b.data, a.len));
	bytes_free(&b);
	bytes_add_key(&b, "");
	assert_false(a.len == b.len && !memcmp(a.data, b.data, a.len));
	bytes_free(&a);
	bytes_free(&b);
}

static void set_step(struct path *p, int variant)
{
	/* Each variant differs from the first one in one thing that the JSON shows. */
	struct step *s = &p->steps[0];

	s->type = STEP_RULE;
	s->backend = variant == 1 ? BACKEND_IPTABLES_LEGACY : BACKEND_NFT;
	s->family = variant == 2 ? 10 : 2;
	s->hook = variant == 3 ? 2 : 1;
	s->verdict = variant == 4 ? VERDICT_DROP : VERDICT_ACCEPT;
	s->rule.table = variant == 5 ? "t2" : "t1";
	s->rule.chain = variant == 6 ? "c2" : "c1";
	s->rule.number = variant == 7 ? 2 : 1;
	s->rule.handle = variant == 8 ? 1ull << 40 : 7;
	s->rule.target = variant == 9 ? "x" : NULL;
	s->rule.action = variant == 10 ? "DNAT" : NULL;
	s->rule.text = variant == 11 ? "-A c1" : NULL;
	s->rule.comment = variant == 12 ? "why" : NULL;
	s->rule.no_text = variant == 13 ? "gone" : NULL;
	s->rule.verdict_inferred = variant == 14;
	if (variant == 15)
		s->type = STEP_POLICY;
	if (variant == 16)
		s->type = STEP_RETURN;
}

enum { VARIANTS = 17 };

static char *draw(const struct path *p, struct json_cache *cache)
{
	char *text = NULL;
	size_t size;
	struct render r = {.out = open_memstream(&text, &size), .cache = cache};

	assert_int_equal(render_find("json")->path(&r, p), 0);
	fclose(r.out);
	return text;
}

static void test_same_json(void **state)
{
	struct json_cache *c = json_cache_new();
	struct path *p = path_new();
	char *drawn[VARIANTS];

	path_add(p, STEP_RULE, 2, 1);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < VARIANTS; i++) {
			char *plain, *cached;

			set_step(p, i);
			plain = draw(p, NULL);
			cached = draw(p, c);
			assert_string_equal(cached, plain);
			free(cached);
			if (round)
				free(plain);
			else
				drawn[i] = plain;
		}
	}
	for (int i = 1; i < VARIANTS; i++)
		assert_string_not_equal(drawn[0], drawn[i]);
	for (int i = 0; i < VARIANTS; i++)
		free(drawn[i]);
	path_free(p);
	json_cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get_what_was_put),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_keys_stay_apart),
		cmocka_unit_test(test_same_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
