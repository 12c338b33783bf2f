/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts of the text output: the block (render_text.c), the lines of its steps
 * (render_text_step.c), and the one line of a drop (render_drop.c). */
#ifndef NFPATH_RENDER_TEXT_H
#define NFPATH_RENDER_TEXT_H

#include "src/bytes.h"
#include "src/render.h"

#define TEXT_RED "\033[31m"
#define TEXT_GREEN "\033[32m"
#define TEXT_DIM "\033[2m"
#define TEXT_PLAIN "\033[0m"

/* The left column of a step. */
struct text_column {
	size_t at; /* in names, ends with a NUL */
	int width;
};

struct text {
	struct bytes_out *out;
	const struct path *p;
	bool color, verbose;
	struct bytes_out *names, *columns; /* of all steps: text, and struct text_column */
	int left;	 /* width of that column */
	uint8_t family;	 /* AF_* of the headers at this step … */
	struct endpoint src, dst; /* … and the rest of them */
	bool has_ports;
	unsigned int ns;     /* index of the namespace in which the steps are */
	const char *section; /* class and hook of the heading that was written last */
	uint8_t hook;
	unsigned int visit;
	bool after_route;
};

static inline const struct text_column *text_column(const struct text *t, const struct step *s)
{
	return (const struct text_column *)(const void *)t->columns->data + (s - t->p->steps);
}

/* Every step, in order, under the headings of its hooks. */
void text_steps(struct text *t);

/* STEP_RETURN is for -v only. */
bool text_shows(const struct text *t, const struct step *s);

/* "web1", or the number of a namespace without a name. */
void text_netns(struct bytes_out *f, const struct path_netns *netns);

/* "UDP 10.0.0.1:53 > 10.0.0.2:53" */
void text_packet(struct bytes_out *f, const struct packet *p);
/* "10:00:00.123456", of CLOCK_REALTIME. */
void text_time(struct bytes_out *f, uint64_t ns);

/* Characters of UTF-8 in s. */
int text_width(const char *s);

/* Each escapes what it is given. */
const char *text_or_unknown(const char *s);			     /* "?" for NULL */
void text_painted(struct text *t, const char *color, const char *s); /* color may be NULL */
void text_labelled(struct bytes_out *f, const char *label, const char *value); /* nothing when value is NULL */
void text_owner(struct bytes_out *f, const char *state, const char *comm, int32_t pid);
void text_socket(struct bytes_out *f, const struct step *s);		   /* " (listen, nginx, pid 812)" */
void text_stack(struct bytes_out *f, const struct step *s);		   /* a line a function; of a drop */
void text_reason(struct bytes_out *f, const struct step *s);		   /* "NO_SOCKET at udp_rcv+0x1" */

#endif
