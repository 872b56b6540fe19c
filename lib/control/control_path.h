/*
 * Texts of requests: segments of paths, forms, descriptions, times. Pure.
 */
#ifndef LIB_CONTROL_CONTROL_PATH_H
#define LIB_CONTROL_CONTROL_PATH_H

#include <stdbool.h>
#include <time.h>

#include "lib/base/buf.h"

/* Appends text as one segment of a path or a value of a form: all but letters, digits and "-._~" is
 * percent-encoded. */
int control_path_escape(struct buf *out, const char *text, struct err *e) MUST_CHECK;
/* Whether text can be a segment: not empty, not "." or "..", at most 255 bytes. */
bool control_path_is_segment(const char *text);
/* An identifier of Headscale's: a decimal number, not 0. */
bool control_path_is_number(const char *text);
/* Letters, digits, space and hyphen of text, at most 50; anything else becomes a hyphen. */
void control_path_description(char *out, size_t size, const char *text);
/* "2026-01-31T23:59:59Z" */
void control_path_time(char *out, size_t size, time_t at);

#endif
