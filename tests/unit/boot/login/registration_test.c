#include "boot/login/registration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		enum registration_answer answer;
	} cases[] = {
		{"", REGISTRATION_NO_ANSWER},
		{"{\"text\":\"[logtap connected]\\n\"}", REGISTRATION_NO_ANSWER},
		{"{\"v\":1,\"text\":\"control: successful lite map update in 157ms\\n\"}",
			REGISTRATION_ACCEPTED},
		{"{\"text\":\"control: lite map update error after 1ms: initial fetch failed 404: "
		 "node not found\\n\"}",
			REGISTRATION_REFUSED},
		/* At the moment of the deletion, and while the server is in trouble. */
		{"{\"text\":\"control: lite map update error after 499ms: initial fetch failed 500: "
		 "internal server error\\n\"}",
			REGISTRATION_NO_ANSWER},
		{"{\"text\":\"control: lite map update error after 5s: dial tcp: connection "
		 "refused\\n\"}",
			REGISTRATION_NO_ANSWER},
		{"{\"text\":\"derphttp: initial fetch failed 404\\n\"}", REGISTRATION_NO_ANSWER},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(registration_read_line(cases[i].line), cases[i].answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
