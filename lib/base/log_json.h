/*
 * Log lines as JSON objects, one a line:
 *
 *	{"time":"2026-01-31T23:59:59Z","level":"warning","event":"watch.trouble","message":"…","kind":"pods"}
 *
 * The arguments of a line are members under the names that its row has for them; a line that would
 * be too long loses these first, then the end of its message; an argument has at most 1 KiB.
 *
 *	log_set_form(log_json);
 */
#ifndef LIB_BASE_LOG_JSON_H
#define LIB_BASE_LOG_JSON_H

#include "lib/base/log.h"

size_t log_json(char *line, size_t size, const struct log_record *record);

#endif
