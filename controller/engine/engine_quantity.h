/*
 * Kubernetes quantities by value: "1", "1000m" and "1e0" are the same. Pure.
 */
#ifndef CONTROLLER_ENGINE_ENGINE_QUANTITY_H
#define CONTROLLER_ENGINE_ENGINE_QUANTITY_H

#include <stdbool.h>

/* False also when one of them is no quantity, or too large to be compared. */
bool engine_quantity_equal(const char *a, const char *b);

#endif
