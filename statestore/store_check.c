#include "statestore/store_check.h"

#include <string.h>

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

bool store_check_never_logged_in(const struct strv *keys)
{
	for (size_t i = 0; i < keys->len; i++) {
		const char *key = keys->items[i];
		if (str_starts(key, "profile-") || strcmp(key, "_profiles") == 0 ||
			strcmp(key, "_current-profile") == 0)
			return false;
	}
	return strv_contains(keys, "_machinekey");
}
