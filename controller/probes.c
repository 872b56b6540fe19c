#include "controller/probes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/controller_events.h"
#include "controller/metrics.h"
#include "lib/base/mem.h"
#include "lib/io/httpd.h"

#define METRICS_MAX (8u * 1024 * 1024)

struct probes {
	struct httpd *httpd;
	struct probes_options options;
};

static void on_healthz(void *arg, struct httpd_request *request)
{
	(void)arg;
	httpd_reply(request, 200, NULL, "ok", 2);
}

static void on_readyz(void *arg, struct httpd_request *request)
{
	struct probes *p = arg;
	const char *reason = p->options.not_ready(p->options.arg);
	if (reason != NULL)
		httpd_reply_error(request, 503, reason);
	else
		httpd_reply(request, 200, NULL, "ok", 2);
}

static void on_metrics(void *arg, struct httpd_request *request)
{
	struct probes *p = arg;
	struct err e;
	AUTO(buf_fini) struct buf out = BUF_INIT(METRICS_MAX);
	AUTO(strv_fini) struct strv headers = {0};
	p->options.collect(p->options.arg);
	if (metrics_print(p->options.metrics, &out, &e) < 0) {
		httpd_reply_error(request, 500, e.msg);
		return;
	}
	strv_push(&headers, "Content-Type: text/plain; version=0.0.4; charset=utf-8");
	httpd_reply(request, 200, &headers, buf_cstr(&out), out.len);
}

struct probes *probes_open(struct loop *loop, const struct probes_options *options, struct err *e)
{
	struct addrport address;
	if (addrport_parse(options->address, &address, e) < 0)
		return NULL;
	struct probes *p = xcalloc(1, sizeof(*p));
	p->options = *options;
	p->httpd = httpd_new(loop);
	struct httpd_listener *l = httpd_listen(p->httpd, &address, options->address, e);
	if (l == NULL) {
		err_wrap(e, "--metrics-addr (METRICS_ADDR)");
		probes_close(p);
		return NULL;
	}
	p->options.address = NULL;
	httpd_route(l, "/healthz", on_healthz, p);
	httpd_route(l, "/readyz", on_readyz, p);
	httpd_route(l, "/metrics", on_metrics, p);
	log_event(EV_CONTROLLER_LISTENING, options->address);
	return p;
}

void probes_close(struct probes *p)
{
	if (p == NULL)
		return;
	httpd_free(p->httpd);
	free(p);
}
