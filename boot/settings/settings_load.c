#include "boot/settings/settings_load.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/settings/accept_dns.h"
#include "boot/config/daemon_config.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_check.h"
#include "boot/settings/settings_events.h"
#include "boot/settings/settings_table.h"
#include "config.h"
#include "lib/base/gotext.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define NS_PER_MS 1000000
#define SHOWN_MAX 128 /* bytes of a rejected value in a log line */

/* The value of a variable; NULL when it is absent. The first of duplicates counts, as in Go. */
static const char *lookup(char *const *env, const char *name)
{
	size_t len = strlen(name);
	for (; *env != NULL; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	}
	return NULL;
}

static void warn_ignored(const struct settings_row *row, const char *value, const char *want)
{
	char shown[SHOWN_MAX];
	if (*value == '\0')
		return;
	gotext_quote(value, shown, sizeof(shown));
	log_event(EV_SETTINGS_VALUE_IGNORED, row->name, shown, want);
}

static bool parse_bool(const struct settings_row *row, const char *value)
{
	bool fallback = row->fallback != NULL && strcmp(row->fallback, "true") == 0;
	bool parsed;
	if (gotext_bool(value, &parsed) == 0)
		return parsed;
	warn_ignored(row, value, "true or false");
	return fallback;
}

static enum opt_bool parse_opt_bool(const struct settings_row *row, const char *value)
{
	bool parsed;
	if (gotext_bool(value, &parsed) == 0)
		return parsed ? OPT_BOOL_TRUE : OPT_BOOL_FALSE;
	warn_ignored(row, value, "true or false");
	return OPT_BOOL_UNSET;
}

static char *parse_choice(const struct settings_row *row, const char *value)
{
	struct strv choices = {0};
	str_words(row->choices, &choices);
	bool known = strv_contains(&choices, value);
	strv_fini(&choices);
	if (known)
		return xstrdup(value);
	warn_ignored(row, value, row->choices);
	return xstrdup("");
}

/* Rounds up, so that a positive duration never becomes none. A value that does not parse counts as
 * the default here and is rejected by settings_check_values. */
static uint64_t parse_duration(const struct settings_row *row, const char *value)
{
	struct err ignored;
	int64_t ns;
	if (*value == '\0' || gotext_duration(value, &ns, &ignored) < 0) {
		if (gotext_duration(row->fallback, &ns, &ignored) < 0)
			abort(); /* a bad row of the table */
	}
	if (ns <= 0)
		return 0;
	return (uint64_t)ns / NS_PER_MS + ((uint64_t)ns % NS_PER_MS != 0);
}

static uint32_t parse_count(const struct settings_row *row, const char *value)
{
	struct err ignored;
	uint64_t count;
	if (*value == '\0' || str_to_u64(value, UINT32_MAX, &count, &ignored) < 0) {
		if (str_to_u64(row->fallback, UINT32_MAX, &count, &ignored) < 0)
			abort(); /* a bad row of the table */
	}
	return (uint32_t)count;
}

static char *parse_kube_secret(char *const *env, const char *value)
{
	const char *host = lookup(env, "KUBERNETES_SERVICE_HOST");
	bool in_kubernetes = host != NULL && *host != '\0';
	if (value == NULL)
		return xstrdup(in_kubernetes ? "tailscale" : "");
	return xstrdup(value);
}

static void parse_row(struct settings *s, const struct settings_row *row, char *const *env)
{
	void *at = (char *)s + row->offset;
	const char *raw = lookup(env, row->name);
	if ((raw == NULL || *raw == '\0') && row->old_name != NULL)
		raw = lookup(env, row->old_name);
	const char *value = raw != NULL ? raw : "";
	const char *text = *value == '\0' && row->fallback != NULL ? row->fallback : value;

	switch (row->rule) {
	case SETTINGS_TEXT:
	case SETTINGS_WORDS:
		*(char **)at = xstrdup(text);
		break;
	case SETTINGS_ADDRPORT:
		*(char **)at = addrport_bracket(text);
		break;
	case SETTINGS_OPT_TEXT:
		*(struct opt_text *)at =
			(struct opt_text){.is_set = raw != NULL, .text = xstrdup(value)};
		break;
	case SETTINGS_SECRET:
		if (*value != '\0')
			secret_set_str(at, value);
		break;
	case SETTINGS_CHOICE:
		*(char **)at = parse_choice(row, value);
		break;
	case SETTINGS_BOOL:
		*(bool *)at = parse_bool(row, value);
		break;
	case SETTINGS_OPT_BOOL:
		*(enum opt_bool *)at = parse_opt_bool(row, value);
		break;
	case SETTINGS_EXACT_TRUE:
		*(bool *)at = strcmp(value, "true") == 0;
		break;
	case SETTINGS_DURATION:
		*(uint64_t *)at = parse_duration(row, value);
		*(char **)((char *)s + row->text_offset) = xstrdup(value);
		break;
	case SETTINGS_COUNT:
		*(uint32_t *)at = parse_count(row, value);
		*(char **)((char *)s + row->text_offset) = xstrdup(value);
		break;
	case SETTINGS_KUBE_SECRET:
		*(char **)at = parse_kube_secret(env, raw);
		break;
	case SETTINGS_NOT_READ:
		break;
	}
}

static void free_row(struct settings *s, const struct settings_row *row)
{
	void *at = (char *)s + row->offset;
	switch (row->rule) {
	case SETTINGS_TEXT:
	case SETTINGS_WORDS:
	case SETTINGS_ADDRPORT:
	case SETTINGS_CHOICE:
	case SETTINGS_KUBE_SECRET:
		free(*(char **)at);
		break;
	case SETTINGS_OPT_TEXT:
		free(((struct opt_text *)at)->text);
		break;
	case SETTINGS_SECRET:
		secret_fini(at);
		break;
	case SETTINGS_DURATION:
	case SETTINGS_COUNT:
		free(*(char **)((char *)s + row->text_offset));
		break;
	case SETTINGS_BOOL:
	case SETTINGS_OPT_BOOL:
	case SETTINGS_EXACT_TRUE:
	case SETTINGS_NOT_READ:
		break;
	}
}

void settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < settings_table_len; i++)
		free_row(s, &settings_table[i]);
	free(s->config_path);
	free(s->pod_ipv4);
	free(s->pod_ipv6);
	free(s);
}

void settings_freep(struct settings **s)
{
	settings_free(*s);
	*s = NULL;
}

struct settings *settings_parse(char *const *environ_ref)
{
	static uint64_t generations;
	char *const *env = environ_ref != NULL ? environ_ref : environ;
	struct settings *s = xcalloc(1, sizeof(*s));
	s->generation = ++generations;
	s->config_path = xstrdup("");
	s->pod_ipv4 = xstrdup("");
	s->pod_ipv6 = xstrdup("");
	for (size_t i = 0; i < settings_table_len; i++)
		parse_row(s, &settings_table[i], env);

	bool under_test = strcmp(s->test_root, "/") != 0;
	s->in_kubernetes = *s->kubernetes_service_host != '\0';
	s->kube_address_from_env = s->kube_address_from_env || under_test;
	s->test_fast = s->test_fast_wanted == OPT_BOOL_UNSET ? under_test
							     : s->test_fast_wanted == OPT_BOOL_TRUE;
	s->asks_version = s->test_ask_version_wanted == OPT_BOOL_UNSET
				  ? !under_test
				  : s->test_ask_version_wanted == OPT_BOOL_TRUE;
	if (s->wants_cert_share)
		s->cert_share =
			str_ends(s->pod_name, "-0") ? CERT_SHARE_READ_WRITE : CERT_SHARE_READ_ONLY;
	return s;
}

/* The last of several addresses of one family counts. */
static int parse_pod_ips(struct settings *s, struct err *e)
{
	struct ipaddr ips[SETTINGS_POD_IPS_MAX];
	size_t count;
	int code = settings_check_pod_ips(s, ips, &count, e);
	if (code < 0)
		return code;
	for (size_t i = 0; i < count; i++) {
		char text[IPADDR_TEXT_MAX];
		char **at = ips[i].family == IPADDR_V4 ? &s->pod_ipv4 : &s->pod_ipv6;
		free(*at);
		*at = xstrdup(ipaddr_format(&ips[i], text));
	}
	return 0;
}

static void extract_accept_dns(struct settings *s)
{
	bool before = s->accept_dns == OPT_BOOL_TRUE;
	bool after = before;
	char *remaining = accept_dns_extract(s->extra_args, &after);
	free(s->extra_args);
	s->extra_args = remaining;
	/* An equal value leaves "unset" alone: with a configuration directory, which excludes the
	 * variable, --accept-dns=false passes and --accept-dns does not. */
	if (after != before)
		s->accept_dns = after ? OPT_BOOL_TRUE : OPT_BOOL_FALSE;
}

static int choose_config_file(struct settings *s, struct err *e)
{
	if (*s->config_dir == '\0')
		return 0;
	AUTO(mem_free) char *path = daemon_config_choose(s->config_dir, TAILBOOT_CAPVER, e);
	/* The daemon may be newer than this program: its version is asked for, and the file chosen
	 * again. */
	if (path == NULL && e->code == -ENOENT && s->asks_version) {
		struct err none;
		path = daemon_config_choose(s->config_dir, INT_MAX, &none);
	}
	if (path == NULL)
		return e->code;
	free(s->config_path);
	s->config_path = STEAL(path);
	if (s->asks_version)
		return 0;
	char *shown = xmalloc(ERR_MSG_MAX);
	gotext_quote(s->config_path, shown, ERR_MSG_MAX);
	log_event(EV_SETTINGS_CONFIG_FILE, shown, TAILBOOT_CAPVER);
	free(shown);
	return 0;
}

static int validate(const struct settings *s, struct err *e)
{
	if (*s->config_path != '\0' && daemon_config_check(s->config_path, e) < 0)
		return e->code;
	if (settings_check_modes(s, e) < 0)
		return e->code;
	if (*s->healthcheck_addr_port != '\0')
		log_event(EV_SETTINGS_HEALTHCHECK_DEPRECATED);
	return settings_check_values(s, e);
}

int settings_complete(struct settings *s, struct err *e)
{
	if (choose_config_file(s, e) < 0)
		return e->code;
	if (parse_pod_ips(s, e) < 0)
		return err_wrap(e, "invalid configuration");
	extract_accept_dns(s);
	/* The reference doubles the prefix, and users match on it. */
	if (validate(s, e) < 0)
		return err_wrap(e, "invalid configuration: invalid configuration");
	return 0;
}

struct settings *settings_load(char *const *environ_ref, struct err *e)
{
	AUTO(settings_freep) struct settings *s = settings_parse(environ_ref);
	return settings_complete(s, e) < 0 ? NULL : STEAL(s);
}
