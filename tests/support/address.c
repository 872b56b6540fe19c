#include "tests/support/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct ipaddr address_of(const char *text)
{
	struct ipaddr address;
	struct err e;
	if (ipaddr_parse(text, &address, &e) < 0)
		fail_msg("%s", e.msg);
	return address;
}

struct ipprefix prefix_of(const char *text)
{
	struct ipprefix prefix;
	struct err e;
	if (ipprefix_parse(text, &prefix, &e) < 0)
		fail_msg("%s", e.msg);
	return prefix;
}
