#include "tests/support/log_capture.h"

#include <string.h>

static void collect(void *arg, const char *id, enum log_level level, const char *text)
{
	struct log_capture *c = arg;
	strv_push(&c->ids, id);
	strv_push(&c->texts, text);
	if (level > c->worst)
		c->worst = level;
}

void log_capture_start(struct log_capture *c)
{
	log_set_sink(collect, c);
}

void log_capture_stop(struct log_capture *c)
{
	log_set_sink(NULL, NULL);
	strv_fini(&c->ids);
	strv_fini(&c->texts);
	*c = (struct log_capture){0};
}

void log_capture_reset(struct log_capture *c)
{
	strv_reset(&c->ids);
	strv_reset(&c->texts);
	c->worst = LOG_LEVEL_DEBUG;
}

size_t log_capture_count(const struct log_capture *c, const char *part)
{
	size_t count = 0;
	for (size_t i = 0; i < c->texts.len; i++)
		count += strstr(c->texts.items[i], part) != NULL;
	return count;
}

bool log_capture_has(const struct log_capture *c, const char *part)
{
	return log_capture_count(c, part) > 0;
}

size_t log_capture_count_id(const struct log_capture *c, const char *id)
{
	size_t count = 0;
	for (size_t i = 0; i < c->ids.len; i++)
		count += strcmp(c->ids.items[i], id) == 0;
	return count;
}
