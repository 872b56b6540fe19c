/*
 * Whether the daemon's state is complete. Pure.
 */
#ifndef STATESTORE_STORE_CHECK_H
#define STATESTORE_STORE_CHECK_H

#include <stdbool.h>

#include "lib/base/str.h"

/* None of _machinekey, _profiles, _current-profile; or all three and at least one profile-*. */
bool store_check_consistent(const struct strv *keys);

/* At least one profile-*. A node that never logged in has none (the daemon writes _machinekey when
 * it starts), and a logout removes it and leaves the other three keys. Right after a login it may
 * be missing for a moment. */
bool store_check_has_profile(const struct strv *keys);

#endif
