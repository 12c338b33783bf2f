// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * One UTF-8 character at s, which ends with a NUL: its length in bytes, 0 when it is not valid (RFC
 * 3629: no overlong form, no surrogate, nothing above U+10FFFF). The NUL stops every sequence that
 * is cut short.
 */
static size_t utf8_decode(const unsigned char *s, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len;

	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	len = s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
	if (!len)
		return 0;
	*cp = s[0] & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3f);
	}
	if (*cp < least[len] || (*cp >= 0xd800 && *cp <= 0xdfff) || *cp > 0x10ffff)
		return 0;
	return len;
}

/* Characters that are not seen but change how their neighbours are. */
static bool is_disguise(uint32_t cp)
{
	static const struct {
		uint32_t lo, hi;
	} ranges[] = {
		{0x061c, 0x061c}, {0x200b, 0x200f}, {0x2028, 0x202e},	{0x2060, 0x2069},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (cp >= ranges[i].lo && cp <= ranges[i].hi)
			return true;
	return false;
}

static void put_bytes(struct bytes_out *out, const unsigned char *s, size_t len)
{
	while (len--)
		bytes_printf(out, "\\x%02x", *s++);
}

static void put_char(struct bytes_out *out, const unsigned char *s, size_t len, uint32_t cp)
{
	if (cp == '\n')
		bytes_str(out, "\\n");
	else if (cp == '\t')
		bytes_str(out, "\\t");
	else if (cp == '\\')
		bytes_str(out, "\\\\");
	else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		put_bytes(out, s, len);
	else if (is_disguise(cp))
		bytes_printf(out, "\\u{%04X}", cp);
	else
		bytes_add(out, s, len);
}

/* How many bytes stand for themselves. */
static size_t plain_length(const unsigned char *s)
{
	static const bool plain[256] = {[0x20 ... '\\' - 1] = true, ['\\' + 1 ... 0x7e] = true};
	size_t len = 0;

	while (plain[s[len]])
		len++;
	return len;
}

bool escape_add_plain(struct bytes_out *out, const char *text)
{
	size_t len = plain_length((const unsigned char *)text);

	if (text[len])
		return false;
	bytes_add(out, text, len);
	return true;
}

void escape_add(struct bytes_out *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	uint32_t cp;
	size_t len;

	while (*s) {
		len = plain_length(s);
		if (len) {
			bytes_add(out, s, len);
			s += len;
			continue;
		}
		len = utf8_decode(s, &cp);
		if (len) {
			put_char(out, s, len, cp);
		} else {
			len = 1;
			put_bytes(out, s, len);
		}
		s += len;
	}
}

void escape_write(FILE *out, const char *s)
{
	struct bytes_out text = {0};

	escape_add(&text, s);
	if (text.len)
		fwrite(text.data, 1, text.len, out);
	bytes_free(&text);
}

char *escape_text(const char *s)
{
	struct bytes_out text = {0};

	escape_add(&text, s);
	bytes_char(&text, '\0');
	if (!text.failed)
		return text.data;
	bytes_free(&text);
	return NULL;
}

char *utf8_repair(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
	const unsigned char *s = (const unsigned char *)text;
	char *repaired = malloc(strlen(text) * 3 + 1), *to = repaired;
	uint32_t cp;
	size_t len;

	if (!repaired)
		return NULL;
	for (; *s; s += len) {
		len = utf8_decode(s, &cp);
		if (len) {
			memcpy(to, s, len);
			to += len;
		} else {
			len = 1;
			memcpy(to, replacement, 3);
			to += 3;
		}
	}
	*to = '\0';
	return repaired;
}
