/*
 * FNV-1a, 64 bits (draft-eastlake-fnv): a number for bytes that is the same in every process. Not
 * resistant to deliberate collisions; lib/base/digest.h has a hash that is.
 */
#ifndef LIB_BASE_FNV_H
#define LIB_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_INIT UINT64_C(14695981039346656037)

/* Continues with more bytes; begins with FNV_INIT. */
uint64_t fnv_add(uint64_t hash, const void *bytes, size_t len);

#endif
