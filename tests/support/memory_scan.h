/*
 * A secret, and whether it is still in writable memory of this process: a place that should have
 * been wiped. The test holds the secret only inverted.
 *
 *	AUTO(buf_wipe) struct buf text = BUF_INIT(100);
 *	memory_secret_put(&text);
 *	...
 *	assert_int_equal(memory_secret_count(), 0);
 *
 * memory_scan_begin comes first in main: without it, the lazy binding of a function saves registers
 * that still hold copied bytes on the stack. The program itself is linked without lazy binding.
 */
#ifndef TESTS_SUPPORT_MEMORY_SCAN_H
#define TESTS_SUPPORT_MEMORY_SCAN_H

#include <stddef.h>

#include "lib/base/buf.h"

void memory_scan_begin(char **argv);

/* Appends the secret. */
void memory_secret_put(struct buf *out);
/* Number of places. Ends the program when the memory cannot be read. */
size_t memory_secret_count(void);

#endif
