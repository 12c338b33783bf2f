/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drops summed up by cause: how many, and how many a second. */
#ifndef NFPATH_DROP_TABLE_H
#define NFPATH_DROP_TABLE_H

#include "src/bytes.h"
#include "src/path.h"

struct drop_table;

/* NULL: out of memory. */
struct drop_table *drop_table_new(void);
void drop_table_free(struct drop_table *t);

/* Of a path that was dropped. 0 or -ENOMEM. */
int drop_table_add(struct drop_table *t, const struct path *p);

/* A stretch of time to which rates refer, and what was dropped in it. */
struct drop_span {
	uint64_t time_ns; /* its end, CLOCK_REALTIME */
	uint64_t ns;	  /* its length */
	bool whole;	  /* all drops; else those since the last drop_table_next() */
};

/* The next span begins. */
void drop_table_next(struct drop_table *t);

/* Under a heading one line a cause, most drops first. So many columns and lines fit; 0: any number.
 * Returns the number of lines. */
unsigned int drop_table_write(const struct drop_table *t, struct bytes_out *out,
			      const struct drop_span *span, unsigned int columns, unsigned int lines);

/* A line for each cause that had drops in the span: text, or JSON by docs/drops.schema.json. */
void drop_table_write_new(const struct drop_table *t, struct bytes_out *out,
			  const struct drop_span *span, bool json);

#endif
