// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours is a function */

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/features.h"
#include "src/features_probes.h"

/* --- what probes do in the child --- */

static ino_t own_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

static int says(const struct probe_context *c, int arg, struct error *why)
{
	return fail(why, -arg, "the answer is %d", arg);
}

static int dies(const struct probe_context *c, int arg, struct error *why)
{
	fail(why, 0, "all is well");
	kill(getpid(), arg);
	return 0;
}

static int ends(const struct probe_context *c, int arg, struct error *why)
{
	_exit(arg);
}

static int sleeps(const struct probe_context *c, int arg, struct error *why)
{
	pause();
	return 0;
}

static ino_t host;

static int is_elsewhere(const struct probe_context *c, int arg, struct error *why)
{
	return own_netns() != host ? 0 : fail(why, -EEXIST, "still at home");
}

static bool can_scratch(void)
{
	struct error why = {0};

	return !scratch_run(says, NULL, 0, 5, &why);
}

static void scratch_returns_what_the_probe_says(void **state)
{
	struct error why = {0};

	if (!can_scratch())
		skip();
	assert_int_equal(scratch_run(says, NULL, 7, 5, &why), -7);
	assert_string_equal(why.text, "the answer is 7");
	host = own_netns();
	assert_int_equal(scratch_run(is_elsewhere, NULL, 0, 5, &why), 0);
	assert_int_equal(own_netns(), host);
}

/* A probe that dies is a feature that is not there, not the end of us, whatever it had said. */
static void scratch_survives_a_probe(void **state)
{
	struct error why = {0};

	if (!can_scratch())
		skip();
	assert_int_equal(scratch_run(dies, NULL, SIGKILL, 5, &why), -EIO);
	assert_non_null(strstr(why.text, "signal 9"));
	assert_int_equal(scratch_run(ends, NULL, 3, 5, &why), -EIO);
	assert_non_null(strstr(why.text, "status 3"));
	assert_int_equal(scratch_run(sleeps, NULL, 0, 1, &why), -ETIMEDOUT);
	assert_non_null(strstr(why.text, "within 1 second"));
}

/* --- the table, as this host fills it --- */

static void every_row_speaks(void **state)
{
	struct error err = {0};
	struct features f;

	assert_int_equal(features_probe(&f, &err), 0);
	assert_true(f.n >= 20);
	assert_true(*f.engine_why.text);
	for (unsigned int i = 0; i < f.n; i++) {
		const struct feature *v = &f.v[i];

		assert_true(*v->name && *v->without);
		assert_true(v->available || *v->why.text);
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(v->name, f.v[k].name);
	}
	features_free(&f);
}

/* --- the two outputs --- */

static struct feature sample[] = {
	{"short", "5.12", "much", true, {.text = ""}},
	{"a longer name", NULL, "little", false, {.text = "held by \033[31mevil\xff (pid 7)"}},
};

static char *printed(int (*print)(const struct features *, FILE *), const struct features *f)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(print(f, out), 0);
	fclose(out);
	return text;
}

static void text_is_aligned_and_escaped(void **state)
{
	struct features f = {.engine_why = {"no root"}, .v = sample, .n = 2};
	char *text = printed(features_text, &f);

	assert_string_equal(text,
			    "engine: none (no root)\n"
			    "\n"
			    "feature        here  since   why\n"
			    "short          yes   5.12\n"
			    "a longer name  no    -       held by \\x1b[31mevil\\xff (pid 7)\n"
			    "                             lost: little\n");
	free(text);
}

static void json_is_one_object(void **state)
{
	struct features f = {.engine = &engine_netlink, .v = sample, .n = 2};
	char *text = printed(features_json, &f);
	json_t *root = json_loads(text, 0, NULL), *rows = json_object_get(root, "features");
	json_t *second = json_array_get(rows, 1);

	assert_non_null(root);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
	assert_string_equal(json_string_value(json_object_get(root, "engine")), "netlink");
	assert_int_equal(json_array_size(rows), 2);
	assert_true(json_is_true(json_object_get(json_array_get(rows, 0), "available")));
	assert_true(json_is_null(json_object_get(json_array_get(rows, 0), "why")));
	assert_true(json_is_false(json_object_get(second, "available")));
	assert_true(json_is_null(json_object_get(second, "since")));
	assert_string_equal(json_string_value(json_object_get(second, "why")),
			    "held by \033[31mevil\xef\xbf\xbd (pid 7)");
	json_decref(root);
	free(text);
}

static void a_full_disk_is_noticed(void **state)
{
	struct features f = {.v = sample, .n = 2};
	FILE *out = fopen("/dev/full", "w");

	assert_non_null(out);
	assert_int_equal(features_text(&f, out), -ENOSPC);
	fclose(out);
	out = fopen("/dev/full", "w");
	assert_int_equal(features_json(&f, out), -ENOSPC);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scratch_returns_what_the_probe_says),
		cmocka_unit_test(scratch_survives_a_probe),
		cmocka_unit_test(every_row_speaks),
		cmocka_unit_test(text_is_aligned_and_escaped),
		cmocka_unit_test(json_is_one_object),
		cmocka_unit_test(a_full_disk_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
