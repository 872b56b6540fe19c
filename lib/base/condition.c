#include "lib/base/condition.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cause.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Larger than the limit, since the end of a reason says most. */
#define SCRATCH 4096

void condition_set_add(
	struct condition_set *set, const struct condition_kind *const kinds[], size_t count)
{
	set->items = xrealloc(set->items, set->count + count, sizeof(*set->items));
	for (size_t i = 0; i < count; i++)
		set->items[set->count++] = (struct condition){.kind = kinds[i]};
}

void condition_set_watch(struct condition_set *set, void (*fn)(void *arg), void *arg)
{
	set->on_change = fn;
	set->arg = arg;
}

void condition_set_fini(struct condition_set *set)
{
	free(set->items);
	*set = (struct condition_set){0};
}

static struct condition *find(const struct condition_set *set, const struct condition_kind *kind)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i].kind == kind)
			return &set->items[i];
	}
	log_event(EV_CONDITION_UNLISTED, kind->name);
	abort();
}

static void call_watcher(const struct condition_set *set)
{
	if (set->on_change != NULL)
		set->on_change(set->arg);
}

/* Makes one line without control characters and trailing blanks; the meaning when there is no
 * reason.
 *  */
static void __attribute__((format(printf, 3, 0))) format_reason(char scratch[static SCRATCH],
	const struct condition_kind *kind, const char *fmt, va_list args)
{
	if (vsnprintf(scratch, SCRATCH, fmt, args) < 0)
		scratch[0] = '\0';
	size_t len = strlen(scratch);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)scratch[i];
		if (c < ' ' || c == 0x7f)
			scratch[i] = ' ';
	}
	while (len > 0 && scratch[len - 1] == ' ')
		len--;
	scratch[len] = '\0';
	if (len == 0)
		snprintf(scratch, SCRATCH, "%s", kind->meaning);
}

static bool minute_is_over(const struct condition *c)
{
	return clock_now_ms() - c->minute_ms >= CONDITION_LINES_MS;
}

/* The summary line for withheld ones begins a new minute. */
static void report_withheld(struct condition *c)
{
	if (c->withheld > 0)
		log_event(EV_CONDITION_WITHHELD, c->kind->name, (unsigned int)c->withheld,
			c->raised ? c->reason : "cleared");
	c->lines = c->withheld > 0 ? 1 : 0;
	c->withheld = 0;
	c->minute_ms = clock_now_ms();
}

/* Counts the line; false = it is withheld. */
static bool may_write(struct condition_set *set, struct condition *c)
{
	if (c->lines < CONDITION_LINES) {
		c->lines++;
		return true;
	}
	c->withheld++;
	if (c->withheld == 1 && set->withheld != NULL)
		set->withheld(set->withheld_arg);
	return false;
}

void condition_on_withheld(struct condition_set *set, condition_withheld_fn fn, void *arg)
{
	set->withheld = fn;
	set->withheld_arg = arg;
}

void condition_report(struct condition_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct condition *c = &set->items[i];
		if (c->withheld == 0)
			continue;
		if (minute_is_over(c))
			report_withheld(c);
		else if (set->withheld != NULL)
			set->withheld(set->withheld_arg);
	}
}

void condition_raise(
	struct condition_set *set, const struct condition_kind *kind, const char *fmt, ...)
{
	struct condition *c = find(set, kind);
	char reason[SCRATCH];
	va_list args;
	va_start(args, fmt);
	format_reason(reason, kind, fmt, args);
	va_end(args);
	uint64_t cause = cause_of(reason);
	bool is_same = c->raised && c->cause == cause;
	if (!is_same && minute_is_over(c))
		report_withheld(c);
	size_t len = str_shorten(reason, strlen(reason), CONDITION_REASON_MAX - 1);
	memcpy(c->reason, reason, len + 1);
	if (is_same)
		return;
	bool was_raised = c->raised;
	c->cause = cause;
	c->transitions++;
	c->raised = true;
	if (!was_raised)
		c->since_ms = clock_now_ms();
	if (may_write(set, c)) {
		if (was_raised)
			log_event(EV_CONDITION_CHANGED, kind->name, c->reason);
		else
			log_event(EV_CONDITION_RAISED, kind->name, c->reason, kind->advice);
	}
	call_watcher(set);
}

void condition_clear(struct condition_set *set, const struct condition_kind *kind)
{
	struct condition *c = find(set, kind);
	if (!c->raised)
		return;
	if (minute_is_over(c))
		report_withheld(c);
	c->raised = false;
	c->reason[0] = '\0';
	c->transitions++;
	uint64_t seconds = (clock_now_ms() - c->since_ms) / CLOCK_MS_PER_S;
	if (may_write(set, c))
		log_event(EV_CONDITION_CLEARED, kind->name, (unsigned long long)seconds);
	call_watcher(set);
}

bool condition_is_raised(const struct condition_set *set, const struct condition_kind *kind)
{
	return find(set, kind)->raised;
}

const struct condition *condition_get(
	const struct condition_set *set, const struct condition_kind *kind)
{
	return find(set, kind);
}

bool condition_is_of_group(const struct condition_kind *kind, const char *group)
{
	return strcmp(kind->group, group) == 0;
}

const struct condition *condition_first_raised(const struct condition_set *set, const char *group)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct condition *c = &set->items[i];
		if (c->raised && condition_is_of_group(c->kind, group))
			return c;
	}
	return NULL;
}
