/*
 * Whether two error texts have the same cause. Error texts contain numbers that change from one try
 * to the next while the failure is the same. These are left out of the comparison:
 *
 *	- a port behind an address when it is ephemeral: 32768 and more, or before "->"
 *	- a number behind pid, process, thread, attempt, retry, try; "name[123]"
 *	- dates and times of day: 2026-01-31T23:59:59.5Z, 2026/01/31 23:59:59, 23:59:59
 *	- durations: 1m30s, 250ms, 3 s, 12 seconds
 *	- six and more digits; sixteen and more hexadecimal digits, 0x..., UUIDs
 *	- every number in a word with "tmp" in it
 *
 * All other numbers count: an exit status, an HTTP status, a signal, an address, a configured port,
 * a line of a file are part of the cause.
 */
#ifndef LIB_BASE_CAUSE_H
#define LIB_BASE_CAUSE_H

#include <stdint.h>

/* Equal for texts of the same cause. */
uint64_t cause_of(const char *text);

#endif
