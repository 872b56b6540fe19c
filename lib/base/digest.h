/*
 * SHA-256 of content, for "has it changed" without keeping the content. The one home of libcrypto:
 * a program with this module overwrites all memory that libcrypto gives back.
 */
#ifndef LIB_BASE_DIGEST_H
#define LIB_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 32

struct digest {
	uint8_t bytes[DIGEST_BYTES];
};

void digest_of(const void *data, size_t len, struct digest *out);
bool digest_equal(const struct digest *a, const struct digest *b);

#endif
