/*
 * Looks for bytes in all of the memory of this process that can be written: what was to be wiped
 * and was not. The needle is given inverted, so that the test itself does not hold it.
 *
 *	static const char inverted[] = ...;    built by the test from ~'s', ~'e', ...
 *	assert_int_equal(memory_scan(inverted, sizeof(inverted)), 0);
 */
#ifndef TESTS_SUPPORT_MEMORY_SCAN_H
#define TESTS_SUPPORT_MEMORY_SCAN_H

#include <stddef.h>

/* Number of places. Ends the program when the memory cannot be read. */
size_t memory_scan(const char *inverted, size_t len);

#endif
