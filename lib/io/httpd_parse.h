/*
 * Head of an HTTP request (RFC 9112 sections 2 to 5), parsed in place: names and values point into
 * the bytes given, in which separators are overwritten by NUL. Allocates nothing, keeps nothing.
 *
 * Lines end with CRLF or a bare LF (section 2.2 allows it, hand-made probes need it), and empty
 * lines before the request line are skipped. Everything else is strict: no folded lines, no blank
 * before a colon, no NUL and no control characters. Host may be absent or repeated: nothing here
 * depends on it.
 */
#ifndef LIB_IO_HTTPD_PARSE_H
#define LIB_IO_HTTPD_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#define HTTPD_FIELDS_MAX 64

struct httpd_field {
	const char *name;
	const char *value; /* without blanks around it */
};

struct httpd_head {
	const char *method;
	const char *path;  /* as sent, begins with '/' */
	const char *query; /* after '?', "" without one */
	struct httpd_field fields[HTTPD_FIELDS_MAX];
	size_t field_count;
	bool has_body; /* it announces a non-empty body */
};

/* Bytes of a complete head with its last empty line, 0 while it is not complete. */
size_t httpd_head_end(const char *data, size_t len);

/* Parses a complete head of httpd_head_end bytes. Returns 0, or the status of the refusal: 400, 431
 * (too many fields), 505 (not HTTP/1.x). */
int httpd_head_parse(char *data, size_t len, struct httpd_head *head);

/* Field by name, ignoring case: the first one, or NULL. */
const char *httpd_head_field(const struct httpd_head *head, const char *name);

#endif
