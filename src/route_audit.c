// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/route_audit.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "route/rp_filter.h"
#include "src/cmd.h"
#include "src/escape.h"
#include "src/route_report.h"
#include "src/sysctl_origin.h"

/* Which of the two settings made the mode what it is, and the file that it is from. */
static const char *setter(const struct audit *a, const struct audit_device *d, char *file,
			  size_t size)
{
	bool all = a->all.rp_filter > d->set.rp_filter;
	char key[128];

	snprintf(key, sizeof(key), "net.ipv4.conf.%s.rp_filter", all ? "all" : d->dev.name);
	sysctl_origin(key, all ? a->all.rp_filter : d->set.rp_filter, NULL, file, size);
	if (all || *file)
		return all ? "all" : d->dev.name;
	/* What a device begins with. */
	if (d->set.rp_filter != a->initial.rp_filter)
		return d->dev.name;
	sysctl_origin("net.ipv4.conf.default.rp_filter", a->initial.rp_filter, NULL, file, size);
	return "default";
}

static void write_device(const struct audit *a, const struct audit_device *d, FILE *out)
{
	int mode = rp_filter_mode(a->all.rp_filter, d->set.rp_filter);
	char file[SYSCTL_ORIGIN_MAX];
	const char *by = setter(a, d, file, sizeof(file));

	fputs("  ", out);
	escape_write(out, d->dev.name);
	fprintf(out, "%*s rp_filter %s (conf.all=%d, conf.", (int)(15 - strlen(d->dev.name)), "",
		rp_filter_mode_name(mode), a->all.rp_filter);
	escape_write(out, d->dev.name);
	fprintf(out, "=%d)", d->set.rp_filter);
	if (mode > RP_OFF) {
		fputs(", by ", out);
		escape_write(out, by);
		if (*file) {
			fputs(" in ", out);
			escape_write(out, file);
		}
	}
	fputc('\n', out);
}

static void write_finding(const struct audit_finding *f, FILE *out)
{
	fprintf(out, "  %s ", f->kind);
	escape_write(out, f->dev);
	fputs(": ", out);
	if (f->count > 1)
		fprintf(out, "%u sources, like ", f->count);
	escape_write(out, f->sentence);
	if (*f->fix) {
		fputs("; fix: ", out);
		escape_write(out, f->fix);
	}
	fputc('\n', out);
}

static void write_rules(const struct audit_rules *rules, FILE *out)
{
	fputs("IPv6 has no rp_filter; ", out);
	if (*rules->why) {
		fputs("its rules could not be read: ", out);
		escape_write(out, rules->why);
		fputc('\n', out);
		return;
	}
	fputs(rules->n ? "rules that do the same:\n" : "and no rule does the same\n", out);
	for (size_t i = 0; i < rules->n; i++) {
		fputs("  ", out);
		escape_write(out, rules->v[i]);
		fputc('\n', out);
	}
}

int route_audit_text(const struct audit *a, const struct audit_rules *rules, const struct netns *ns,
		     FILE *out)
{
	fputs("netns=", out);
	escape_write(out, ns->name);
	fprintf(out, ": %zu devices, %zu sources looked at", a->n_devices, a->sources);
	if (a->not_looked_at)
		fprintf(out, ", %zu not (more than %d of a kind)", a->not_looked_at, AUDIT_SOURCES);
	if (!a->has_connections)
		fputs("; connections cannot be read here (/proc/net/nf_conntrack)", out);
	fputc('\n', out);
	for (size_t i = 0; i < a->n_devices; i++)
		write_device(a, &a->devices[i], out);
	write_rules(rules, out);
	fprintf(out, "%zu finding%s\n", a->n_findings, a->n_findings == 1 ? "" : "s");
	for (size_t i = 0; i < a->n_findings; i++)
		write_finding(&a->findings[i], out);
	return fflush(out) || ferror(out) ? -errno : 0;
}

static json_t *text(const char *s)
{
	char *whole = *s ? utf8_repair(s) : NULL;
	json_t *json = whole ? json_string_nocheck(whole) : *s ? NULL : json_null();

	free(whole);
	return json;
}

static json_t *devices(const struct audit *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n_devices; i++) {
		const struct audit_device *d = &a->devices[i];
		char file[SYSCTL_ORIGIN_MAX];
		const char *by = setter(a, d, file, sizeof(file));

		json_array_append_new(list,
				      json_pack("{so, s{si, si, si}, so, so}", "dev",
						text(d->dev.name), "rp_filter", "effective",
						rp_filter_mode(a->all.rp_filter, d->set.rp_filter),
						"all", a->all.rp_filter, "dev", d->set.rp_filter,
						"set_by", text(by), "file", text(file)));
	}
	return list;
}

static json_t *findings(const struct audit *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n_findings; i++) {
		const struct audit_finding *f = &a->findings[i];

		json_array_append_new(list,
				      json_pack("{ss, so, so, sI, so, so}", "kind", f->kind, "dev",
						text(f->dev), "reverse_dev", text(f->back),
						"sources", (json_int_t)f->count, "sentence",
						text(f->sentence), "fix", text(f->fix)));
	}
	return list;
}

static json_t *ipv6_rules(const struct audit_rules *rules)
{
	json_t *list = *rules->why ? json_null() : json_array();

	for (size_t i = 0; i < rules->n; i++)
		json_array_append_new(list, text(rules->v[i]));
	return list;
}

int route_audit_json(const struct audit *a, const struct audit_rules *rules, const struct netns *ns,
		     FILE *out)
{
	json_t *o = json_pack("{si, s{sI, so}, sI, sI, sb, so, so, so}", "schema", 1, "netns",
			      "inum", (json_int_t)ns->inum, "name", text(ns->name), "sources",
			      (json_int_t)a->sources, "not_looked_at", (json_int_t)a->not_looked_at,
			      "connections", a->has_connections, "devices", devices(a),
			      "ipv6_rules", ipv6_rules(rules), "findings", findings(a));

	return json_line(o, out);
}

static int print(const struct audit *a, const struct audit_rules *rules, const struct netns *ns,
		 bool json)
{
	int rc = json ? route_audit_json(a, rules, ns, stdout)
		      : route_audit_text(a, rules, ns, stdout);

	if (cmd_written(rc))
		return EXIT_FAILED;
	return audit_drops(a) ? EXIT_DROP : EXIT_OK;
}

int route_audit_run(const struct netns *ns, bool json)
{
	struct error err = {0};
	struct audit a = {0};
	struct audit_rules rules = {0};
	struct route_collector *c = route_collector_open(ns->fd, &err);
	int rc = c ? route_audit(c, &a, &err) : err.rc, status;

	if (!rc)
		audit_rules_read(ns->fd, &rules);
	status = rc ? complain(exit_status(rc), &err) : print(&a, &rules, ns, json);
	audit_rules_free(&rules);
	audit_free(&a);
	route_collector_close(c);
	return status;
}
