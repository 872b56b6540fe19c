/*
 * The one way to log. Every line is a row of a table of events (lib/base/log_events.h explains the
 * format; each folder has its own): an id, a level, the names of its arguments and the text. Text
 * mode writes
 *
 *	PREFIX 2026/01/31 23:59:59 TEXT
 *
 * with nothing after the text, because users match on line ends. Call as
 *
 *	log_event(EV_DAEMON_SOCKET_WAIT, path);
 *
 * One line is one write(2) to a private, non-blocking descriptor, so that a stalled reader of the
 * container log cannot stall PID 1: a line that does not fit is dropped, counted and reported
 * later. errno is preserved. The program ignores SIGPIPE, so that a vanished reader only costs a
 * dropped line. Control characters inside a line are replaced, so that a peer cannot forge lines.
 *
 * A warning or error with the same text as the line before it is counted instead of written for 10
 * s; the next other line is preceded by "last message repeated N times".
 */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/log_events.h"

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
};

/* Opens the private descriptor of standard error. Before this, and where it cannot be opened, lines
 * go to descriptor 2. Call once, early, while /proc/self is still readable. The prefix of every
 * line, for example "boot: ", is chosen by the program; it is borrowed for ever. */
void log_init(const char *prefix);

/* For code that must bypass the log; "" before log_init(). */
const char *log_prefix(void);

#define log_event(...) log_emit(__VA_ARGS__)

void log_emit(const char *id, enum log_level level, const char *fields, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* One line, for another form than the text. */
struct log_record {
	const char *id;
	enum log_level level;
	const char *fields; /* names of the arguments, between commas */
	const char *fmt;
	va_list *args;    /* of fmt */
	const char *text; /* fmt with its arguments, without control characters */
	time_t wall;
};

/* Writes the line with its end into at most size bytes, at least 1024; returns its length. */
typedef size_t (*log_form_fn)(char *line, size_t size, const struct log_record *record);
/* NULL = text, with the prefix. lib/base/log_json.h has another. */
void log_set_form(log_form_fn form);

/* Drops lines below the level; LOG_LEVEL_INFO until the first call. */
void log_set_level(enum log_level least);

/* Passes on a child's bytes unchanged, without a prefix. When the reader is too slow they are
 * dropped and counted as one line. An unfinished line is ended before the next one of ours. */
void log_raw(const char *bytes, size_t len);
/* The child has ended: an unfinished last line is ended, so that nothing is appended to it. */
void log_raw_end(void);

/* Many lines of one kind that are written together, for example one for each service: the first
 * LOG_FEW_LINES are written, the remaining ones counted for one line at the end. Zeroed at first.
 *  */
#define LOG_FEW_LINES 20

struct log_few {
	size_t written;
	size_t more;
};

/* Whether this line is to be written; counts it otherwise. */
bool log_few_take(struct log_few *few);

/* Lines lost because the reader was too slow. */
uint64_t log_dropped(void);
/* The number of lost lines that are not yet reported is logged as soon as the log is read again:
 * before the next line, and when this is called, for instance in each turn of a loop. */
void log_report_dropped(void);

/* Where lines go instead of standard error; NULL restores it. Forgets the
 * line before. For tests. */
typedef void (*log_sink_fn)(void *arg, const char *id, enum log_level level, const char *text);
void log_set_sink(log_sink_fn fn, void *arg);

#endif
