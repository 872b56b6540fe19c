#include "lib/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

_Static_assert(DIGEST_BYTES == SHA256_DIGEST_LENGTH, "size of a SHA-256");

/* TLS of the HTTP client keeps what it has decrypted in memory of this library, which overwrites
 * keys when it frees them, but not that. */
static void *allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(size);
}

static void *reallocate(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return mem_wiping_realloc(old, size);
}

static void release(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	mem_wiping_free(p);
}

/* Later, when something was allocated, it would be refused. */
static void __attribute__((constructor)) init_memory(void)
{
	(void)CRYPTO_set_mem_functions(allocate, reallocate, release);
}

void digest_of(const void *data, size_t len, struct digest *out)
{
	/* The library allocates memory; nothing else can fail. */
	if (SHA256(len > 0 ? data : (const void *)"", len, out->bytes) == NULL)
		mem_exhausted();
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
