#include "lib/kube/kube_exec.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/proc.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_time.h"

#define OUTPUT_MAX (256u * 1024)
#define RETRY_MS 1000
#define RETRY_MAX_MS 300000
/* Of what it complains about, for the text of the error. */
#define COMPLAINT_MAX 400

struct kube_exec {
	struct proc_table *procs_ref;
	const struct kube_exec_spec *spec_ref;
	struct kube_access *access_ref;
	struct proc *proc;
	struct buf out;
	struct buf complaint;
	bool is_too_long;
	struct timer next;
	struct timer limit;
	struct backoff backoff;
	kube_exec_fn fn;
	void *arg;
};

int kube_exec_decode(const struct json *doc, const char *api_version, struct kube_exec_answer *out,
	struct err *e)
{
	const struct json *status = json_get(doc, "status");
	const char *version = NULL;
	const char *expires = NULL;
	time_t at = 0;
	*out = (struct kube_exec_answer){0};
	if (json_get_str(doc, "apiVersion", &version, e) < 0 ||
		json_get_str(status, "token", &out->token, e) < 0 ||
		json_get_str(status, "clientCertificateData", &out->certificate_pem, e) < 0 ||
		json_get_str(status, "clientKeyData", &out->key_pem, e) < 0 ||
		json_get_str(status, "expirationTimestamp", &expires, e) < 0)
		return e->code;
	if (version == NULL || strcmp(version, api_version) != 0)
		return err_set(e, -EINVAL, "the answer is no ExecCredential of %s", api_version);
	if ((out->certificate_pem == NULL) != (out->key_pem == NULL))
		return err_set(e, -EINVAL, "a certificate and its key come together");
	if (out->token == NULL && out->certificate_pem == NULL)
		return err_set(e, -EINVAL, "the answer has no credentials");
	if (expires != NULL && kube_time_parse(expires, &at, e) < 0)
		return err_wrap(e, "expirationTimestamp");
	out->expires = at;
	return 0;
}

static void report(struct kube_exec *x, const struct err *err)
{
	if (x->fn != NULL)
		x->fn(x->arg, err);
}

static void failed(struct kube_exec *x, struct err *e)
{
	const char *hint = x->spec_ref->install_hint;
	err_wrap(e, "credential plug-in %s", x->spec_ref->command);
	if (e->code == -ENOENT && hint != NULL) {
		struct err with_hint;
		err_set(&with_hint, e->code, "%s (%s)", e->msg, hint);
		*e = with_hint;
	}
	timer_start(&x->next, backoff_next(&x->backoff));
	report(x, e);
}

static void end_run(struct kube_exec *x)
{
	proc_free(x->proc);
	x->proc = NULL;
	timer_stop(&x->limit);
}

static int adopt(struct kube_exec *x, struct err *e)
{
	struct kube_exec_answer answer;
	if (x->is_too_long)
		return err_set(e, -EMSGSIZE, "it says more than %u bytes", OUTPUT_MAX);
	AUTO(json_freep) struct json *doc = json_parse(buf_cstr(&x->out), x->out.len, e);
	if (doc == NULL)
		/* The reason may quote what it said. */
		return err_set(e, -EINVAL, "what it says is no JSON");
	if (kube_exec_decode(doc, x->spec_ref->api_version, &answer, e) < 0)
		return e->code;
	kube_config_set_credentials(
		x->access_ref, answer.token, answer.certificate_pem, answer.key_pem);
	backoff_reset(&x->backoff);
	if (answer.expires == 0)
		return 0;
	int64_t left_s = answer.expires - clock_wall() - KUBE_EXEC_EARLY_S;
	/* Not more often than a failure would. */
	timer_start(&x->next, left_s > 1 ? (uint64_t)left_s * CLOCK_MS_PER_S : RETRY_MS);
	return 0;
}

static void on_ended(void *arg, int wstatus)
{
	struct kube_exec *x = arg;
	struct err e;
	end_run(x);
	if (wstatus != 0) {
		char status[64];
		proc_format_status(wstatus, status, sizeof(status));
		err_set(&e, -EIO, "%s: %s", status, buf_cstr(&x->complaint));
		failed(x, &e);
	} else if (adopt(x, &e) < 0) {
		failed(x, &e);
	} else {
		report(x, NULL);
	}
	buf_wipe(&x->out);
	buf_fini(&x->complaint);
}

/* As much as fits. */
static void keep(struct buf *to, const char *data, size_t len)
{
	struct err no_memory;
	size_t room = to->max - to->len;
	if (buf_append(to, data, len < room ? len : room, &no_memory) < 0)
		buf_wipe(to);
}

static void on_output(void *arg, int stream, const char *data, size_t len)
{
	struct kube_exec *x = arg;
	struct buf *to = stream == 1 ? &x->out : &x->complaint;
	if (stream == 1 && len > to->max - to->len)
		x->is_too_long = true;
	keep(to, data, len);
}

static char *exec_info(const struct kube_exec_spec *spec)
{
	AUTO(json_freep) struct json *info = json_new_object();
	struct json *request = json_new_object();
	json_set_str(info, "apiVersion", spec->api_version);
	json_set_str(info, "kind", "ExecCredential");
	json_set(request, "interactive", json_new_bool(false));
	json_set(info, "spec", request);
	return json_print(info);
}

static bool has_name(const struct strv *env, const char *variable)
{
	size_t len = strcspn(variable, "=") + 1;
	for (size_t i = 0; i < env->len; i++) {
		if (strncmp(env->items[i], variable, len) == 0)
			return true;
	}
	return false;
}

/* Ours, and what the file and the protocol add or replace. */
static void make_env(const struct kube_exec_spec *spec, struct strv *env)
{
	AUTO(mem_free) char *info = exec_info(spec);
	strv_pushf(env, "KUBERNETES_EXEC_INFO=%s", info);
	for (size_t i = spec->env.len; i > 0; i--) {
		if (!has_name(env, spec->env.items[i - 1]))
			strv_push(env, spec->env.items[i - 1]);
	}
	for (char **at = environ; *at != NULL; at++) {
		if (!has_name(env, *at))
			strv_push(env, *at);
	}
}

static int start(struct kube_exec *x, struct err *e)
{
	const struct kube_exec_spec *spec = x->spec_ref;
	AUTO(mem_free) char *path = proc_find(spec->command, e);
	if (path == NULL)
		return e->code;
	AUTO(strv_wipe) struct strv env = {0};
	make_env(spec, &env);
	const struct proc_spec proc = {
		.path = path,
		.args = &spec->args,
		.envp = env.items,
		.out = PROC_STDIO_PIPE,
		.err = PROC_STDIO_PIPE,
		.own_group = true,
		.death_signal = SIGKILL,
	};
	x->proc = proc_spawn(x->procs_ref, &proc, on_output, on_ended, x, e);
	return x->proc != NULL ? 0 : e->code;
}

static void on_next(void *arg)
{
	struct kube_exec *x = arg;
	struct err e;
	if (x->proc != NULL)
		return;
	buf_wipe(&x->out);
	buf_fini(&x->complaint);
	x->is_too_long = false;
	if (start(x, &e) < 0)
		failed(x, &e);
	else
		timer_start(&x->limit, KUBE_EXEC_TIMEOUT_MS);
}

static void on_limit(void *arg)
{
	struct kube_exec *x = arg;
	struct err gone;
	/* Its end is reported as that of any other failed run. */
	if (proc_signal(x->proc, SIGKILL, &gone) < 0)
		err_clear(&gone);
}

static void on_refusal(void *arg)
{
	struct kube_exec *x = arg;
	if (x->proc == NULL)
		timer_start(&x->next, backoff_next(&x->backoff));
}

struct kube_exec *kube_exec_new(struct loop *loop, struct proc_table *procs,
	const struct kube_exec_spec *spec, struct kube_access *access, kube_exec_fn fn, void *arg)
{
	struct kube_exec *x = xcalloc(1, sizeof(*x));
	x->procs_ref = procs;
	x->spec_ref = spec;
	x->access_ref = access;
	x->fn = fn;
	x->arg = arg;
	x->backoff = BACKOFF_INIT(RETRY_MS, RETRY_MAX_MS);
	buf_init(&x->out, OUTPUT_MAX);
	buf_init(&x->complaint, COMPLAINT_MAX);
	timer_init(&x->next, loop, on_next, x);
	timer_init(&x->limit, loop, on_limit, x);
	timer_start(&x->next, 0);
	kube_config_on_refusal(access, on_refusal, x);
	return x;
}

void kube_exec_free(struct kube_exec *x)
{
	struct err gone;
	if (x == NULL)
		return;
	kube_config_on_refusal(x->access_ref, NULL, NULL);
	if (x->proc != NULL && proc_signal(x->proc, SIGKILL, &gone) < 0)
		err_clear(&gone);
	end_run(x);
	timer_stop(&x->next);
	buf_wipe(&x->out);
	buf_fini(&x->complaint);
	free(x);
}
