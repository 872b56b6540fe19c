#include "statestore/store_check.h"

bool store_check_consistent(const struct strv *keys)
{
	unsigned found = (unsigned)strv_contains(keys, "_machinekey") +
			 (unsigned)strv_contains(keys, "_profiles") +
			 (unsigned)strv_contains(keys, "_current-profile");
	bool has_profile = false;
	for (size_t i = 0; i < keys->len; i++)
		has_profile = has_profile || str_starts(keys->items[i], "profile-");
	return found == 0 || (found == 3 && has_profile);
}
