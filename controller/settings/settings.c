#include "controller/settings/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/gotext.h"
#include "lib/base/ipaddr.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/kube.h"

#define NS_PER_MS 1000000
#define SHOWN_MAX 128 /* bytes of a rejected value in a message */
#define COUNT_MAX 100000

/* "--flag or VARIABLE". */
static char *names_of(const struct settings_row *row)
{
	if (row->flag == NULL)
		return xstrdup(row->variable);
	return xasprintf("--%s (%s)", row->flag, row->variable);
}

static int refuse(
	const struct settings_row *row, const char *value, const char *want, struct err *e)
{
	char shown[SHOWN_MAX];
	AUTO(mem_free) char *names = names_of(row);
	gotext_quote(value, shown, sizeof(shown));
	return err_set(e, -EINVAL, "%s is %s, but must be %s", names, shown, want);
}

static int parse_bool(const struct settings_row *row, const char *value, bool *out, struct err *e)
{
	return gotext_bool(value, out) == 0 ? 0 : refuse(row, value, "true or false", e);
}

static int parse_duration(
	const struct settings_row *row, const char *value, uint64_t *out, struct err *e)
{
	struct err ignored;
	int64_t ns;
	if (gotext_duration(value, &ns, &ignored) < 0 || ns <= 0)
		return refuse(row, value, "a positive duration such as 90s or 5m", e);
	/* Rounded up, so that it never becomes none. */
	*out = ((uint64_t)ns + NS_PER_MS - 1) / NS_PER_MS;
	return 0;
}

static int parse_count(
	const struct settings_row *row, const char *value, uint64_t *out, struct err *e)
{
	struct err ignored;
	uint64_t count, least = strcmp(row->fallback, "0") == 0 ? 0 : 1;
	if (str_to_u64(value, COUNT_MAX, &count, &ignored) < 0 || count < least)
		return refuse(row, value,
			least == 0 ? "a number from 0 on" : "a number from 1 to 100000", e);
	*out = count;
	return 0;
}

static int parse_choice(
	const struct settings_row *row, const char *value, char **out, struct err *e)
{
	AUTO(strv_fini) struct strv choices = {0};
	str_words(row->choices, &choices);
	if (*value != '\0' && !strv_contains(&choices, value)) {
		AUTO(mem_free) char *words = strv_join(&choices, ", ");
		AUTO(mem_free) char *want = xasprintf("one of: %s", words);
		return refuse(row, value, want, e);
	}
	*out = xstrdup(value);
	return 0;
}

/* ":8080" is all addresses. */
static int parse_addrport(
	const struct settings_row *row, const char *value, char **out, struct err *e)
{
	struct err ignored;
	struct addrport address;
	AUTO(mem_free)
	char *text = value[0] == ':' ? xasprintf("[::]%s", value) : addrport_bracket(value);
	if (addrport_parse(text, &address, &ignored) < 0)
		return refuse(
			row, value, "an address and a port such as :8080 or 127.0.0.1:8080", e);
	*out = STEAL(text);
	return 0;
}

static int parse_row(
	struct settings *s, const struct settings_row *row, const char *value, struct err *e)
{
	void *at = (char *)s + row->offset;
	switch (row->rule) {
	case SETTINGS_TEXT:
		*(char **)at = xstrdup(value);
		return 0;
	case SETTINGS_BOOL:
		return parse_bool(row, value, at, e);
	case SETTINGS_DURATION:
		return parse_duration(row, value, at, e);
	case SETTINGS_COUNT:
		return parse_count(row, value, at, e);
	case SETTINGS_CHOICE:
		return parse_choice(row, value, at, e);
	case SETTINGS_ADDRPORT:
		return parse_addrport(row, value, at, e);
	}
	return 0;
}

static const char *lookup(char *const *env, const char *name)
{
	size_t len = strlen(name);
	for (; name[0] != '\0' && *env != NULL; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	}
	return "";
}

static const char *value_of(
	const struct settings_row *row, const char *flag_value, char *const *env)
{
	if (flag_value != NULL)
		return flag_value;
	const char *value = lookup(env, row->variable);
	if (*value == '\0' && row->old_variable != NULL)
		value = lookup(env, row->old_variable);
	return *value != '\0' ? value : row->fallback;
}

/* The row of a flag; *value is what follows '=', NULL without one. */
static const struct settings_row *row_of_flag(const char *argument, const char **value)
{
	if (!str_starts(argument, "-"))
		return NULL;
	argument += argument[1] == '-' ? 2 : 1;
	size_t len = strcspn(argument, "=");
	*value = argument[len] == '=' ? argument + len + 1 : NULL;
	for (size_t i = 0; i < settings_rows_len; i++) {
		const char *flag = settings_rows[i].flag;
		if (flag != NULL && strlen(flag) == len && strncmp(flag, argument, len) == 0)
			return &settings_rows[i];
	}
	return NULL;
}

/* Fills one value for each row; the last of several flags counts. */
static int read_flags(char *const *argv, const char **values, struct err *e)
{
	for (; *argv != NULL; argv++) {
		const char *value;
		const struct settings_row *row = row_of_flag(*argv, &value);
		if (row == NULL)
			return err_set(e, -EINVAL, "unknown argument %s; --help shows all", *argv);
		if (value == NULL && row->rule == SETTINGS_BOOL)
			value = "true";
		else if (value == NULL && argv[1] != NULL)
			value = *++argv;
		if (value == NULL)
			return err_set(e, -EINVAL, "--%s needs a value", row->flag);
		values[row - settings_rows] = value;
	}
	return 0;
}

int settings_parse(struct settings *s, char *const *argv, char *const *env, struct err *e)
{
	*s = (struct settings){0};
	const char **values = xcalloc(settings_rows_len, sizeof(*values));
	int code = read_flags(argv, values, e);
	for (size_t i = 0; code == 0 && i < settings_rows_len; i++) {
		const struct settings_row *row = &settings_rows[i];
		code = parse_row(s, row, value_of(row, values[i], env), e);
	}
	free(values);
	if (code < 0)
		settings_fini(s);
	return code;
}

int settings_complete(struct settings *s, bool needs_image, struct err *e)
{
	if (needs_image && s->proxy_image[0] == '\0')
		return err_set(e, -EINVAL,
			"--proxy-image (PROXY_IMAGE) is not set: name the image of the proxies");
	if (s->kubeconfig[0] == '\0' && s->service_host[0] == '\0')
		return err_set(e, -EINVAL,
			"neither in a Pod (KUBERNETES_SERVICE_HOST is not set) nor is there a "
			"kubeconfig: set --kubeconfig (KUBECONFIG)");
	if (s->ns[0] == '\0' && s->kubeconfig[0] == '\0') {
		free(s->ns);
		s->ns = kube_read_namespace(s->account_dir, e);
		if (s->ns == NULL) {
			s->ns = xstrdup("");
			return err_wrap(e, "--namespace (NAMESPACE) is not set, and the Pod's "
					   "cannot be read");
		}
	}
	if (s->ns[0] == '\0')
		return err_set(e, -EINVAL,
			"--namespace (NAMESPACE) is not set: name the namespace of the "
			"controller's objects");
	return 0;
}

static bool is_text(enum settings_rule rule)
{
	return rule == SETTINGS_TEXT || rule == SETTINGS_CHOICE || rule == SETTINGS_ADDRPORT;
}

void settings_fini(struct settings *s)
{
	for (size_t i = 0; i < settings_rows_len; i++) {
		const struct settings_row *row = &settings_rows[i];
		if (is_text(row->rule))
			free(*(char **)((char *)s + row->offset));
	}
	*s = (struct settings){0};
}
