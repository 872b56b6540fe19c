#include "lib/base/digest.h"

#include <openssl/sha.h>
#include <string.h>

#include "lib/base/mem.h"

_Static_assert(DIGEST_BYTES == SHA256_DIGEST_LENGTH, "size of a SHA-256");

void digest_of(const void *data, size_t len, struct digest *out)
{
	/* The library allocates inside, and that is all that can fail. */
	if (SHA256(len > 0 ? data : (const void *)"", len, out->bytes) == NULL)
		mem_exhausted();
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
