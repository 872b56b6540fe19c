/*
 * Small allocations and scoped ownership.
 *
 * The x-functions are for small allocations of our own: out of memory they log and abort, and the
 * pod restarts. Data with a size that a file or a peer determines goes through struct buf, which
 * has a cap and fails with an error.
 *
 * AUTO(fn) frees a local on every way out; STEAL(p) hands its value on:
 *
 *	AUTO(mem_free) char *text = xstrdup(name);
 *	...
 *	return STEAL(text);
 */
#ifndef LIB_BASE_MEM_H
#define LIB_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#define AUTO(fn) __attribute__((cleanup(fn)))

#define STEAL(p)                                         \
	({                                               \
		__typeof__(p) *steal_from = &(p);        \
		__typeof__(p) steal_value = *steal_from; \
		*steal_from = NULL;                      \
		steal_value;                             \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);             /* zeroed; aborts on overflow */
void *xrealloc(void *old, size_t count, size_t size); /* aborts on overflow */
/* Makes room for one more item: returns items, or a larger copy that replaces them; *cap grows from
 * first by doubling. */
void *xgrow(void *items, size_t len, size_t *cap, size_t first, size_t size);
char *xstrdup(const char *text); /* NULL gives NULL */
char *xstrndup(const char *text, size_t len);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/* What the x-functions do out of memory: a line on descriptor 2, then abort. */
void mem_exhausted(void) __attribute__((noreturn));

/* realloc and free for libraries that hold secrets in their memory: freed memory is overwritten
 * first. The memory comes from malloc. */
void *mem_wiping_realloc(void *old, size_t size);
void mem_wiping_free(void *p);

/* Cleanup helper for AUTO: frees what the pointer variable holds. Expects the address of any object
 * pointer. */
void mem_free(void *pointer_to_pointer);

/* Cleanup helper for AUTO: closes a descriptor variable that is not negative. */
void fd_close(int *fd);

#endif
