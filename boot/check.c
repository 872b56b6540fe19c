#include "boot/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/check_report.h"
#include "boot/daemon/ca_bundle.h"
#include "boot/settings/args_check.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "boot/host/caps.h"
#include "boot/host/privileges.h"
#include "boot/host/sysctl.h"
#include "boot/host/tun.h"
#include "ingress/serve.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/io/proc.h"

#define FILE_MAX (1024u * 1024) /* the most that a mounted Secret or ConfigMap can hold */

static void check_mode(struct check *c)
{
	if (settings_is_one_step(c->s))
		check_pass(c, "login from the configuration file %s", c->s->config_path);
	else if (settings_is_two_step_once(c->s))
		check_pass(c, "login by `tailscale up` when the node is not logged in");
	else
		check_pass(c, "login by `tailscale up` at every start");
}

static void check_program(struct check *c, const char *name)
{
	struct err e;
	AUTO(mem_free) char *path = proc_find(name, &e);
	if (path != NULL)
		check_pass(c, "%s is %s", name, path);
	else
		check_fault(c, "%s", e.msg);
}

static void check_programs(struct check *c)
{
	check_program(c, "tailscaled");
	if (!settings_is_one_step(c->s))
		check_program(c, "tailscale");
}

/* Values of the form file:PATH are read by the command, so the path may be shown. */
static void check_secret_file(struct check *c, const char *name, const struct secret *value)
{
	static const char prefix[] = "file:";
	if (!str_starts(secret_str(value), prefix))
		return;
	const char *path = secret_str(value) + strlen(prefix);
	if (access(path, R_OK) == 0)
		check_pass(c, "%s is read from %s", name, path);
	else
		check_fault(c, "%s: %s: %s", name, path, strerror(errno));
}

static void check_secret_files(struct check *c)
{
	check_secret_file(c, "TS_AUTHKEY", &c->s->authkey);
	check_secret_file(c, "TS_CLIENT_SECRET", &c->s->client_secret);
	check_secret_file(c, "TS_ID_TOKEN", &c->s->id_token);
}

static void check_ca_file(struct check *c)
{
	struct err e;
	struct ca_bundle_facts facts;
	AUTO(buf_fini) struct buf bundle = BUF_INIT(CA_BUNDLE_MAX);
	if (*c->s->ca_file == '\0')
		return;
	if (ca_bundle_merge(c->s, &bundle, &facts, &e) < 0)
		check_fault(c, "%s", e.msg);
	else
		check_pass(c, "TAILBOOT_CA_FILE: %s is added to %s (certificates: %zu)",
			c->s->ca_file,
			facts.system != NULL ? facts.system : "no bundle of the system",
			facts.count);
}

/* Arguments that the programs would refuse. */
static void check_arguments(struct check *c)
{
	struct err e;
	if (args_check_words(c->s->tailscaled_extra_args, &e) < 0)
		check_fault(c, "TS_TAILSCALED_EXTRA_ARGS: %s", e.msg);
	if (args_check_words(c->s->extra_args, &e) < 0)
		check_fault(c, "TS_EXTRA_ARGS: %s", e.msg);
	if (args_check_routes(c->s->routes.text, &e) < 0)
		check_fault(c, "TS_ROUTES: %s", e.msg);
}

static void check_serve_config(struct check *c)
{
	struct err e;
	AUTO(buf_fini) struct buf text = BUF_INIT(FILE_MAX);
	if (*c->s->serve_config == '\0')
		return;
	int code = atomicfile_read(c->s->serve_config, &text, &e);
	if (code == -ENOENT) {
		check_pass(c, "%s does not exist yet, it is waited for", c->s->serve_config);
		return;
	}
	/* Placeholders: the names of the node are not known before it runs. */
	static const struct serve_names names = {SERVE_NO_HTTPS, "tailnet.ts.net"};
	AUTO(serve_plan_fini) struct serve_plan plan = {0};
	if (code == 0)
		code = serve_plan_make(buf_cstr(&text), text.len, &names, &plan, &e);
	AUTO(mem_free) char *unknown = strv_join(&plan.unknown, ", ");
	if (code < 0)
		check_fault(c, "TS_SERVE_CONFIG: %s: %s", c->s->serve_config, e.msg);
	else if (plan.unknown.len > 0)
		check_fault(c,
			"TS_SERVE_CONFIG: %s: unknown members, which tailscaled passes over: %s",
			c->s->serve_config, unknown);
	else
		check_pass(c, "serve configuration %s", c->s->serve_config);
}

static void check_tun(struct check *c)
{
	if (c->s->userspace) {
		check_pass(c, "userspace networking");
		return;
	}
	struct err e;
	struct privileges privileges;
	AUTO(mem_free) char *path = settings_path(c->s, "/dev/net/tun");
	privileges_read(c->s, &privileges);
	bool will_be_made = access(path, F_OK) < 0 && caps_of_child(CAPS_MKNOD, NULL) == CAPS_HELD;
	const char *warning;
	for (size_t i = 0; (warning = privileges_warning(c->s, &privileges, i)) != NULL; i++)
		check_fault(c, "%s", warning);
	if (privileges_check(c->s, &privileges, &e) < 0)
		check_fault(c, "%s", e.msg);
	else if (will_be_made)
		check_pass(c, "kernel networking, %s will be made", path);
	else if (access(path, R_OK | W_OK) == 0)
		check_pass(c, "kernel networking, %s is there", path);
	else
		check_fault(c, "kernel networking: %s: %s: " TUN_REMEDY, path, strerror(errno));
}

static void check_forwarding(struct check *c)
{
	struct err e;
	struct sysctl_need need;
	if (sysctl_forwarding_need(c->s, &need, &e) < 0) {
		check_fault(c, "%s", e.msg);
		return;
	}
	if (!need.ipv4 && !need.ipv6)
		return;
	if (sysctl_is_forwarding(c->s, &need))
		check_pass(c, "IP forwarding is on");
	else if (sysctl_may_enable(c->s, &need, &e) == 0)
		check_pass(c, "IP forwarding is off and will be switched on");
	else
		check_fault(c, "IP forwarding is off: %s", e.msg);
}

static void check_http(struct check *c)
{
	const struct settings *s = c->s;
	if (s->enable_health_check)
		check_pass(c, "health at http://%s/healthz", s->local_addr_port);
	if (s->enable_metrics)
		check_pass(c, "metrics at http://%s/metrics", s->local_addr_port);
	if (*s->healthcheck_addr_port != '\0')
		check_pass(c, "health at http://%s/healthz", s->healthcheck_addr_port);
}

static void (*const checks[])(struct check *c) = {
	check_mode,
	check_programs,
	check_secret_files,
	check_ca_file,
	check_arguments,
	check_store,
	check_serve_config,
	check_tun,
	check_forwarding,
	check_addresses,
	check_firewall,
	check_services,
	check_http,
};

bool check_run(char *const *env_ref, FILE *out, FILE *err_out)
{
	struct err e;
	struct check c = {.out = out, .err_out = err_out};
	AUTO(settings_freep) struct settings *s = settings_load(env_ref, &e);
	if (s == NULL) {
		check_fault(&c, "%s", e.msg);
		return false;
	}
	c.s = s;
	check_pass(&c, "settings");
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		checks[i](&c);
	return c.faults == 0;
}
