// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What nft printed for a chain, told apart by rule: comments in it are anybody's. Input: number of
 * rules, whether it is a base chain, and the output, in which rule N has the handle N.
 */
#include "netfilter/text_parts.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct chain_lines l = {.n = take_u8(&in) % 8};
	uint8_t how = take_u8(&in);
	struct rule_text rt = {0};
	char *out = malloc(in.len + 1);

	l.v = calloc(l.n + 1, sizeof(*l.v));
	check(out && l.v);
	if (in.len)
		memcpy(out, in.p, in.len);
	out[in.len] = 0;
	for (size_t i = 0; i < l.n; i++)
		l.v[i].handle = i + 1;
	if (!chain_lines_parse(&l, out, how & 2 ? "mine" : NULL, how & 1)) {
		for (size_t i = 0; i < l.n; i++)
			check(l.v[i].text);
		rt.text = l.n ? l.v[0].text : out;
		check(!brief_of_nft(&rt));
		free(rt.action);
		free(rt.brief);
	}
	for (size_t i = 0; i < l.n; i++)
		free(l.v[i].text);
	free(l.v);
	free(out);
	return 0;
}
