#include "boot/login/login_reason.h"

#include <stddef.h>
#include <string.h>

#include "boot/login/login_conditions.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* All words of a row must occur, in this order. '^' before the first binds it to the beginning
 * of the text; a word that ends in '#' is followed by a digit. */
#define PATTERN_WORDS 2

struct pattern {
	const char *words[PATTERN_WORDS];
	const struct condition_kind *code;
};

static const struct pattern patterns[] = {
	{{"authkey already used"}, CONDITION_KEY_USED},
	{{"invalid key: API key ", " not valid"}, CONDITION_KEY_USED},
	{{"authkey expired"}, CONDITION_KEY_EXPIRED},
	{{"failed to parse auth-key"}, CONDITION_KEY_MALFORMED},
	{{"requested tags ", "invalid or not permitted"}, CONDITION_TAG_NOT_PERMITTED},
	{{"invalid pre auth key"}, CONDITION_KEY_INVALID},
	{{"invalid auth key:"}, CONDITION_KEY_INVALID},
	{{"invalid authkey"}, CONDITION_KEY_INVALID},
	{{"^invalid key:"}, CONDITION_KEY_INVALID},
	{{"require --advertise-tags"}, CONDITION_KEY_NEEDS_TAGS},
	{{"is not a valid DNS label"}, CONDITION_HOSTNAME_INVALID},
	{{"is too long, max length is 63"}, CONDITION_HOSTNAME_INVALID},
	{{"requires mentioning all"}, CONDITION_SETTINGS_CONFLICT},
	{{"state store is unhealthy"}, CONDITION_STATE_STORE_FAILED},
	{{"initMachineKeyLocked"}, CONDITION_STATE_STORE_FAILED},
	{{"different machine key"}, CONDITION_STATE_LOST},
	{{"rate limited"}, CONDITION_CONTROL_RATE_LIMITED},
	{{"fetch control key: 429"}, CONDITION_CONTROL_RATE_LIMITED},
	{{"HTTP response: 429"}, CONDITION_CONTROL_RATE_LIMITED},
	{{"register request: http 429"}, CONDITION_CONTROL_RATE_LIMITED},
	{{"429 Too Many Requests"}, CONDITION_CONTROL_RATE_LIMITED},
	{{"x509: certificate has expired or is not yet valid"}, CONDITION_CONTROL_TLS_EXPIRED},
	{{"x509: certificate signed by unknown authority"}, CONDITION_CONTROL_TLS_UNTRUSTED},
	{{"x509: certificate is valid for"}, CONDITION_CONTROL_TLS_WRONG_HOST},
	{{"x509: cannot validate certificate"}, CONDITION_CONTROL_TLS_WRONG_HOST},
	{{"tls: "}, CONDITION_CONTROL_ERROR},
	{{"register request: http #"}, CONDITION_CONTROL_ERROR},
	{{"fetch control key: #"}, CONDITION_CONTROL_ERROR},
	{{"unexpected HTTP response"}, CONDITION_CONTROL_ERROR},
	{{"invalid character"}, CONDITION_CONTROL_ERROR},
	{{"stopped after 10 redirects"}, CONDITION_CONTROL_ERROR},
	{{"failed to resolve"}, CONDITION_CONTROL_NAME_UNKNOWN},
	{{"no such host"}, CONDITION_CONTROL_NAME_UNKNOWN},
	{{"connection refused"}, CONDITION_CONTROL_UNREACHABLE},
	{{"no route to host"}, CONDITION_CONTROL_UNREACHABLE},
	{{"network is unreachable"}, CONDITION_CONTROL_UNREACHABLE},
	{{"connection timed out"}, CONDITION_CONTROL_UNREACHABLE},
	{{"i/o timeout"}, CONDITION_CONTROL_UNREACHABLE},
	{{"unsupported client version"}, CONDITION_CONTROL_ERROR},
};

/* Points after the first occurrence of a word, NULL when there is none. */
static const char *find_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	bool wants_digit = word[len - 1] == '#';
	if (word[0] == '^')
		return str_starts(text, word + 1) ? text + len - 1 : NULL;
	if (!wants_digit) {
		const char *at = strstr(text, word);
		return at != NULL ? at + len : NULL;
	}
	AUTO(mem_free) char *plain = xstrndup(word, len - 1);
	while ((text = strstr(text, plain)) != NULL) {
		text += len - 1;
		if (*text >= '0' && *text <= '9')
			return text;
	}
	return NULL;
}

static bool pattern_matches(const struct pattern *p, const char *text)
{
	for (size_t i = 0; i < PATTERN_WORDS && p->words[i] != NULL; i++) {
		text = find_word(text, p->words[i]);
		if (text == NULL)
			return false;
	}
	return true;
}

bool login_reason_classify(
	const char *text, enum login_reason_source source, const struct condition_kind **code)
{
	/* A replaced try says nothing about the newer one. */
	if (text == NULL || text[0] == '\0' || strstr(text, "context canceled") != NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		if (pattern_matches(&patterns[i], text)) {
			*code = patterns[i].code;
			return true;
		}
	}
	if (source == LOGIN_REASON_COMMAND)
		return false;
	*code = source == LOGIN_REASON_CONTROL ? CONDITION_LOGIN_REFUSED : CONDITION_CONTROL_ERROR;
	return true;
}

bool login_reason_is_key_refused(const struct condition_kind *code)
{
	static const struct condition_kind *const refused[] = {
		CONDITION_KEY_MISSING,
		CONDITION_KEY_USED,
		CONDITION_KEY_EXPIRED,
		CONDITION_KEY_INVALID,
		CONDITION_KEY_MALFORMED,
		CONDITION_LOGIN_REFUSED,
	};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (refused[i] == code)
			return true;
	}
	return false;
}

bool login_reason_is_away(const struct condition_kind *code)
{
	static const struct condition_kind *const away[] = {
		CONDITION_CONTROL_UNREACHABLE,
		CONDITION_CONTROL_NAME_UNKNOWN,
		CONDITION_CONTROL_TLS_UNTRUSTED,
		CONDITION_CONTROL_TLS_EXPIRED,
		CONDITION_CONTROL_TLS_WRONG_HOST,
		CONDITION_CONTROL_RATE_LIMITED,
	};
	for (size_t i = 0; i < ARRAY_LEN(away); i++) {
		if (away[i] == code)
			return true;
	}
	return false;
}

bool login_reason_is_of_try(const struct condition_kind *code)
{
	if (code == CONDITION_KEY_MISSING || code == CONDITION_LOGIN_REFUSED ||
		code == CONDITION_CONTROL_ERROR)
		return true;
	/* Reported by a separate health warning, or by the daemon's stored state. */
	if (code == CONDITION_STATE_STORE_FAILED || code == CONDITION_STATE_LOST)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		if (patterns[i].code == code)
			return true;
	}
	return false;
}

char *login_reason_text(const char *text)
{
	static const char clock_begin[] = "current time ";
	const char *begin = strstr(text, clock_begin);
	if (begin == NULL)
		return xstrdup(text);
	const char *after = begin + strlen(clock_begin);
	after += strcspn(after, " ");
	return xasprintf("%.*scurrent time%s", (int)(begin - text), text, after);
}

char *login_reason_of_command(const char *said, const struct condition_kind **code)
{
	static const char backend_error[] = "backend error: ";
	AUTO(strv_fini) struct strv lines = {0};
	str_split(said, '\n', &lines);
	/* The last word counts: earlier ones may be about something else. */
	for (size_t i = lines.len; i > 0; i--) {
		const char *line = lines.items[i - 1];
		const char *reason = strstr(line, backend_error);
		reason = reason != NULL ? reason + strlen(backend_error) : line;
		if (login_reason_classify(reason, LOGIN_REASON_COMMAND, code))
			return xstrdup(reason);
	}
	return NULL;
}

/* Without surrounding blanks; NULL when it is blank. Caller frees. */
static char *trim(const char *line)
{
	static const char blanks[] = " \t\r";
	line += strspn(line, blanks);
	size_t len = strlen(line);
	while (len > 0 && strchr(blanks, line[len - 1]) != NULL)
		len--;
	return len > 0 ? xstrndup(line, len) : NULL;
}

/* The part before the tool's usage text; all of it when there is none. */
static size_t find_usage(const struct strv *lines)
{
	for (size_t i = 0; i < lines->len; i++) {
		if (strcmp(lines->items[i], "USAGE") == 0)
			return i;
	}
	return lines->len;
}

char *login_reason_last_line(const char *said)
{
	AUTO(strv_fini) struct strv lines = {0};
	str_split(said, '\n', &lines);
	size_t end = find_usage(&lines);
	/* The purpose of the command stands in between. */
	size_t skipped = end < lines.len ? 1 : 0;
	for (size_t i = end; i > 0; i--) {
		AUTO(mem_free) char *line = trim(lines.items[i - 1]);
		if (line != NULL && skipped-- == 0)
			return STEAL(line);
	}
	return NULL;
}
