// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <linux/rtnetlink.h>

#include "route/device.h"

struct rules {
	uint8_t family;
	struct policy_rule *v;
	size_t n;
	bool failed;
};

static void begin_rules(void *data)
{
	((struct rules *)data)->n = 0;
}

static int on_rule(const struct nlmsghdr *nlh, void *data)
{
	struct rules *rules = data;
	struct policy_rule r, *v;

	if (!policy_rule_parse(nlh, rules->family, &r))
		return MNL_CB_OK;
	v = reallocarray(rules->v, rules->n + 1, sizeof(*v));
	if (!v) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	rules->v = v;
	v[rules->n++] = r;
	return MNL_CB_OK;
}

static uint32_t number_of(struct rtnl *r, const char *name)
{
	struct route_device dev;

	if (!*name)
		return 0;
	return route_device_get(r, 0, name, &dev) ? UINT32_MAX : dev.ifindex;
}

int policy_rules_read(struct rtnl *r, uint8_t family, struct policy_rule **v, size_t *n)
{
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh = rtnl_begin(buf, RTM_GETRULE, sizeof(struct rtmsg));
	struct rules rules = {.family = family};
	int rc;

	((struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_family = family;
	rc = rtnl_dump(r, nlh, begin_rules, on_rule, &rules);
	*v = rules.v;
	*n = rules.n;
	for (size_t i = 0; !rc && i < *n; i++) {
		rules.v[i].iifindex = number_of(r, rules.v[i].iif);
		rules.v[i].oifindex = number_of(r, rules.v[i].oif);
	}
	return rc;
}
