// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * programs_watch SECONDS [all]: the records of the bpf engine's programs as they come, one a line, for people who work on these
 * programs. Says "ready" when they are attached. all: every kind of expression, not those of the usual rules only.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/clock.h"
#include "src/programs.h"

static void on_record(void *ctx, const struct nfp_event *ev, size_t size)
{
	printf("%" PRIu64 " cpu %u ns %u ", (uint64_t)ev->ktime, ev->cpu, ev->netns);
	if (ev->type == NFP_SIGHT) {
		const struct nfp_sight *s = (const void *)ev;

		printf("SIGHT id %u copy_of %u %s pf %u hook %u flags %u len %u", s->id, s->copy_of,
		       s->what == NFP_ENTER ? "enter" : "leave", s->pf, s->hook, s->flags, s->len);
		if (s->flags & NFP_SIGHT_FULL)
			printf(" in '%s' out '%s' headers %u ll %u", s->in, s->out, s->header_len, s->ll_len);
	} else if (ev->type == NFP_VISIT) {
		const struct nfp_visit *v = (const void *)ev;

		printf("VISIT id %u base %llx pf %u hook %u flags %u returned %x policy %u steps %u:", v->id, v->base, v->pf, v->hook,
		       v->flags, v->verdict, v->policy, v->n);
		for (unsigned int i = 0; i < v->n; i++)
			printf(" [%llx handle %llu verdict %d target %llx keyed %u]", v->steps[i].chain, v->steps[i].handle,
			       v->steps[i].verdict, v->steps[i].target, v->steps[i].keyed);
	} else if (ev->type == NFP_CHAIN) {
		const struct nfp_chain *c = (const void *)ev;

		printf("CHAIN %llx gen %llu family %u %s %s", c->chain, c->gen, c->family, c->table, c->name);
	} else if (ev->type == NFP_KEY) {
		const struct nfp_key *k = (const void *)ev;

		printf("KEY id %u set %s len %u", k->id, k->set, k->len);
	} else if (ev->type == NFP_GONE) {
		const struct nfp_gone *g = (const void *)ev;

		printf("GONE id %u dropped %u", g->id, g->dropped);
	} else {
		printf("type %u, %zu bytes", ev->type, size);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct programs_config config = {0};
	struct programs *p;
	struct error err = {0};
	uint64_t end, synced = 0, start = clock_ns();
	int n;

	if (argc < 2)
		return 2;
	if (programs_open(&p, &config, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	n = programs_attach(p, (1u << PROGRAM_PARTS) - 1, argc > 2 ? ~0ull : 0xff, &err);
	if (n <= 0) {
		fprintf(stderr, "attached %d: %s\n", n, err.text);
		return 1;
	}
	for (int part = 0; part < PROGRAM_PARTS; part++) {
		const char *name = "";

		if (!programs_has(p, part, &name))
			fprintf(stderr, "part %d lacks %s\n", part, name);
	}
	programs_gate(p, true);
	fprintf(stderr, "ready: %d programs in %.3f s\n", n, (clock_ns() - start) / 1e9);
	end = clock_ns() + strtoull(argv[1], NULL, 10) * 1000000000;
	while (clock_ns() < end) {
		programs_read(p, on_record, NULL, &synced);
		fflush(stdout);
		usleep(20000);
	}
	fprintf(stderr, "followed %d, lost %" PRIu64 "\n", programs_followed(p), programs_lost(p));
	programs_close(p);
	return 0;
}
