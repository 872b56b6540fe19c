/*
 * Collects what is logged while a test runs, in place of standard error.
 *
 *	struct log_capture log = {0};
 *	log_capture_start(&log);
 *	...
 *	assert_true(log_capture_has(&log, "Startup complete"));
 *	log_capture_stop(&log);
 */
#ifndef TESTS_SUPPORT_LOG_CAPTURE_H
#define TESTS_SUPPORT_LOG_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/log.h"
#include "lib/base/str.h"

struct log_capture {
	struct strv ids;   /* "daemon.exited" */
	struct strv texts; /* without prefix; same index as ids */
	enum log_level worst;
};

void log_capture_start(struct log_capture *c); /* one at a time; c must stay in place */
void log_capture_stop(struct log_capture *c);  /* frees; c is empty and usable again */
void log_capture_reset(struct log_capture *c); /* drops the lines, keeps collecting */

/* Lines whose text contains part. */
size_t log_capture_count(const struct log_capture *c, const char *part);
bool log_capture_has(const struct log_capture *c, const char *part);
/* Lines of an event, by its id. */
size_t log_capture_count_id(const struct log_capture *c, const char *id);

#endif
