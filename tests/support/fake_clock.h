/*
 * A clock that stands still until the test moves it. Replaces the kernel's in lib/base/clock.h;
 * wall time is not touched. Meanwhile all random delays of lib/base/backoff.h have their longest
 * value, so that a test knows when a pause is over.
 */
#ifndef TESTS_SUPPORT_FAKE_CLOCK_H
#define TESTS_SUPPORT_FAKE_CLOCK_H

#include <stdint.h>

void fake_clock_install(uint64_t now_ms);
void fake_clock_advance_ms(uint64_t ms);
void fake_clock_remove(void);

#endif
