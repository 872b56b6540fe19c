#include "lib/base/mem.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"

/* A fixed text and a plain write, because the log itself needs memory. */
void mem_exhausted(void)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "%.64sout of memory, aborting\n", log_prefix());
	ssize_t ignored = write(STDERR_FILENO, line, (size_t)len);
	(void)ignored;
	abort();
}

void *xmalloc(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);
	if (p == NULL)
		mem_exhausted();
	return p;
}

void *xcalloc(size_t count, size_t size)
{
	/* calloc checks the multiplication itself. */
	void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
	if (p == NULL)
		mem_exhausted();
	return p;
}

void *xrealloc(void *old, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		mem_exhausted();
	void *p = realloc(old, bytes > 0 ? bytes : 1);
	if (p == NULL)
		mem_exhausted();
	return p;
}

void *xgrow(void *items, size_t len, size_t *cap, size_t first, size_t size)
{
	if (len < *cap)
		return items;
	*cap = *cap > 0 ? *cap * 2 : first;
	return xrealloc(items, *cap, size);
}

char *xstrdup(const char *text)
{
	return text == NULL ? NULL : xstrndup(text, strlen(text));
}

char *xstrndup(const char *text, size_t len)
{
	size_t n = strnlen(text, len);
	char *copy = xmalloc(n + 1);
	memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *text = xvasprintf(fmt, args);
	va_end(args);
	return text;
}

char *xvasprintf(const char *fmt, va_list args)
{
	char *text = NULL;
	if (vasprintf(&text, fmt, args) < 0)
		mem_exhausted();
	return text;
}

void mem_wiping_free(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void *mem_wiping_realloc(void *old, size_t size)
{
	size_t had = old != NULL ? malloc_usable_size(old) : 0;
	if (old != NULL && size <= had)
		return old;
	void *p = malloc(size > 0 ? size : 1);
	if (p == NULL)
		return NULL;
	if (old != NULL)
		memcpy(p, old, had);
	mem_wiping_free(old);
	return p;
}

void mem_free(void *pointer_to_pointer)
{
	/* memcpy, because the variable may have any object pointer type. */
	void *p;
	memcpy(&p, pointer_to_pointer, sizeof(p));
	free(p);
}

void fd_close(int *fd)
{
	if (*fd < 0)
		return;
	int saved = errno;
	close(*fd);
	*fd = -1;
	errno = saved;
}
