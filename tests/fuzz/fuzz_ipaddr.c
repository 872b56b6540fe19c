/*
 * Any text through the address parsers: a parsed value equals its printed form parsed again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/ipaddr.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_addr(const char *text)
{
	struct err e = {0};
	struct ipaddr a;
	struct ipaddr again;
	char printed[IPADDR_TEXT_MAX];
	if (ipaddr_parse(text, &a, &e) < 0) {
		require(e.msg[0] != '\0' && a.family == IPADDR_NONE);
		return;
	}
	require(ipaddr_parse(ipaddr_format(&a, printed), &again, &e) == 0);
	require(ipaddr_equal(&a, &again));
}

static void check_prefix(const char *text)
{
	struct err e = {0};
	struct ipprefix p;
	struct ipprefix again;
	char printed[IPPREFIX_TEXT_MAX];
	if (ipprefix_parse(text, &p, &e) < 0) {
		require(e.msg[0] != '\0' && p.addr.family == IPADDR_NONE);
		return;
	}
	require(ipprefix_parse(ipprefix_format(&p, printed), &again, &e) == 0);
	require(ipprefix_equal(&p, &again));
	require(ipprefix_contains(&p, &p.addr));
}

static void check_addrport(const char *text)
{
	struct err e = {0};
	struct addrport a;
	struct addrport again;
	char printed[ADDRPORT_TEXT_MAX];
	if (addrport_parse(text, &a, &e) < 0) {
		require(e.msg[0] != '\0' && a.addr.family == IPADDR_NONE);
		return;
	}
	require(addrport_parse(addrport_format(&a, printed), &again, &e) == 0);
	require(ipaddr_equal(&a.addr, &again.addr) && a.port == again.port);
}

/* A text that is refused without brackets may be valid with them; a valid one is unchanged. */
static void check_bracket(const char *text)
{
	struct err e = {0};
	struct addrport a;
	AUTO(mem_free) char *bracketed = addrport_bracket(text);
	AUTO(mem_free) char *twice = addrport_bracket(bracketed);
	require(strcmp(bracketed, twice) == 0);
	require(addrport_parse(text, &a, &e) < 0 || strcmp(text, bracketed) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(mem_free) char *text = xstrndup((const char *)data, size);
	check_addr(text);
	check_prefix(text);
	check_addrport(text);
	check_bracket(text);
	return 0;
}
