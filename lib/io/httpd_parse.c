#include "lib/io/httpd_parse.h"

#include <string.h>
#include <strings.h>

#define BAD_REQUEST 400
#define TOO_MANY_FIELDS 431
#define BAD_VERSION 505

/* The line up to its LF, without CR and LF; cut with a NUL. */
struct line {
	char *text;
	size_t len;
};

/* tchar of RFC 9110 section 5.6.2. */
static bool is_token_char(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_token_char((unsigned char)text[i]))
			return false;
	}
	return len > 0;
}

/* field-content of RFC 9110 section 5.5, plus blanks. */
static bool is_field_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t httpd_head_end(const char *data, size_t len)
{
	bool has_line = false;
	size_t begin = 0;
	const char *lf;
	while ((lf = memchr(data + begin, '\n', len - begin)) != NULL) {
		size_t end = (size_t)(lf - data);
		bool is_empty = end == begin || (end == begin + 1 && data[begin] == '\r');
		if (is_empty && has_line)
			return end + 1;
		has_line = has_line || !is_empty;
		begin = end + 1;
	}
	return 0;
}

/* Removes the next line from the front; false when there is none. */
static bool next_line(char **cursor, const char *end, struct line *line)
{
	char *lf = memchr(*cursor, '\n', (size_t)(end - *cursor));
	if (lf == NULL)
		return false;
	line->text = *cursor;
	line->len = (size_t)(lf - *cursor);
	if (line->len > 0 && line->text[line->len - 1] == '\r')
		line->len--;
	line->text[line->len] = '\0';
	*cursor = lf + 1;
	return true;
}

/* HTTP-version of RFC 9112 section 2.3. */
static int parse_version(const char *text)
{
	if (strlen(text) != 8 || strncmp(text, "HTTP/", 5) != 0 || text[6] != '.')
		return BAD_REQUEST;
	if (text[5] < '0' || text[5] > '9' || text[7] < '0' || text[7] > '9')
		return BAD_REQUEST;
	return text[5] == '1' ? 0 : BAD_VERSION;
}

/* origin-form, or absolute-form, which a server must accept (RFC 9112 section 3.2.2). */
static int parse_target(char *target, struct httpd_head *head)
{
	static const char scheme[] = "http://";
	for (const char *c = target; *c != '\0'; c++) {
		if (*c <= ' ' || *c >= 0x7f || *c == '#')
			return BAD_REQUEST;
	}
	if (strncasecmp(target, scheme, sizeof(scheme) - 1) == 0) {
		char *authority = target + sizeof(scheme) - 1;
		target = authority + strcspn(authority, "/?");
		if (target == authority)
			return BAD_REQUEST;
	} else if (target[0] != '/') {
		return BAD_REQUEST;
	}
	char *mark = strchr(target, '?');
	if (mark != NULL)
		*mark = '\0';
	head->query = mark != NULL ? mark + 1 : "";
	head->path = target[0] != '\0' ? target : "/";
	return 0;
}

static int parse_request_line(const struct line *line, struct httpd_head *head)
{
	char *first = memchr(line->text, ' ', line->len);
	char *last = memrchr(line->text, ' ', line->len);
	if (first == NULL || first == last || memchr(line->text, '\0', line->len) != NULL)
		return BAD_REQUEST;
	if (!is_token(line->text, (size_t)(first - line->text)))
		return BAD_REQUEST;
	*first = '\0';
	*last = '\0';
	head->method = line->text;
	int status = parse_version(last + 1);
	return status != 0 ? status : parse_target(first + 1, head);
}

static int parse_field(const struct line *line, struct httpd_field *field)
{
	char *colon = memchr(line->text, ':', line->len);
	if (colon == NULL || !is_token(line->text, (size_t)(colon - line->text)))
		return BAD_REQUEST;
	char *value = colon + 1;
	char *end = line->text + line->len;
	if (!is_field_value(value, (size_t)(end - value)))
		return BAD_REQUEST;
	while (value < end && is_blank(*value))
		value++;
	while (end > value && is_blank(end[-1]))
		end--;
	*colon = '\0';
	*end = '\0';
	field->name = line->text;
	field->value = value;
	return 0;
}

/* Records an announced body. A transfer coding always means a body, and none is supported. */
static int check_body(const struct httpd_field *field, struct httpd_head *head)
{
	if (strcasecmp(field->name, "Transfer-Encoding") == 0)
		return BAD_REQUEST;
	if (strcasecmp(field->name, "Content-Length") != 0)
		return 0;
	size_t digits = strspn(field->value, "0123456789");
	if (digits == 0 || field->value[digits] != '\0')
		return BAD_REQUEST;
	if (strspn(field->value, "0") != digits)
		head->has_body = true;
	return 0;
}

int httpd_head_parse(char *data, size_t len, struct httpd_head *head)
{
	char *cursor = data;
	const char *end = data + len;
	struct line line;
	memset(head, 0, sizeof(*head));
	do {
		if (!next_line(&cursor, end, &line))
			return BAD_REQUEST;
	} while (line.len == 0);
	int status = parse_request_line(&line, head);
	while (status == 0 && next_line(&cursor, end, &line) && line.len > 0) {
		if (head->field_count == HTTPD_FIELDS_MAX)
			return TOO_MANY_FIELDS;
		struct httpd_field *field = &head->fields[head->field_count++];
		status = parse_field(&line, field);
		if (status == 0)
			status = check_body(field, head);
	}
	return status;
}

const char *httpd_head_field(const struct httpd_head *head, const char *name)
{
	for (size_t i = 0; i < head->field_count; i++) {
		if (strcasecmp(head->fields[i].name, name) == 0)
			return head->fields[i].value;
	}
	return NULL;
}
