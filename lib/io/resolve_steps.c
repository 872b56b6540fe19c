#include "lib/io/resolve_steps.h"

#include <string.h>

#include "lib/base/mem.h"

static bool ends_with_dot(const char *host)
{
	size_t len = strlen(host);
	return len > 0 && host[len - 1] == '.';
}

static bool is_absolute_first(const struct resolve_search *search, const char *host)
{
	size_t dots = 0;
	for (const char *c = host; *c != '\0'; c++)
		dots += *c == '.';
	return dots >= search->ndots || ends_with_dot(host);
}

bool resolve_steps_is_absolute(const struct resolve_search *search, const char *host, size_t index)
{
	return index == (is_absolute_first(search, host) ? 0 : search->domains.len);
}

static size_t last_index(const struct resolve_search *search, const char *host)
{
	return ends_with_dot(host) ? 0 : search->domains.len;
}

bool resolve_steps_has_more(const struct resolve_search *search, const char *host, size_t index)
{
	return index < last_index(search, host);
}

char *resolve_steps_name(const struct resolve_search *search, const char *host, size_t index)
{
	if (index > last_index(search, host))
		return NULL;
	if (resolve_steps_is_absolute(search, host, index))
		return xstrdup(host);
	size_t domain = is_absolute_first(search, host) ? index - 1 : index;
	return xasprintf("%s.%s", host, search->domains.items[domain]);
}

enum resolve_move resolve_steps_move(enum resolve_state a, enum resolve_state b, bool has_more)
{
	bool is_pending = a == RESOLVE_PENDING || b == RESOLVE_PENDING;
	bool is_found = a == RESOLVE_FOUND || b == RESOLVE_FOUND;
	/* Means that no such name exists, but some servers also answer so for a name with addresses
	 * of the other family only (RFC 4074 section 4.2). */
	bool is_absent = a == RESOLVE_ABSENT || b == RESOLVE_ABSENT;
	bool is_failed = a == RESOLVE_FAILED || b == RESOLVE_FAILED;
	if (is_pending)
		return is_found || is_absent || (is_failed && has_more) ? RESOLVE_WAIT_SHORTLY
									: RESOLVE_WAIT;
	return is_found ? RESOLVE_DELIVER : RESOLVE_NEXT;
}
