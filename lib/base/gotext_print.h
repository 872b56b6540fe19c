/*
 * Which characters Go prints unescaped inside %q. Split from gotext.c because of its table.
 */
#ifndef LIB_BASE_GOTEXT_PRINT_H
#define LIB_BASE_GOTEXT_PRINT_H

#include <stdbool.h>
#include <stdint.h>

/* Go strconv.IsPrint. */
bool gotext_print_is(uint32_t rune);

#endif
