#include "boot/daemon/daemon_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void a_picked_port_is_free(void **state)
{
	(void)state;
	unsigned port = daemon_port_pick();
	assert_in_range(port, 1, 65535);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void the_port_is_added_to_the_environment(void **state)
{
	(void)state;
	char *const env[] = {"PATH=/bin", "TRANSPORT=x", NULL};
	struct strv out = {0};
	assert_true(daemon_port_env(41641, env, &out));
	AUTO(mem_free) char *text = strv_join(&out, "|");
	assert_string_equal(text, "PATH=/bin|TRANSPORT=x|PORT=41641");
	strv_wipe(&out);
}

static void a_port_of_the_user_stays(void **state)
{
	(void)state;
	char *const named[] = {"PORT=0", "A=b", NULL};
	char *const empty[] = {"PORT=", NULL};
	char *const unnamed[] = {"A=b", NULL};
	struct strv out = {0};
	assert_false(daemon_port_env(41641, named, &out));
	assert_false(daemon_port_env(41641, empty, &out));
	assert_false(daemon_port_env(0, unnamed, &out));
	assert_null(out.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_picked_port_is_free),
		cmocka_unit_test(the_port_is_added_to_the_environment),
		cmocka_unit_test(a_port_of_the_user_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
