/*
 * Is the daemon's state complete? Pure.
 */
#ifndef STATESTORE_STORE_CHECK_H
#define STATESTORE_STORE_CHECK_H

#include <stdbool.h>

#include "lib/base/str.h"

/* None of _machinekey, _profiles, _current-profile; or all three and at least one profile-*. */
bool store_check_consistent(const struct strv *keys);

#endif
