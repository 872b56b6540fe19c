#include "lib/control/control_proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct row {
	const char *no_proxy;
	const char *host;
	uint16_t port;
	bool is_for;
};

static const struct row rows[] = {
	{NULL, "api.tailscale.com", 443, true},
	{"", "api.tailscale.com", 443, true},
	{"*", "api.tailscale.com", 443, false},
	{"tailscale.com", "api.tailscale.com", 443, false},
	{"tailscale.com", "tailscale.com", 443, false},
	{"tailscale.com", "nottailscale.com", 443, true},
	{"tailscale.com", "tailscale.com.example", 443, true},
	{"TailScale.COM", "api.tailscale.com", 443, false},
	{".tailscale.com", "api.tailscale.com", 443, false},
	{".tailscale.com", "tailscale.com", 443, true},
	{"*.tailscale.com", "api.tailscale.com", 443, false},
	{"*.tailscale.com", "tailscale.com", 443, true},
	{"a.example, tailscale.com ,b.example", "api.tailscale.com", 443, false},
	{"headscale.test:8443", "headscale.test", 8443, false},
	{"headscale.test:8443", "headscale.test", 443, true},
	{"10.0.0.0/8", "10.1.2.3", 443, false},
	{"10.0.0.0/8", "11.1.2.3", 443, true},
	{"10.0.0.0/8", "ten.example", 443, true},
	{"10.1.2.3", "10.1.2.3", 443, false},
	{"10.1.2.3:443", "10.1.2.3", 443, false},
	{"10.1.2.3:443", "10.1.2.3", 80, true},
	{"fd00::/8", "fd00::1", 443, false},
	{"fd00::1", "fd00::1", 443, false},
	{"[fd00::1]:443", "fd00::1", 443, false},
	{"[fd00::1]:443", "fd00::1", 80, true},
	{"[fd00::1]", "fd00::1", 80, false},
	{",,", "a.example", 443, true},
	{".", "a.example", 443, true},
	{"", "localhost", 443, false},
	{"", "127.0.0.9", 443, false},
	{"", "::1", 443, false},
	{"", "128.0.0.1", 443, true},
};

static void each_entry_as_go_reads_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		if (control_proxy_is_for(r->no_proxy, r->host, r->port) != r->is_for)
			fail_msg("%s for %s:%u", r->no_proxy, r->host, r->port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_entry_as_go_reads_it)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
