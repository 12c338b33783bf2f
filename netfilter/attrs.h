/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes of messages of nfnetlink, whose numbers are in network byte order. Everything points
 * into the message; nothing is read past the length that its header gives.
 */
#ifndef NFPATH_NETFILTER_ATTRS_H
#define NFPATH_NETFILTER_ATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlattr;
struct nlmsghdr;

struct bytes {
	const uint8_t *p; /* NULL: absent */
	size_t len;
};

/* The attributes behind struct nfgenmsg by their types up to max, of which tb has one more, all
 * NULL; family is that of the message. 0 or -EBADMSG. */
int attrs_of_message(const struct nlmsghdr *nlh, const struct nlattr **tb, unsigned int max,
		     uint8_t *family);

/* The same of those in an attribute; false: it is absent, or is no nest. */
bool attrs_of_nest(const struct nlattr *nest, const struct nlattr **tb, unsigned int max);

/* The number in the first attribute of this type; 0: there is none. */
uint32_t attrs_find_u32(const struct nlmsghdr *nlh, unsigned int type);

/* attr may be NULL: absent. What is absent or too short is 0, or NULL. */
bool attr_has_u32(const struct nlattr *attr);
uint8_t attr_u8(const struct nlattr *attr);
uint16_t attr_u16(const struct nlattr *attr);
uint32_t attr_u32(const struct nlattr *attr);
uint64_t attr_u64(const struct nlattr *attr);
const char *attr_string(const struct nlattr *attr);
struct bytes attr_bytes(const struct nlattr *attr);

#endif
