/*
 * Monotonic and wall time behind one replaceable source, so that tests own the time.
 */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_MS_PER_S 1000
#define CLOCK_NS_PER_MS 1000000

/* Milliseconds of CLOCK_MONOTONIC (or of the fake). */
uint64_t clock_now_ms(void);
/* Nanoseconds of CLOCK_MONOTONIC (or of the fake): for measuring. */
uint64_t clock_now_ns(void);
/* Milliseconds of CLOCK_BOOTTIME, which goes on while the machine sleeps (or of the fake): for what
 * is agreed with other machines. */
uint64_t clock_boot_ms(void);
/* Wall time, for log lines and time stamps only. */
time_t clock_wall(void);

/* Replaces the source; NULL restores the kernel's. The function returns nanoseconds. For tests. */
typedef uint64_t (*clock_source_fn)(void);
void clock_set_source(clock_source_fn fn);

#endif
