#include "boot/settings/accept_dns.h"

#include <string.h>

#include "boot/settings/settings_events.h"
#include "lib/base/gotext.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define FLAG "--accept-dns"
#define SHOWN_MAX 128

static const char *spell(bool value)
{
	return value ? "true" : "false";
}

/* The value of one word that begins with the flag. The name before '=' may be longer: the reference
 * accepts --accept-dns-foo=true as well. False when the word cannot be used, which is logged. */
static bool parse_word(const char *word, bool *value)
{
	const char *text = strchr(word, '=');
	if (text == NULL && strcmp(word, FLAG) == 0) {
		*value = true;
		return true;
	}
	if (text == NULL || strchr(text + 1, '=') != NULL) {
		log_event(EV_ACCEPT_DNS_FORMAT);
		return false;
	}
	if (gotext_bool(text + 1, value) < 0) {
		char shown[SHOWN_MAX];
		gotext_quote(text + 1, shown, sizeof(shown));
		log_event(EV_ACCEPT_DNS_NOT_BOOL, shown);
		return false;
	}
	return true;
}

static char *join_without(const struct strv *words, size_t skip)
{
	struct strv remaining = {0};
	for (size_t i = 0; i < words->len; i++) {
		if (i != skip)
			strv_push(&remaining, words->items[i]);
	}
	char *text = strv_join(&remaining, " ");
	strv_fini(&remaining);
	return text;
}

char *accept_dns_extract(const char *extra_args, bool *value)
{
	AUTO(strv_fini) struct strv words = {0};
	str_words(extra_args, &words);
	size_t at = 0;
	while (at < words.len && !str_starts(words.items[at], FLAG))
		at++;
	bool found;
	if (at == words.len || !parse_word(words.items[at], &found))
		return xstrdup(extra_args);
	if (found != *value)
		log_event(EV_ACCEPT_DNS_OVERRIDES, spell(found), spell(*value));
	*value = found;
	return join_without(&words, at);
}
