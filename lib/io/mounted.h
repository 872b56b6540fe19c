/*
 * One mounted document that is read repeatedly while another program writes it. A failed read is
 * tried again with back-off, because the end of such a failure is not always an event in the
 * folder. A document that is suddenly empty or absent is believed only after a while: a file that
 * is written in place is empty for a moment, and a folder that is being replaced is absent for a
 * moment.
 *
 *	mounted_init(&m, loop, path, look, arg);
 *	in look():  code = mounted_read(&m, has_services, &text, e);
 */
#ifndef LIB_IO_MOUNTED_H
#define LIB_IO_MOUNTED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/io/timer.h"

/* How long an empty document is not believed. */
#define MOUNTED_DOUBT_MS 300

struct mounted {
	char *path; /* owned */
	struct timer again;
	struct backoff backoff;
	uint64_t empty_since_ms; /* 0 = it is not empty, or is believed to be */
};

/* look is called from the loop when the document must be read again; loop is borrowed, the path
 * copied. */
void mounted_init(
	struct mounted *m, struct loop *loop, const char *path, void (*look)(void *arg), void *arg);
void mounted_fini(struct mounted *m);

/* Reads the document into text, whose cap bounds it. Returns 0 on success; without a file the text
 * is empty. Returns 1 when the text is empty but not believed yet, which happens only when
 * had_content says that there is something to lose. Returns a negative errno when it cannot be
 * read. In the last two cases look is called later.
 *  */
int mounted_read(struct mounted *m, bool had_content, struct buf *text, struct err *e) MUST_CHECK;

#endif
