#include "lib/base/secret.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/mem.h"

/* madvise works on pages, so each secret has pages of its own; there are only a handful. */
static size_t map_size(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	if (len >= SIZE_MAX - page)
		mem_exhausted();
	return (len + 1 + page - 1) / page * page;
}

void secret_set(struct secret *s, const char *bytes, size_t len)
{
	size_t size = map_size(len);
	/* cppcheck-suppress invalidFunctionArg ; -1 goes with MAP_ANONYMOUS */
	char *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		mem_exhausted();
	/* Fails on kernels built without it; the bytes are still wiped. */
	(void)madvise(data, size, MADV_DONTDUMP);
	memcpy(data, bytes, len);
	data[len] = '\0';
	/* Last, because bytes may be a part of the old value. */
	secret_fini(s);
	s->data = data;
	s->len = len;
}

void secret_set_str(struct secret *s, const char *text)
{
	if (text == NULL)
		secret_fini(s);
	else
		secret_set(s, text, strlen(text));
}

void secret_copy(struct secret *to, const struct secret *from)
{
	if (to == from)
		return;
	if (from->data == NULL)
		secret_fini(to);
	else
		secret_set(to, from->data, from->len);
}

void secret_fini(struct secret *s)
{
	if (s->data != NULL) {
		size_t size = map_size(s->len);
		explicit_bzero(s->data, size);
		munmap(s->data, size);
	}
	s->data = NULL;
	s->len = 0;
}

bool secret_is_set(const struct secret *s)
{
	return s->data != NULL && s->len > 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	if (a->len != b->len)
		return false;
	const volatile unsigned char *p = (const volatile unsigned char *)a->data;
	const volatile unsigned char *q = (const volatile unsigned char *)b->data;
	unsigned char difference = 0;
	for (size_t i = 0; i < a->len; i++)
		difference |= p[i] ^ q[i];
	return difference == 0;
}

const char *secret_str(const struct secret *s)
{
	return s->data != NULL ? s->data : "";
}
