/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key of a set or map, as nft writes it. */
#ifndef NFPATH_NETFILTER_SET_KEY_H
#define NFPATH_NETFILTER_SET_KEY_H

#include <stddef.h>
#include <stdint.h>

struct nf_source;
struct set_types;

enum { SET_KEY_TEXT = 256 };

/* What the types of sets are, asked of the kernel once each. s is borrowed. NULL: out of memory. */
struct set_types *set_types_open(struct nf_source *s);
void set_types_close(struct set_types *t);
/* The ruleset changed: a name may be another set's. */
void set_types_forget(struct set_types *t);

/*
 * Writes the key, as it lies in the registers, by the type of this set: "10.96.0.1 . tcp . 80".
 * What has no known type is written in hexadecimal. Returns text.
 */
const char *set_key_text(char text[SET_KEY_TEXT], struct set_types *t, uint8_t family,
			 const char *table, const char *set, const uint8_t *key, size_t len);

/* The same for a key of this type: NFTA_SET_KEY_TYPE, 6 bits for each part. */
const char *set_key_print(char text[SET_KEY_TEXT], uint32_t type, const uint8_t *key, size_t len);

#endif
