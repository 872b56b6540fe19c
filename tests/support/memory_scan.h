/*
 * A secret, and whether it is still in writable memory of this process: a place that should have
 * been wiped. The test holds the secret only inverted.
 *
 *	AUTO(buf_wipe) struct buf text = BUF_INIT(100);
 *	memory_secret_put(&text);
 *	...
 *	assert_int_equal(memory_secret_count(), 0);
 */
#ifndef TESTS_SUPPORT_MEMORY_SCAN_H
#define TESTS_SUPPORT_MEMORY_SCAN_H

#include <stddef.h>

#include "lib/base/buf.h"

/* Appends the secret. */
void memory_secret_put(struct buf *out);
/* Number of places. Ends the program when the memory cannot be read. */
size_t memory_secret_count(void);

#endif
