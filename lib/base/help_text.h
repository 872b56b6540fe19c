/*
 * Texts of tables, which are Markdown, as plain text for --help: without its marks, in lines.
 */
#ifndef LIB_BASE_HELP_TEXT_H
#define LIB_BASE_HELP_TEXT_H

#include <stddef.h>

#include "lib/base/buf.h"

#define HELP_TEXT_WIDTH 96

/* Appends the text without the marks of Markdown. 0 or the code of buf_append. */
int help_text_plain(struct buf *out, const char *text, struct err *e) MUST_CHECK;
/* The same in lines of at most HELP_TEXT_WIDTH, each with an indent and an end. */
int help_text_wrapped(struct buf *out, const char *text, size_t indent, struct err *e) MUST_CHECK;

#endif
