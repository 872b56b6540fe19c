/*
 * Growable bytes with a hard cap, always NUL-terminated (the NUL is not counted).
 *
 *	AUTO(buf_fini) struct buf b = BUF_INIT(64 * 1024);
 *	if (buf_append(&b, data, len, e) < 0)
 *		return err_wrap(e, "reply of %s", url);
 */
#ifndef LIB_BASE_BUF_H
#define LIB_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "lib/base/err.h"

struct buf {
	char *data; /* NULL while empty; use buf_cstr for a string */
	size_t len;
	size_t cap;
	size_t max; /* most bytes it may hold */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);  /* frees; b is empty and usable again */
void buf_wipe(struct buf *b);  /* overwrites the bytes, then frees: for secrets */
void buf_reset(struct buf *b); /* drops the bytes, keeps the memory */

/* All return 0, -EMSGSIZE past the cap, or -ENOMEM; on failure b is unchanged. */
int buf_reserve(struct buf *b, size_t extra, struct err *e) MUST_CHECK;
int buf_append(struct buf *b, const void *data, size_t len, struct err *e) MUST_CHECK;
int buf_append_str(struct buf *b, const char *text, struct err *e) MUST_CHECK;
int buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))) MUST_CHECK;

/* Drops len bytes at the front. */
void buf_consume(struct buf *b, size_t len);

const char *buf_cstr(const struct buf *b); /* never NULL; valid until the next change */

/* Hands the bytes over as a malloc'ed, NUL-terminated string; b is empty afterwards. Never NULL. */
char *buf_take(struct buf *b);

#endif
