#include "statestore/store_check.h"

bool store_check_consistent(const struct strv *keys)
{
	unsigned found = (unsigned)strv_contains(keys, "_machinekey") +
			 (unsigned)strv_contains(keys, "_profiles") +
			 (unsigned)strv_contains(keys, "_current-profile");
	return found == 0 || (found == 3 && store_check_has_profile(keys));
}

bool store_check_has_profile(const struct strv *keys)
{
	for (size_t i = 0; i < keys->len; i++) {
		if (str_starts(keys->items[i], "profile-"))
			return true;
	}
	return false;
}
