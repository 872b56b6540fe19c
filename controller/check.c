#include "controller/check.h"

#include "controller/access.h"
#include "controller/cli.h"
#include "controller/cluster/cluster.h"
#include "controller/permissions.h"
#include "controller/settings/settings.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/proc.h"
#include "lib/io/resolve.h"
#include "lib/io/signals.h"
#include "lib/kube/kube.h"
#include "lib/kube/kube_op.h"

struct check {
	const struct settings *settings_ref;
	FILE *out;
	unsigned int faults;
	unsigned int open; /* answers that are awaited */
	struct loop *loop;
	struct proc_table *procs;
	struct resolver *resolver;
	struct access *access;
	struct permissions_check *permissions;
};

static void fault(struct check *c, const char *what, const char *why)
{
	fprintf(c->out, "fault: %s: %s\n", what, why);
	c->faults++;
}

static void answered(struct check *c)
{
	c->open--;
	if (c->open == 0)
		loop_stop(c->loop);
}

static void on_version(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct check *c = arg;
	const char *version = json_str(json_get(reply->body, "gitVersion"));
	if (err != NULL)
		fault(c, access_server(c->access), err->msg);
	else
		fprintf(c->out, "ok: %s answers, version %s\n", access_server(c->access),
			version != NULL ? version : "unknown");
	answered(c);
}

static void on_kind(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct check *c = arg;
	static const char kinds[] = "kinds of gateway.tailscale.com/v1alpha1";
	enum kube_outcome outcome = kube_outcome(reply, err);
	if (outcome == KUBE_NOT_FOUND)
		fault(c, kinds, "not installed: apply the CustomResourceDefinitions of the chart");
	else if (outcome != KUBE_OK)
		fault(c, kinds, err->msg);
	answered(c);
}

static void on_permissions(
	void *arg, bool is_cluster_wide, const struct strv *missing, const struct err *err)
{
	struct check *c = arg;
	const char *scope = is_cluster_wide ? "ClusterRole" : "Role";
	if (err != NULL)
		fault(c, "permissions", err->msg);
	for (size_t i = 0; i < missing->len; i++)
		fprintf(c->out, "fault: a permission is missing; add to the %s: %s\n", scope,
			missing->items[i]);
	c->faults += (unsigned int)missing->len;
	if (err == NULL && missing->len == 0)
		fprintf(c->out, "ok: all permissions of the %s\n", scope);
	answered(c);
}

static void on_signal(void *arg, int signo)
{
	struct check *c = arg;
	if (signo == SIGCHLD)
		proc_table_reap(c->procs);
	else if (signo == SIGTERM || signo == SIGINT)
		loop_stop(c->loop);
}

static void ask(struct check *c)
{
	struct kube *k = access_kube(c->access);
	struct kube_request version = {.verb = KUBE_GET, .method = "GET", .path = "/version"};
	struct kube_request kinds = {
		.verb = KUBE_GET, .method = "GET", .path = "/apis/gateway.tailscale.com/v1alpha1"};
	c->open = 4;
	kube_start(k, &version, on_version, c);
	kube_start(k, &kinds, on_kind, c);
	c->permissions = permissions_check_new(k, c->settings_ref->ns, on_permissions, c);
}

static int run(struct check *c, struct err *e)
{
	c->loop = loop_new(e);
	if (c->loop == NULL)
		return e->code;
	c->procs = proc_table_new(c->loop);
	struct signals *signals = signals_open(c->loop, on_signal, c, e);
	c->resolver = signals != NULL ? resolver_new(c->loop, e) : NULL;
	c->access = c->resolver != NULL
			    ? access_new(c->loop, c->resolver, c->procs, c->settings_ref, e)
			    : NULL;
	int code = c->access != NULL ? 0 : e->code;
	if (code == 0) {
		ask(c);
		code = loop_run(c->loop, e);
	}
	permissions_check_free(c->permissions);
	access_free(c->access);
	resolver_free(c->resolver);
	if (signals != NULL)
		signals_close(signals);
	proc_table_free(c->procs);
	loop_free(c->loop);
	return code;
}

int check_run(struct settings *settings, FILE *out)
{
	struct check c = {.settings_ref = settings, .out = out};
	struct err e;
	if (settings_complete(settings, true, &e) < 0)
		fault(&c, "settings", e.msg);
	else if (run(&c, &e) < 0)
		fault(&c, "access", e.msg);
	if (c.open > 0)
		fault(&c, "check", "ended before all answers were there");
	if (c.faults == 0)
		fprintf(out, "ok: no fault found\n");
	if (fflush(out) != 0 || ferror(out))
		return CLI_EXIT_FAILED;
	return c.faults == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
