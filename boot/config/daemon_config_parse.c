#include "boot/config/daemon_config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "boot/config/daemon_config_schema.h"
#include "lib/base/gotext.h"
#include "lib/base/hujson.h"
#include "lib/base/ipaddr.h"
#include "lib/base/jscan.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define SHOWN_MAX 128
#define BLANKS " \t\r\n"

/*
 * The scanner first checks that the text is one JSON value, without keeping a copy; then the text
 * is walked along the schema. The walk can rely on the syntax, and it knows its line.
 */

/* An object or array that is open. */
struct frame {
	enum config_type type;
	const struct config_field *of;
	bool is_array;
};

struct walk {
	const char *p;
	size_t line;
	bool is_lenient; /* unknown keys are ignored */
	struct frame stack[JSCAN_DEPTH_MAX + 1];
	size_t depth;
	char key[SHOWN_MAX]; /* quoted name of the last key, for sentences */
	struct buf text;     /* decoded string; may hold the auth key */
	struct buf version;
	struct daemon_config_values found;
	struct err *e;
};

/* Pass 1: the version decides how everything else is read. */
static const struct config_field version_schema[] = {
	{.key = "Version", .type = CONFIG_VERSION},
	{0},
};

static int fail(struct walk *w, const char *what)
{
	return err_set(w->e, -EINVAL, "line %zu: key %s: %s", w->line, w->key, what);
}

static void skip_blanks(struct walk *w)
{
	for (; *w->p != '\0' && strchr(BLANKS ",:", *w->p) != NULL; w->p++)
		w->line += *w->p == '\n';
}

/* Decodes the string at p into w->text and moves past it. */
static int read_string(struct walk *w)
{
	const char *end = w->p + 1;
	while (*end != '"')
		end += *end == '\\' ? 2 : 1;
	end++;
	buf_reset(&w->text);
	if (jscan_unquote(w->p, (size_t)(end - w->p), &w->text, w->e) < 0)
		return err_wrap(w->e, "line %zu", w->line);
	w->p = end;
	return 0;
}

/* Consumes a number or a word like true. */
static int read_scalar(struct walk *w)
{
	size_t len = strcspn(w->p, BLANKS ",:]}");
	buf_reset(&w->text);
	int code = buf_append(&w->text, w->p, len, w->e);
	w->p += len;
	return code;
}

static int check_string(struct walk *w, enum config_type type)
{
	const char *text = buf_cstr(&w->text);
	struct ipprefix prefix;
	struct addrport addrport;
	struct err unused;
	switch (type) {
	case CONFIG_VERSION:
		buf_reset(&w->version);
		return buf_append_str(&w->version, text, w->e);
	case CONFIG_AUTHKEY:
		secret_set(&w->found.authkey, text, w->text.len);
		return 0;
	case CONFIG_NETFILTER_MODE:
		snprintf(w->found.netfilter_mode, sizeof(w->found.netfilter_mode), "%s", text);
		return 0;
	case CONFIG_STRING:
		return 0;
	case CONFIG_PREFIXES:
		if (*text != '\0' && ipprefix_parse(text, &prefix, &unused) < 0)
			return fail(w, "want an IP prefix like 10.0.0.0/8");
		return 0;
	case CONFIG_ADDRPORTS:
		if (*text != '\0' && addrport_parse(text, &addrport, &unused) < 0)
			return fail(w, "want an address like 192.0.2.1:80");
		return 0;
	case CONFIG_STRINGS:
		return 0;
	case CONFIG_BOOL:
		return fail(w, "want true or false, not a string");
	case CONFIG_INT:
	case CONFIG_PORT:
		return fail(w, "want a number, not a string");
	case CONFIG_OBJECT:
	case CONFIG_MAP:
	case CONFIG_PORT_MAP:
		return fail(w, "want an object, not a string");
	case CONFIG_ANY:
		return 0;
	}
	return 0;
}

static int check_scalar(struct walk *w, enum config_type type, bool is_element)
{
	const char *text = buf_cstr(&w->text);
	struct err unused;
	int64_t number;
	uint64_t port;
	bool is_bool = strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
	if (type == CONFIG_ANY || strcmp(text, "null") == 0)
		return 0;
	if (type == CONFIG_BOOL)
		return is_bool ? 0 : fail(w, "want true or false");
	if (type == CONFIG_INT)
		return str_to_i64(text, &number, &unused) == 0 ? 0 : fail(w, "want an integer");
	if (type == CONFIG_PORT)
		return str_to_u64(text, UINT16_MAX, &port, &unused) == 0
			       ? 0
			       : fail(w, "want a number from 0 to 65535");
	if (type == CONFIG_OBJECT || type == CONFIG_MAP || type == CONFIG_PORT_MAP)
		return fail(w, "want an object");
	if (!is_element &&
		(type == CONFIG_STRINGS || type == CONFIG_PREFIXES || type == CONFIG_ADDRPORTS))
		return fail(w, "want an array");
	return fail(w, "want a string");
}

static bool takes_object(enum config_type type)
{
	return type == CONFIG_OBJECT || type == CONFIG_MAP || type == CONFIG_PORT_MAP ||
	       type == CONFIG_ANY;
}

static bool takes_array(enum config_type type)
{
	return type == CONFIG_STRINGS || type == CONFIG_PREFIXES || type == CONFIG_ADDRPORTS ||
	       type == CONFIG_ANY;
}

static int open_frame(
	struct walk *w, enum config_type type, const struct config_field *of, bool is_element)
{
	bool is_array = *w->p == '[';
	if (is_array && (!takes_array(type) || (is_element && type != CONFIG_ANY)))
		return fail(w, "an array is not allowed here");
	if (!is_array && !takes_object(type))
		return fail(w, "an object is not allowed here");
	if (w->depth == ARRAY_LEN(w->stack))
		return fail(w, "nested too deeply");
	w->stack[w->depth++] = (struct frame){.type = type, .of = of, .is_array = is_array};
	w->p++;
	return 0;
}

static int read_value(struct walk *w, enum config_type type, const struct config_field *of)
{
	bool is_element = w->depth > 0 && w->stack[w->depth - 1].is_array;
	if (*w->p == '{' || *w->p == '[')
		return open_frame(w, type, of, is_element);
	if (*w->p != '"') {
		int code = read_scalar(w);
		return code < 0 ? code : check_scalar(w, type, is_element);
	}
	if (!is_element && takes_array(type) && type != CONFIG_ANY)
		return fail(w, "want an array, not a string");
	int code = read_string(w);
	return code < 0 ? code : check_string(w, type);
}

/* The member whose key is in w->text. */
static int read_member(struct walk *w, const struct frame *top)
{
	struct err unused;
	uint64_t port;
	const char *key = buf_cstr(&w->text);
	gotext_quote(key, w->key, sizeof(w->key));
	skip_blanks(w);
	if (top->type == CONFIG_ANY)
		return read_value(w, CONFIG_ANY, NULL);
	if (top->type == CONFIG_PORT_MAP && str_to_u64(key, UINT16_MAX, &port, &unused) < 0)
		return fail(w, "want a port number as key");
	if (top->type == CONFIG_MAP || top->type == CONFIG_PORT_MAP)
		return read_value(w, top->of != NULL ? CONFIG_OBJECT : CONFIG_BOOL, top->of);
	for (const struct config_field *f = top->of; f->key != NULL; f++) {
		if (str_equal_fold(f->key, key))
			return read_value(w, f->type, f->of);
	}
	if (w->is_lenient)
		return read_value(w, CONFIG_ANY, NULL);
	return err_set(w->e, -EINVAL, "line %zu: json: unknown field %s", w->line, w->key);
}

static int walk_document(struct walk *w, const char *text, const struct config_field *schema)
{
	w->p = text;
	w->line = 1;
	w->depth = 0;
	skip_blanks(w);
	if (*w->p != '{')
		return err_set(w->e, -EINVAL, "line %zu: want an object", w->line);
	int code = read_value(w, CONFIG_OBJECT, schema);
	while (code == 0 && w->depth > 0) {
		const struct frame top = w->stack[w->depth - 1];
		skip_blanks(w);
		if (*w->p == '}' || *w->p == ']') {
			w->depth--;
			w->p++;
		} else if (top.is_array) {
			code = read_value(w, top.type, top.of);
		} else {
			code = read_string(w);
			code = code < 0 ? code : read_member(w, &top);
		}
	}
	return code;
}

static int count_document(void *arg, const struct jscan_event *event, struct err *e)
{
	size_t *documents = arg;
	if (event->kind == JSCAN_GOT_DOCUMENT && ++*documents > 1)
		return err_set(e, -EINVAL, "trailing data after JSON object");
	return 0;
}

/* Fed line by line, so that the line of a fault is known. */
static int check_syntax(const char *text, size_t len, struct err *e)
{
	size_t documents = 0, line = 1;
	struct jscan *scan = jscan_new(NULL, 0, 0, count_document, &documents);
	int code = 0;
	for (size_t at = 0; code == 0 && at < len; line++) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t n = newline != NULL ? (size_t)(newline - text) + 1 - at : len - at;
		code = jscan_feed(scan, text + at, n, e);
		if (code < 0)
			err_wrap(e, "line %zu", line);
		at += n;
	}
	if (code == 0 && (code = jscan_finish(scan, e)) < 0)
		err_wrap(e, "line %zu", line - 1);
	jscan_free(scan);
	if (code == 0 && documents == 0)
		return err_set(e, -EINVAL, "the file is empty");
	return code;
}

static int check_version(struct walk *w, const char *text)
{
	w->is_lenient = true;
	if (walk_document(w, text, version_schema) < 0)
		return w->e->code;
	w->is_lenient = false;
	if (w->version.len == 0)
		return err_set(w->e, -EINVAL, "no \"version\" field defined");
	if (strcmp(buf_cstr(&w->version), "alpha0") != 0) {
		gotext_quote(buf_cstr(&w->version), w->key, sizeof(w->key));
		return err_set(w->e, -EINVAL,
			"unsupported \"version\" value %s; want \"alpha0\" for now", w->key);
	}
	return 0;
}

static void adopt_values(struct daemon_config_values *values, struct daemon_config_values *found)
{
	daemon_config_values_fini(values);
	*values = *found;
	*found = (struct daemon_config_values){0};
}

int daemon_config_parse(char *text, size_t len, struct daemon_config_values *values, struct err *e)
{
	struct walk w = {.e = e};
	if (len == 0)
		return err_set(e, -EINVAL, "the file is empty");
	if (!str_is_utf8(text, len))
		return err_set(e, -EINVAL, "not valid UTF-8");
	int code = hujson_standardize(text, len, e);
	if (code == 0)
		code = check_syntax(text, len, e);
	if (code < 0)
		return code;
	buf_init(&w.text, len);
	buf_init(&w.version, len);
	code = check_version(&w, text);
	if (code == 0)
		code = walk_document(&w, text, config_schema);
	if (code == 0 && values != NULL)
		adopt_values(values, &w.found);
	daemon_config_values_fini(&w.found);
	buf_wipe(&w.text);
	buf_fini(&w.version);
	return code;
}
