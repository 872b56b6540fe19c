#include "statestore/store_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static const struct row {
	const char *keys;
	bool is_consistent;
	bool has_profile;
} rows[] = {
	{"", true, false},
	{"device_id authkey other", true, false},
	{"_machinekey", false, false},
	{"_machinekey device_id", false, false},
	{"_profiles", false, false},
	{"_current-profile", false, false},
	{"_machinekey _profiles", false, false},
	/* What a logout leaves. */
	{"_machinekey _profiles _current-profile", false, false},
	{"_machinekey _profiles _current-profile profile-a", true, true},
	{"_machinekey _profiles _current-profile profile-a profile-b", true, true},
	{"_machinekey _profiles profile-a", false, true},
	{"_machinekey profile-a", false, true},
	/* Profiles alone are nobody's. */
	{"profile-a", true, true},
	{"_machinekey _profiles _current-profile profile", false, false},
	{"_Machinekey _serve_x xprofile-a", true, false},
};

static void the_keys_decide(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strv_fini) struct strv keys = {0};
		str_words(rows[i].keys, &keys);
		assert_int_equal(store_check_consistent(&keys), rows[i].is_consistent);
		assert_int_equal(store_check_has_profile(&keys), rows[i].has_profile);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_keys_decide),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
