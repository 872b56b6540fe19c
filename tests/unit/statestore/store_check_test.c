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
	bool never_logged_in;
} rows[] = {
	{"", true, false},
	{"device_id authkey other", true, false},
	{"_machinekey", false, true},
	{"_machinekey device_id", false, true},
	{"_profiles", false, false},
	{"_current-profile", false, false},
	{"_machinekey _profiles", false, false},
	{"_machinekey _profiles _current-profile", false, false},
	{"_machinekey _profiles _current-profile profile-a", true, false},
	{"_machinekey _profiles _current-profile profile-a profile-b", true, false},
	{"_machinekey _profiles profile-a", false, false},
	{"_machinekey profile-a", false, false},
	/* Profiles alone are nobody's. */
	{"profile-a", true, false},
	{"_machinekey _profiles _current-profile profile", false, false},
	{"_Machinekey _serve_x xprofile-a", true, false},
};

static void the_keys_tell(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strv_fini) struct strv keys = {0};
		str_words(rows[i].keys, &keys);
		assert_int_equal(store_check_consistent(&keys), rows[i].is_consistent);
		assert_int_equal(store_check_never_logged_in(&keys), rows[i].never_logged_in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_keys_tell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
