/*
 * One mounted document, read again and again while others write it: a read that fails is tried
 * again with back-off, because not everything that ends such a failure is an event in the folder;
 * and a document that is suddenly empty or gone is believed only after a while, because a file that
 * is written in place is empty for a moment, and a folder that is put in the place of another is
 * gone for one.
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

/* How long an empty document is doubted. */
#define MOUNTED_DOUBT_MS 300

struct mounted {
	char *path; /* owned */
	struct timer again;
	struct backoff backoff;
	uint64_t empty_since_ms; /* 0 = it is not empty, or that was believed */
};

/* look is called from the loop when the document is to be read again; loop is borrowed, the path
 * copied. */
void mounted_init(
	struct mounted *m, struct loop *loop, const char *path, void (*look)(void *arg), void *arg);
void mounted_fini(struct mounted *m);

/* Reads the document into text, whose cap bounds it. 0; it is empty also when there is no file. 1
 * when it is empty and that is not to be believed yet: only where had_content says that there is
 * something to lose. A negative errno when it cannot be read. look is called later in both cases.
 */
int mounted_read(struct mounted *m, bool had_content, struct buf *text, struct err *e) MUST_CHECK;

#endif
