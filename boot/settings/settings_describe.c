#include "boot/settings/settings.h"

#include <string.h>

#include "boot/settings/settings_table.h"
#include "lib/base/mem.h"

#define HELP_WIDTH 96
#define HELP_INDENT 6

const char *settings_group_title(enum settings_group group)
{
	static const char *const titles[SETTINGS_GROUP_COUNT] = {
		[SETTINGS_GROUP_LOGIN] = "Login and node",
		[SETTINGS_GROUP_DAEMON] = "Daemon",
		[SETTINGS_GROUP_KUBERNETES] = "Kubernetes",
		[SETTINGS_GROUP_PROXY] = "Proxies",
		[SETTINGS_GROUP_SERVE] = "Serve, certificates, Services",
		[SETTINGS_GROUP_HTTP] = "HTTP endpoints",
		[SETTINGS_GROUP_SUPERVISOR] = "Supervisor",
		[SETTINGS_GROUP_TEST] = "For tests",
		[SETTINGS_GROUP_CHILDREN] = "Passed on to tailscaled",
	};
	return titles[group];
}

const char *settings_rule_name(enum settings_rule rule)
{
	switch (rule) {
	case SETTINGS_TEXT:
	case SETTINGS_KUBE_SECRET:
		return "text";
	case SETTINGS_OPT_TEXT:
		return "text or empty";
	case SETTINGS_SECRET:
		return "secret";
	case SETTINGS_WORDS:
		return "words";
	case SETTINGS_ADDRPORT:
		return "address:port";
	case SETTINGS_CHOICE:
		return "choice";
	case SETTINGS_BOOL:
	case SETTINGS_OPT_BOOL:
		return "boolean";
	case SETTINGS_EXACT_TRUE:
		return "`true`";
	case SETTINGS_DURATION:
		return "duration";
	case SETTINGS_COUNT:
		return "number";
	case SETTINGS_NOT_READ:
		return "";
	}
	return "";
}

const char *settings_effect_name(enum settings_effect effect)
{
	switch (effect) {
	case SETTINGS_AT_BOOT:
		return "at boot";
	case SETTINGS_LIVE:
		return "live";
	case SETTINGS_DAEMON_RESTART:
		return "daemon restart";
	}
	return "";
}

bool settings_row_is_secret(const struct settings_row *row)
{
	return row->rule == SETTINGS_SECRET;
}

bool settings_row_is_read(const struct settings_row *row)
{
	return row->rule != SETTINGS_NOT_READ;
}

static const char *fallback_of(const struct settings_row *row)
{
	if (row->fallback_text != NULL)
		return row->fallback_text;
	if (row->fallback != NULL)
		return row->fallback;
	return "";
}

static const char *status_of(const struct settings_row *row)
{
	if ((row->flags & SETTINGS_DEPRECATED) != 0)
		return " Deprecated.";
	if ((row->flags & SETTINGS_IGNORED) != 0)
		return " Ignored.";
	if ((row->flags & SETTINGS_CONFIG_CONFLICT) != 0)
		return " Not together with `TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR`.";
	return "";
}

/* The whole description of a row as one line of words; caller frees. */
static char *meaning_of(const struct settings_row *row)
{
	struct strv parts = {0};
	strv_push(&parts, row->meaning);
	if (row->choices != NULL)
		strv_pushf(&parts, " One of: %s.", row->choices);
	strv_push(&parts, status_of(row));
	char *text = strv_join(&parts, "");
	strv_fini(&parts);
	return text;
}

/* Appends the words of text in lines of at most HELP_WIDTH, without the marks of Markdown. */
static int append_wrapped(struct buf *out, const char *text, struct err *e)
{
	AUTO(strv_fini) struct strv words = {0};
	size_t column = 0;
	int code = 0;
	str_words(text, &words);
	for (size_t i = 0; code == 0 && i < words.len; i++) {
		size_t len = strlen(words.items[i]);
		bool fits = column > 0 && column + 1 + len <= HELP_WIDTH;
		if (fits)
			code = buf_append_str(out, " ", e);
		else
			code = buf_printf(out, e, "%s%*s", column > 0 ? "\n" : "", HELP_INDENT, "");
		column = fits ? column + 1 + len : HELP_INDENT + len;
		for (const char *p = words.items[i]; code == 0 && *p != '\0'; p++) {
			if (*p != '`')
				code = buf_append(out, p, 1, e);
		}
	}
	return code < 0 ? code : buf_append_str(out, "\n", e);
}

static int append_help_row(struct buf *out, const struct settings_row *row, struct err *e)
{
	const char *fallback = fallback_of(row);
	AUTO(mem_free) char *meaning = meaning_of(row);
	AUTO(strv_fini) struct strv facts = {0};
	if (settings_row_is_read(row))
		strv_push(&facts, settings_rule_name(row->rule));
	if (*fallback != '\0')
		strv_pushf(&facts, "default %s", fallback);
	AUTO(mem_free) char *text = strv_join(&facts, ", ");
	AUTO(mem_free)
	char *head = xasprintf(
		"%s%s%s%s", row->name, facts.len > 0 ? " (" : "", text, facts.len > 0 ? ")" : "");
	int code = buf_append_str(out, "  ", e);
	for (const char *p = head; code == 0 && *p != '\0'; p++) {
		if (*p != '`')
			code = buf_append(out, p, 1, e);
	}
	if (code == 0)
		code = buf_append_str(out, "\n", e);
	return code < 0 ? code : append_wrapped(out, meaning, e);
}

static int append_markdown_row(struct buf *out, const struct settings_row *row, struct err *e)
{
	const char *fallback = fallback_of(row);
	bool is_literal = row->fallback != NULL && row->fallback_text == NULL;
	const char *tick = is_literal ? "`" : "";
	const char *since = row->since != NULL ? row->since : "";
	AUTO(mem_free) char *meaning = meaning_of(row);
	if (!settings_row_is_read(row))
		return buf_printf(out, e, "| `%s` | | | | %s | %s |\n", row->name, since, meaning);
	return buf_printf(out, e, "| `%s` | %s | %s%s%s | %s | %s | %s |\n", row->name,
		settings_rule_name(row->rule), tick, fallback, tick,
		settings_effect_name(row->effect), since, meaning);
}

static int append_group(struct buf *out, enum settings_group group, bool markdown, struct err *e)
{
	int code;
	if (markdown)
		code = buf_printf(out, e,
			"\n## %s\n\n| Variable | Kind | Default | Takes effect | Since | Meaning |\n"
			"| --- | --- | --- | --- | --- | --- |\n",
			settings_group_title(group));
	else
		code = buf_printf(out, e, "\n%s:\n", settings_group_title(group));
	for (size_t i = 0; code == 0 && i < settings_table_len; i++) {
		const struct settings_row *row = &settings_table[i];
		if (row->group != group)
			continue;
		code = markdown ? append_markdown_row(out, row, e) : append_help_row(out, row, e);
	}
	return code;
}

static const char markdown_head[] =
	"# Settings\n"
	"\n"
	"Generated by `tailboot docs settings`. All settings are environment variables. tailscaled and the\n"
	"`tailscale` command inherit the whole environment.\n"
	"\n"
	"| Kind | Accepted |\n"
	"| --- | --- |\n"
	"| text | as is; empty counts as unset, except for `TS_KUBE_SECRET` in Kubernetes |\n"
	"| text or empty | as is; empty and unset differ |\n"
	"| secret | text that is never shown |\n"
	"| words | split on white space, no quoting |\n"
	"| boolean | `1 t T TRUE true True` and `0 f F FALSE false False`; anything else counts as unset, "
	"with a warning |\n"
	"| `true` | exactly `true` |\n"
	"| duration | numbers with unit, `ns us ms s m h`: `90s`, `1h30m`, `1.5h`; a bare `0` |\n"
	"| number | decimal digits |\n"
	"| address:port | a literal address: `192.0.2.1:80`, `[::]:9002` |\n"
	"| choice | one of the words given; anything else counts as unset, with a warning |\n"
	"\n"
	"*Since* names the version of the reference in which the variable appeared. *Takes effect* says how far a\n"
	"value reaches: it is used once (at boot), it is an argument of tailscaled (daemon restart), or it can be\n"
	"changed in a running node (live). The environment of a running container never changes, so in practice a\n"
	"new value needs a new container.\n";

int settings_describe(struct buf *out, bool markdown, struct err *e)
{
	int code = markdown ? buf_append_str(out, markdown_head, e) : 0;
	for (int group = 0; code == 0 && group < SETTINGS_GROUP_COUNT; group++)
		code = append_group(out, (enum settings_group)group, markdown, e);
	return code;
}
