/*
 * Looks for bytes in all writable memory of the process, freed memory included: what was a secret
 * must be nowhere.
 *
 *	heap_scan_text(value, 7);             a value that no source file holds
 *	...
 *	assert_int_equal(heap_scan_count(7), 0);
 */
#ifndef TESTS_SUPPORT_HEAP_SCAN_H
#define TESTS_SUPPORT_HEAP_SCAN_H

#include <stddef.h>
#include <stdint.h>

#define HEAP_SCAN_LEN 40

/* A text made of that number; out has room for the NUL. The caller wipes it before the scan. */
void heap_scan_text(char out[static HEAP_SCAN_LEN + 1], uint32_t number);
/* How often the text of that number is in memory. Never holds the text itself. Of a text of which
 * the allocator has overwritten the begin, the end counts. */
unsigned int heap_scan_count(uint32_t number);

#endif
