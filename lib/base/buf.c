#include "lib/base/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define BUF_FIRST_CAP 64

void buf_init(struct buf *b, size_t max)
{
	*b = BUF_INIT(max);
}

void buf_fini(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = 0;
	b->cap = 0;
}

void buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_fini(b);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

/* Not realloc: the bytes may be a secret, and realloc leaves a copy behind. */
static int grow(struct buf *b, size_t cap, struct err *e)
{
	char *data = malloc(cap);
	if (data == NULL)
		return err_set(e, -ENOMEM, "no memory for %zu bytes", cap);
	if (b->data != NULL) {
		memcpy(data, b->data, b->len);
		explicit_bzero(b->data, b->len);
		free(b->data);
	}
	data[b->len] = '\0';
	b->data = data;
	b->cap = cap;
	return 0;
}

int buf_reserve(struct buf *b, size_t extra, struct err *e)
{
	if (b->len > b->max || extra > b->max - b->len)
		return err_set(e, -EMSGSIZE, "more than %zu bytes", b->max);
	/* max can be SIZE_MAX, which leaves no room for the NUL. */
	size_t need;
	if (__builtin_add_overflow(b->len + extra, 1, &need))
		return err_set(e, -EMSGSIZE, "more than %zu bytes", b->max);
	if (b->cap >= need)
		return 0;
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST_CAP;
	while (cap < need && !__builtin_mul_overflow(cap, (size_t)2, &cap))
		;
	if (cap < need || cap - 1 > b->max)
		cap = b->max < SIZE_MAX ? b->max + 1 : need;
	return grow(b, cap, e);
}

int buf_append(struct buf *b, const void *data, size_t len, struct err *e)
{
	int code = buf_reserve(b, len, e);
	if (code < 0)
		return code;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_append_str(struct buf *b, const char *text, struct err *e)
{
	return buf_append(b, text, strlen(text), e);
}

int buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	int code = n < 0 ? err_set_errno(e, -errno, "format") : buf_reserve(b, (size_t)n, e);
	if (code == 0) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return code;
}

void buf_consume(struct buf *b, size_t len)
{
	if (b->data == NULL)
		return;
	if (len > b->len)
		len = b->len;
	b->len -= len;
	memmove(b->data, b->data + len, b->len);
	b->data[b->len] = '\0';
}

const char *buf_cstr(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *data = b->data != NULL ? b->data : xstrdup("");
	b->data = NULL;
	b->len = 0;
	b->cap = 0;
	return data;
}
