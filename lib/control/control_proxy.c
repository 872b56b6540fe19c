#include "lib/control/control_proxy.h"

#include <string.h>

#include "lib/base/ipaddr.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct target {
	const char *host;
	struct ipaddr address; /* IPADDR_NONE for a name */
	uint16_t port;
};

static bool is_loopback(const struct target *t)
{
	if (str_equal_fold(t->host, "localhost"))
		return true;
	if (t->address.family == IPADDR_V4)
		return t->address.bytes[0] == 127;
	static const uint8_t one[16] = {[15] = 1};
	return t->address.family == IPADDR_V6 && memcmp(t->address.bytes, one, sizeof(one)) == 0;
}

/* Cuts a port off the entry; false when it is another one. */
static bool fits_port(char *entry, uint16_t port)
{
	struct err e;
	uint64_t number;
	char *colon = strrchr(entry, ':');
	bool is_bracketed = entry[0] == '[';
	if (colon == NULL || (!is_bracketed && strchr(entry, ':') != colon) ||
		str_to_u64(colon + 1, UINT16_MAX, &number, &e) < 0)
		return true;
	*colon = '\0';
	return number == port;
}

static bool fits_address(const char *entry, const struct ipaddr *address)
{
	struct err e;
	struct ipprefix prefix;
	struct ipaddr single;
	if (ipprefix_parse(entry, &prefix, &e) == 0)
		return ipprefix_contains(&prefix, address);
	return ipaddr_parse(entry, &single, &e) == 0 && ipaddr_equal(&single, address);
}

static bool fits_name(const char *entry, const char *host)
{
	bool is_below = entry[0] == '.';
	const char *domain = is_below ? entry + 1 : entry;
	size_t host_len = strlen(host);
	size_t len = strlen(domain);
	if (len == 0 || len > host_len || !str_equal_fold(host + host_len - len, domain))
		return false;
	return len == host_len ? !is_below : host[host_len - len - 1] == '.';
}

static bool fits(char *entry, const struct target *t)
{
	if (strcmp(entry, "*") == 0)
		return true;
	if (str_starts(entry, "*."))
		entry++;
	if (!fits_port(entry, t->port))
		return false;
	size_t len = strlen(entry);
	if (len > 2 && entry[0] == '[' && entry[len - 1] == ']') {
		entry[len - 1] = '\0';
		entry++;
	}
	return t->address.family != IPADDR_NONE ? fits_address(entry, &t->address)
						: fits_name(entry, t->host);
}

bool control_proxy_is_for(const char *no_proxy, const char *host, uint16_t port)
{
	struct target t = {.host = host, .port = port};
	struct err e;
	AUTO(strv_fini) struct strv entries = {0};
	if (ipaddr_parse(host, &t.address, &e) < 0)
		t.address = (struct ipaddr){.family = IPADDR_NONE};
	if (is_loopback(&t))
		return false;
	str_split(no_proxy != NULL ? no_proxy : "", ',', &entries);
	for (size_t i = 0; i < entries.len; i++) {
		char *entry = entries.items[i] + strspn(entries.items[i], " \t");
		entry[strcspn(entry, " \t")] = '\0';
		if (fits(entry, &t))
			return false;
	}
	return true;
}
