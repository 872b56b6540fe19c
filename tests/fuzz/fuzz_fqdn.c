/*
 * Any text as the name of a target: a valid name equals its normal form, which means the same 4via6
 * address.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "egress/fqdn.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(mem_free) char *text = xstrndup((const char *)data, size);
	struct err e = {0};
	char name[FQDN_TEXT_MAX];
	char again[FQDN_TEXT_MAX];
	struct ipaddr written;
	struct ipaddr normal;
	bool is_via = fqdn_parse_via(text, &written);
	require(fqdn_equal(text, text));
	if (fqdn_normalise(text, name, &e) < 0) {
		require(e.msg[0] != '\0');
		return 0;
	}
	require(strlen(name) < sizeof(name) && name[strlen(name) - 1] == '.');
	require(fqdn_normalise(name, again, &e) == 0 && strcmp(name, again) == 0);
	require(fqdn_equal(name, again));
	if (!is_via)
		return 0;
	require(written.family == IPADDR_V6);
	require(fqdn_parse_via(name, &normal) && ipaddr_equal(&written, &normal));
	return 0;
}
