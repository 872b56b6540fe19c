/*
 * The kinds that a test's set holds, in place of the table of a program.
 *
 *	condition_kinds_add(&set, EGRESS_CONDITIONS);
 */
#ifndef TESTS_SUPPORT_CONDITION_KINDS_H
#define TESTS_SUPPORT_CONDITION_KINDS_H

#include "lib/base/condition.h"
#include "lib/base/mem.h"

#define condition_kinds_add(set, ...)                                               \
	do {                                                                        \
		static const struct condition_kind *const kinds_[] = {__VA_ARGS__}; \
		condition_set_add((set), kinds_, ARRAY_LEN(kinds_));                \
	} while (0)

#endif
