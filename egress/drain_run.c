#include "egress/drain_run.h"

#include <stdlib.h>
#include <string.h>

#include "egress/drain_log.h"
#include "egress/drain_ping.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"
#include "lib/io/timer.h"

#define BEGUN_IN_A_TURN_MAX 256

struct drain_service {
	char *name;
	char *endpoint; /* NULL without one */
	struct drain_check *check;
	struct drain_service *next; /* of the same check, by name */
};

/* An endpoint and the services that have it. */
struct drain_check {
	const char *endpoint_ref;
	struct drain_service *services;
	struct drain_progress progress;
	uint32_t turn;                 /* index into its addresses */
	uint64_t due_ms;               /* of the next round */
	bool logged[DRAIN_LINE_COUNT]; /* lines already logged */
	struct drain_check *next_in_line;
};

/* A slot in which an endpoint is pinged. */
struct drain_round {
	struct drain_run *run;
	struct drain_check *check; /* NULL = free */
	struct drain_ping ping;
};

struct drain_run {
	struct drain_run_options options;
	struct drain_ping_setup setup;
	drain_run_fn fn;
	void *arg;
	struct drain_service *services; /* by name */
	size_t service_count;
	struct drain_check *checks;
	size_t check_count;
	size_t open_count; /* checks that are not drained */
	/* Checks waiting for their next round, in the order of their time, as all have the same
	 * interval. */
	struct drain_check *line, **line_end;
	struct drain_round rounds[DRAIN_ROUNDS_MAX];
	struct timer timer; /* of the next round, or of the end */
	struct drain_log log;
};

static void line_push(struct drain_run *run, struct drain_check *check, uint64_t due_ms)
{
	check->due_ms = due_ms;
	check->next_in_line = NULL;
	*run->line_end = check;
	run->line_end = &check->next_in_line;
}

static struct drain_check *line_pop(struct drain_run *run)
{
	struct drain_check *check = run->line;
	run->line = check->next_in_line;
	if (run->line == NULL)
		run->line_end = &run->line;
	return check;
}

static struct drain_round *free_round(struct drain_run *run)
{
	for (size_t i = 0; i < DRAIN_ROUNDS_MAX; i++) {
		if (run->rounds[i].check == NULL)
			return &run->rounds[i];
	}
	return NULL;
}

static void set_timer(struct drain_run *run)
{
	if (run->open_count == 0)
		timer_start(&run->timer, 0);
	else if (run->line != NULL && free_round(run) != NULL)
		timer_start_at(&run->timer, run->line->due_ms);
	else
		timer_stop(&run->timer); /* a round that ends sets it */
}

static void log_services(struct drain_run *run, struct drain_check *check, enum drain_line line)
{
	if (check->logged[line])
		return;
	check->logged[line] = true;
	for (const struct drain_service *s = check->services; s != NULL; s = s->next)
		drain_log_line(&run->log, line, s->name, NULL);
}

static void log_endpoint(struct drain_run *run, struct drain_check *check, enum drain_line line,
	const struct err *err)
{
	if (check->logged[line])
		return;
	check->logged[line] = true;
	drain_log_line(&run->log, line, check->endpoint_ref,
		err != NULL ? err->msg : "not all requests were answered");
}

static void log_state(struct drain_run *run, struct drain_check *check, const struct err *err)
{
	switch (check->progress.state) {
	case DRAIN_STATE_UNKNOWN:
		break;
	case DRAIN_STATE_ROUTED:
		log_services(run, check, DRAIN_LINE_ROUTED);
		break;
	case DRAIN_STATE_UNREACHABLE:
		log_endpoint(run, check, DRAIN_LINE_UNREACHABLE, err);
		break;
	case DRAIN_STATE_GONE:
		log_services(run, check, DRAIN_LINE_GONE);
		break;
	case DRAIN_STATE_GIVEN_UP:
		log_endpoint(run, check, DRAIN_LINE_GIVEN_UP, err);
		break;
	}
	drain_log_flush_due(&run->log);
}

static void round_end(struct drain_round *round, enum drain_next next, const struct err *err)
{
	struct drain_run *run = round->run;
	struct drain_check *check = round->check;
	check->turn = round->ping.turn;
	drain_ping_close(&round->ping);
	round->check = NULL;
	log_state(run, check, err);
	if (next == DRAIN_NEXT_END)
		run->open_count--;
	else
		line_push(run, check, clock_now_ms() + run->options.interval_ms);
	set_timer(run);
}

/* Continues the round according to the last ping. err: why it was not answered, or NULL. */
static void round_next(struct drain_round *round, enum drain_next next, const struct err *err)
{
	struct err e;
	if (next == DRAIN_NEXT_PING && drain_ping_send(&round->ping, &e) < 0) {
		next = drain_plan_see(
			&round->check->progress, &round->run->options.limits, DRAIN_SIGHT_NOWHERE);
		err = &e;
	}
	if (next != DRAIN_NEXT_PING)
		round_end(round, next, err);
}

static void on_sight(void *arg, enum drain_sight sight, const struct err *err)
{
	struct drain_round *round = arg;
	enum drain_next next =
		drain_plan_see(&round->check->progress, &round->run->options.limits, sight);
	round_next(round, next, err);
}

static void round_begin(struct drain_round *round, struct drain_check *check)
{
	round->check = check;
	drain_ping_open(&round->ping, check->endpoint_ref, check->turn);
	round_next(round, drain_plan_begin(&check->progress, &round->run->options.limits), NULL);
}

static void on_timer(void *arg)
{
	struct drain_run *run = arg;
	uint64_t now_ms = clock_now_ms();
	/* Checks that end at once, because they have no pings or no URL, need no slot. */
	for (size_t begun = 0; begun < BEGUN_IN_A_TURN_MAX; begun++) {
		if (run->line == NULL || run->line->due_ms > now_ms)
			break;
		struct drain_round *round = free_round(run);
		if (round == NULL)
			break;
		round_begin(round, line_pop(run));
	}
	if (run->open_count == 0) {
		drain_log_flush(&run->log);
		run->fn(run->arg);
		return;
	}
	set_timer(run);
}

struct drain_run *drain_run_new(struct loop *loop, struct fetcher *fetcher,
	struct resolver *resolver, const struct drain_run_options *options, drain_run_fn fn,
	void *arg)
{
	struct drain_run *run = xcalloc(1, sizeof(*run));
	bool has_v4 = options->pod_ipv4[0] != '\0';
	run->options = *options;
	run->setup = (struct drain_ping_setup){
		.fetcher_ref = fetcher,
		.resolver_ref = resolver,
		.own = xstrdup(has_v4 ? options->pod_ipv4 : options->pod_ipv6),
		.header = has_v4 ? "Pod-IPv4" : "Pod-IPv6",
		.family = has_v4 ? IPADDR_V4 : IPADDR_V6,
		.timeout_ms = options->timeout_ms,
	};
	run->fn = fn;
	run->arg = arg;
	run->line_end = &run->line;
	run->log.flushed_ms = clock_now_ms();
	timer_init(&run->timer, loop, on_timer, run);
	for (size_t i = 0; i < DRAIN_ROUNDS_MAX; i++) {
		run->rounds[i].run = run;
		drain_ping_init(&run->rounds[i].ping, &run->setup, on_sight, &run->rounds[i]);
	}
	return run;
}

/* By endpoint, then by name, as the services are in an array sorted by name. */
static int compare_endpoints(const void *a, const void *b)
{
	const struct drain_service *const *left = a;
	const struct drain_service *const *right = b;
	int order = strcmp((*left)->endpoint, (*right)->endpoint);
	if (order != 0)
		return order;
	return *left < *right ? -1 : *left > *right;
}

/* Makes one check per endpoint. with: the services that have one, sorted by endpoint. */
static void make_checks(struct drain_run *run, struct drain_service **with, size_t count)
{
	struct drain_service **end = NULL;
	run->checks = xcalloc(count, sizeof(*run->checks));
	for (size_t i = 0; i < count; i++) {
		struct drain_check *check = &run->checks[run->check_count];
		if (i > 0 && strcmp(with[i]->endpoint, with[i - 1]->endpoint) == 0) {
			check--;
		} else {
			run->check_count++;
			check->endpoint_ref = with[i]->endpoint;
			end = &check->services;
		}
		with[i]->check = check;
		*end = with[i];
		end = &with[i]->next;
	}
	run->open_count = run->check_count;
	/* In the order of the names of their first services. */
	for (size_t i = 0; i < run->service_count; i++) {
		struct drain_service *s = &run->services[i];
		if (s->check != NULL && s->check->services == s)
			line_push(run, s->check, clock_now_ms());
	}
}

void drain_run_start(struct drain_run *run, const struct egress_config *config)
{
	size_t with_count = 0;
	run->services = xcalloc(config->count, sizeof(*run->services));
	run->service_count = config->count;
	AUTO(mem_free)
	struct drain_service **with = xcalloc(config->count, sizeof(struct drain_service *));
	for (size_t i = 0; i < config->count; i++) {
		struct drain_service *s = &run->services[i];
		const char *endpoint = config->services[i].health_check_endpoint;
		s->name = xstrdup(config->services[i].name);
		if (endpoint == NULL || endpoint[0] == '\0') {
			drain_log_line(&run->log, DRAIN_LINE_NO_ENDPOINT, s->name, NULL);
			continue;
		}
		s->endpoint = xstrdup(endpoint);
		drain_log_line(&run->log, DRAIN_LINE_CHECKING, s->name, NULL);
		with[with_count++] = s;
	}
	drain_log_flush(&run->log);
	qsort(with, with_count, sizeof(struct drain_service *), compare_endpoints);
	make_checks(run, with, with_count);
	set_timer(run);
}

void drain_run_log_remaining(struct drain_run *run)
{
	for (size_t i = 0; i < run->service_count; i++) {
		const struct drain_service *s = &run->services[i];
		if (s->check != NULL && !drain_plan_is_drained(&s->check->progress))
			drain_log_line(&run->log, DRAIN_LINE_NOT_STOPPED, s->name, NULL);
	}
	drain_log_flush(&run->log);
}

void drain_run_free(struct drain_run *run)
{
	if (run == NULL)
		return;
	timer_stop(&run->timer);
	for (size_t i = 0; i < DRAIN_ROUNDS_MAX; i++)
		drain_ping_close(&run->rounds[i].ping);
	for (size_t i = 0; i < run->service_count; i++) {
		free(run->services[i].name);
		free(run->services[i].endpoint);
	}
	free(run->services);
	free(run->checks);
	free(run->setup.own);
	free(run);
}
