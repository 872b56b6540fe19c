/* The conditions of statestore. */
#ifndef STATESTORE_STATESTORE_CONDITIONS_H
#define STATESTORE_STATESTORE_CONDITIONS_H

#include "lib/base/condition.h"

extern const struct condition_kind condition_store_write_failed;
extern const struct condition_kind condition_store_not_permitted;

#define CONDITION_STORE_WRITE_FAILED (&condition_store_write_failed)
#define CONDITION_STORE_NOT_PERMITTED (&condition_store_not_permitted)

/* All of them, for a program's table. */
#define STATESTORE_CONDITIONS CONDITION_STORE_WRITE_FAILED, CONDITION_STORE_NOT_PERMITTED

#endif
