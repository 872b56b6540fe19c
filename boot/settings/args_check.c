#include "boot/settings/args_check.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/ipaddr.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define SHOWN_MAX 80

static const char blanks[] = " \t\r\n\v\f";

/* The first address of the network. */
static struct ipprefix network_of(const struct ipprefix *route)
{
	struct ipprefix network = *route;
	size_t len = route->addr.family == IPADDR_V4 ? 4 : 16;
	for (size_t i = 0; i < len; i++) {
		size_t kept = route->bits > i * 8 ? route->bits - i * 8 : 0;
		if (kept < 8)
			network.addr.bytes[i] &= (uint8_t)(0xff00u >> kept);
	}
	return network;
}

static int check_route(const char *text, struct ipprefix *route, struct err *e)
{
	char shown[IPPREFIX_TEXT_MAX];
	if (strpbrk(text, blanks) != NULL)
		return err_set(e, -EINVAL,
			"\"%.*s\" has a blank: routes are separated by commas alone", SHOWN_MAX,
			text);
	if (ipprefix_parse(text, route, e) < 0)
		return err_wrap(e, "\"%.*s\" is not a network", SHOWN_MAX, text);
	struct ipprefix network = network_of(route);
	if (!ipprefix_equal(route, &network))
		return err_set(e, -EINVAL, "%.*s has host bits: %s is meant", SHOWN_MAX, text,
			ipprefix_format(&network, shown));
	return 0;
}

int args_check_routes(const char *routes, struct err *e)
{
	bool is_default[] = {false, false};
	AUTO(strv_fini) struct strv parts = {0};
	if (*routes == '\0')
		return 0;
	str_split(routes, ',', &parts);
	for (size_t i = 0; i < parts.len; i++) {
		struct ipprefix route = {0};
		int code = check_route(parts.items[i], &route, e);
		if (code < 0)
			return code;
		if (route.bits == 0)
			is_default[route.addr.family == IPADDR_V4 ? 0 : 1] = true;
	}
	if (is_default[0] != is_default[1])
		return err_set(e, -EINVAL, "0.0.0.0/0 and ::/0 are advertised both or not at all");
	return 0;
}

int args_check_words(const char *text, struct err *e)
{
	AUTO(strv_fini) struct strv words = {0};
	str_words(text, &words);
	for (size_t i = 0; i < words.len; i++) {
		const char *word = words.items[i];
		const char *quote = strpbrk(word, "\"'");
		if (quote == NULL)
			continue;
		size_t name_len = word[0] == '-' ? strcspn(word, "=\"'") : 0;
		return err_set(e, -EINVAL,
			"argument %zu (%.*s…) has a quote, which is passed on as a part of it: "
			"arguments are separated by blanks, and nothing is quoted",
			i + 1, (int)(name_len < SHOWN_MAX ? name_len : SHOWN_MAX), word);
	}
	return 0;
}
