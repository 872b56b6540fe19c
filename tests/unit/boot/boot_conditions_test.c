#include "boot/boot_conditions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "boot/config/config_conditions.h"
#include "boot/login/login_conditions.h"
#include "lib/base/mem.h"

static void every_kind_is_listed_once_with_its_texts(void **state)
{
	AUTO(condition_set_fini) struct condition_set set = {0};
	(void)state;
	boot_conditions_add(&set);
	for (size_t i = 0; i < set.count; i++) {
		const struct condition_kind *kind = set.items[i].kind;
		assert_true(kind->name[0] >= 'A' && kind->name[0] <= 'Z');
		assert_true(strspn(kind->name,
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
			    strlen(kind->name));
		assert_true(strlen(kind->group) > 0);
		assert_true(strlen(kind->meaning) > 0);
		assert_true(strlen(kind->advice) > 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(kind->name, set.items[j].kind->name);
	}
	assert_string_equal(CONDITION_KEY_USED->name, "KeyUsed");
	assert_string_equal(CONDITION_CONTROL_TLS_WRONG_HOST->name, "ControlTLSWrongHost");
	assert_string_equal(CONDITION_KEY_REISSUE_PENDING->name, "KeyReissuePending");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_listed_once_with_its_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
