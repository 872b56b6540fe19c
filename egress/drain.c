#include "egress/drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "egress/drain_run.h"
#include "egress/egress_events.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/digest.h"
#include "lib/base/gotext.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"
#include "lib/io/atomicfile.h"
#include "lib/io/httpd.h"
#include "lib/io/timer.h"

#define CONFIG_BYTES_MAX (8u * 1024 * 1024)
#define PINGS_BYTES_MAX 1024

struct drain_waiter {
	struct drain *drain;
	struct httpd_request *request;
	struct drain_waiter *next, **link;
};

/* What a request has read from the directory. */
struct drain_input {
	bool has_file; /* and it is not empty */
	struct egress_config config;
	uint32_t pings;
	struct digest digest; /* of the text of config */
};

struct drain {
	struct loop *loop_ref;
	struct fetcher *fetcher_ref;
	struct resolver *resolver_ref;
	char *directory;
	char *pod_ipv4;
	char *pod_ipv6;
	struct drain_options options; /* without its texts */
	struct drain_waiter *waiters;
	struct drain_run *run; /* NULL: none, or in the pause after it */
	struct timer grace;
	struct digest digest; /* of what is being drained */
	uint32_t pings;
	bool is_stopped;
};

static void input_fini(struct drain_input *in)
{
	egress_config_fini(&in->config);
}

/* 0 with an empty text for a missing file. */
static int read_file(const struct drain *d, const char *name, struct buf *text, struct err *e)
{
	AUTO(mem_free) char *path = xasprintf("%s/%s", d->directory, name);
	int code = atomicfile_read(path, text, e);
	return code == -ENOENT ? 0 : code;
}

static int read_input(const struct drain *d, struct drain_input *in, struct err *e)
{
	AUTO(buf_fini) struct buf services = BUF_INIT(CONFIG_BYTES_MAX);
	AUTO(buf_fini) struct buf pings = BUF_INIT(PINGS_BYTES_MAX);
	if (read_file(d, EGRESS_CONFIG_FILE, &services, e) < 0 ||
		egress_config_parse(buf_cstr(&services), services.len, &in->config, e) < 0)
		return err_wrap(e, "error retrieving egress services configs");
	in->has_file = services.len > 0;
	if (!in->has_file)
		return 0;
	digest_of(buf_cstr(&services), services.len, &in->digest);
	if (read_file(d, EGRESS_PINGS_FILE, &pings, e) < 0 ||
		egress_pings_parse(buf_cstr(&pings), pings.len, &in->pings, e) < 0)
		return err_wrap(e, "error determining the number of times health check endpoint "
				   "should be pinged");
	return 0;
}

static void waiter_free(struct drain_waiter *w)
{
	*w->link = w->next;
	if (w->next != NULL)
		w->next->link = w->link;
	free(w);
}

/* Ends the current drain; logs what is not drained. */
static void give_up(struct drain *d)
{
	timer_stop(&d->grace);
	if (d->run != NULL)
		drain_run_log_remaining(d->run);
	drain_run_free(d->run);
	d->run = NULL;
}

static void on_gone(void *arg)
{
	struct drain_waiter *w = arg;
	struct drain *d = w->drain;
	waiter_free(w);
	if (d->waiters == NULL)
		give_up(d);
}

static void waiter_add(struct drain *d, struct httpd_request *request)
{
	struct drain_waiter *w = xcalloc(1, sizeof(*w));
	w->drain = d;
	w->request = request;
	w->next = d->waiters;
	w->link = &d->waiters;
	if (w->next != NULL)
		w->next->link = &w->next;
	d->waiters = w;
	httpd_request_on_gone(request, on_gone, w);
}

static void answer_all(struct drain *d)
{
	while (d->waiters != NULL) {
		struct httpd_request *request = d->waiters->request;
		waiter_free(d->waiters);
		httpd_reply(request, 200, NULL, "", 0);
	}
}

static void on_grace_over(void *arg)
{
	answer_all(arg);
}

static void start_grace(struct drain *d)
{
	char text[32];
	int64_t grace_ns = (int64_t)d->options.grace_ms * CLOCK_NS_PER_MS;
	gotext_format_duration(grace_ns, text, sizeof(text));
	log_event(EV_DRAIN_SETTLING, text);
	timer_start(&d->grace, d->options.grace_ms);
}

static void on_drained(void *arg)
{
	struct drain *d = arg;
	drain_run_free(d->run);
	d->run = NULL;
	start_grace(d);
}

static void begin(struct drain *d, const struct drain_input *input)
{
	drain_run_free(d->run);
	d->run = NULL;
	timer_stop(&d->grace);
	d->digest = input->digest;
	d->pings = input->pings;
	log_event(EV_DRAIN_BEGIN);
	if (d->pod_ipv4[0] == '\0' && d->pod_ipv6[0] == '\0') {
		/* Our answers could not be distinguished from those of others. */
		log_event(EV_DRAIN_NO_ADDRESS);
		start_grace(d);
		return;
	}
	struct drain_run_options options = {
		.limits = {input->pings, d->options.unreachable_limit},
		.pod_ipv4 = d->pod_ipv4,
		.pod_ipv6 = d->pod_ipv6,
		.interval_ms = d->options.interval_ms,
		.timeout_ms = d->options.ping_timeout_ms,
	};
	d->run = drain_run_new(
		d->loop_ref, d->fetcher_ref, d->resolver_ref, &options, on_drained, d);
	drain_run_start(d->run, &input->config);
}

static bool is_under_way(const struct drain *d, const struct drain_input *input)
{
	return (d->run != NULL || timer_is_armed(&d->grace)) && d->pings == input->pings &&
	       digest_equal(&d->digest, &input->digest);
}

void drain_handle(void *drain, struct httpd_request *request)
{
	static const char safe[] = "safe to terminate";
	struct drain *d = drain;
	AUTO(input_fini) struct drain_input input = {0};
	struct err e;
	if (d->is_stopped) {
		httpd_reply(request, 200, NULL, "", 0);
		return;
	}
	if (read_input(d, &input, &e) < 0) {
		log_event(EV_DRAIN_REFUSED, e.msg);
		httpd_reply_error(request, 500, e.msg);
		return;
	}
	if (!input.has_file || input.config.count == 0) {
		httpd_reply(request, 200, NULL, safe, input.has_file ? 0 : strlen(safe));
		return;
	}
	waiter_add(d, request);
	if (!is_under_way(d, &input))
		begin(d, &input);
}

void drain_stop(struct drain *d)
{
	d->is_stopped = true;
	give_up(d);
	answer_all(d);
}

struct drain *drain_new(struct loop *loop, struct fetcher *fetcher, struct resolver *resolver,
	const struct drain_options *options)
{
	struct drain *d = xcalloc(1, sizeof(*d));
	d->loop_ref = loop;
	d->fetcher_ref = fetcher;
	d->resolver_ref = resolver;
	d->options = *options;
	d->directory = xstrdup(options->directory);
	d->pod_ipv4 = xstrdup(options->pod_ipv4 != NULL ? options->pod_ipv4 : "");
	d->pod_ipv6 = xstrdup(options->pod_ipv6 != NULL ? options->pod_ipv6 : "");
	timer_init(&d->grace, loop, on_grace_over, d);
	return d;
}

void drain_free(struct drain *d)
{
	if (d == NULL)
		return;
	while (d->waiters != NULL) {
		/* The HTTP server may outlive us and would report a client's disconnect to freed
		 * memory. */
		httpd_request_on_gone(d->waiters->request, NULL, NULL);
		waiter_free(d->waiters);
	}
	timer_stop(&d->grace);
	drain_run_free(d->run);
	free(d->directory);
	free(d->pod_ipv4);
	free(d->pod_ipv6);
	free(d);
}
