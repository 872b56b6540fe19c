#include "lib/base/condition.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Room for one character more than fits, so that the place of the cut can be judged. */
#define SCRATCH (CONDITION_REASON_MAX + 4)

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

/* One line without control characters, no blanks at the end, the meaning where there is no reason.
 */
static void __attribute__((format(printf, 3, 0))) format_reason(char scratch[static SCRATCH],
	const struct condition_kind *kind, const char *fmt, va_list args)
{
	if (vsnprintf(scratch, SCRATCH, fmt, args) < 0)
		scratch[0] = '\0';
	size_t len = str_cut(scratch, strlen(scratch), CONDITION_REASON_MAX - 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)scratch[i];
		if (c < ' ' || c == 0x7f)
			scratch[i] = ' ';
	}
	while (len > 0 && scratch[len - 1] == ' ')
		len--;
	scratch[len] = '\0';
	if (len == 0)
		snprintf(scratch, CONDITION_REASON_MAX, "%s", kind->meaning);
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
	if (c->raised && strcmp(c->reason, reason) == 0)
		return;
	c->transitions++;
	memcpy(c->reason, reason, sizeof(c->reason));
	if (c->raised) {
		log_event(EV_CONDITION_CHANGED, kind->name, c->reason);
	} else {
		c->raised = true;
		c->since_ms = clock_now_ms();
		log_event(EV_CONDITION_RAISED, kind->name, c->reason, kind->advice);
	}
	call_watcher(set);
}

void condition_clear(struct condition_set *set, const struct condition_kind *kind)
{
	struct condition *c = find(set, kind);
	if (!c->raised)
		return;
	c->raised = false;
	c->reason[0] = '\0';
	c->transitions++;
	uint64_t seconds = (clock_now_ms() - c->since_ms) / CLOCK_MS_PER_S;
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
