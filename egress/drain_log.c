#include "egress/drain_log.h"

#include "egress/egress_events.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

static void write_line(enum drain_line line, const char *name, const char *reason)
{
	switch (line) {
	case DRAIN_LINE_NO_ENDPOINT:
		log_event(EV_DRAIN_NO_ENDPOINT, name);
		break;
	case DRAIN_LINE_CHECKING:
		log_event(EV_DRAIN_CHECKING, name);
		break;
	case DRAIN_LINE_ROUTED:
		log_event(EV_DRAIN_ROUTED, name);
		break;
	case DRAIN_LINE_UNREACHABLE:
		log_event(EV_DRAIN_UNREACHABLE, name, reason);
		break;
	case DRAIN_LINE_GONE:
		log_event(EV_DRAIN_GONE, name);
		break;
	case DRAIN_LINE_GIVEN_UP:
		log_event(EV_DRAIN_GIVEN_UP, name, reason);
		break;
	case DRAIN_LINE_NOT_STOPPED:
		log_event(EV_DRAIN_NOT_STOPPED, name);
		break;
	case DRAIN_LINE_COUNT:
		break;
	}
}

void drain_log_line(
	struct drain_log *log, enum drain_line line, const char *name, const char *reason)
{
	if (log->written[line] >= DRAIN_LOG_LINES) {
		log->counted[line]++;
		return;
	}
	log->written[line]++;
	write_line(line, name, reason);
}

void drain_log_flush_due(struct drain_log *log)
{
	if (clock_now_ms() - log->flushed_ms >= DRAIN_LOG_COUNTS_MS)
		drain_log_flush(log);
}

void drain_log_flush(struct drain_log *log)
{
	static const char *const what[DRAIN_LINE_COUNT] = {
		[DRAIN_LINE_NO_ENDPOINT] = "services without a cluster healthcheck",
		[DRAIN_LINE_CHECKING] = "services to check",
		[DRAIN_LINE_ROUTED] = "services are still routed through this Pod",
		[DRAIN_LINE_UNREACHABLE] = "endpoints can not be reached",
		[DRAIN_LINE_GONE] = "services are no longer routed through this Pod",
		[DRAIN_LINE_GIVEN_UP] = "endpoints can not be reached and are no longer waited for",
		[DRAIN_LINE_NOT_STOPPED] = "services did not stop being routed to this Pod",
	};
	for (size_t i = 0; i < DRAIN_LINE_COUNT; i++) {
		if (log->counted[i] > 0)
			log_event(EV_DRAIN_MORE, log->counted[i], what[i]);
		log->counted[i] = 0;
	}
	log->flushed_ms = clock_now_ms();
}
