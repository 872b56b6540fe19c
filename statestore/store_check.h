/*
 * Is the daemon's state complete? Pure.
 */
#ifndef STATESTORE_STORE_CHECK_H
#define STATESTORE_STORE_CHECK_H

#include <stdbool.h>

#include "lib/base/str.h"

/* None of _machinekey, _profiles, _current-profile; or all three and at least one profile-*. */
bool store_check_consistent(const struct strv *keys);

/* Of those only _machinekey, which the daemon writes when it starts: what a node leaves that waits
 * for a login. For a moment also the state of one that has just logged in. */
bool store_check_never_logged_in(const struct strv *keys);

#endif
