#include "controller/access.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "controller/controller_events.h"
#include "controller/settings/settings.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/io/fetch_http2.h"
#include "lib/kube/kube.h"
#include "lib/kube/kube_exec.h"
#include "lib/yaml/yaml.h"

struct access {
	struct fetcher *fetcher;
	struct fetcher *watches;
	struct kube *kube;
	struct kube_config config;
	struct kube_access *access_ref; /* of the kubeconfig; the client owns it */
	struct kube_exec *exec;
	char *server;
};

static void on_credentials(void *arg, const struct err *err)
{
	(void)arg;
	if (err != NULL)
		log_event(EV_CONTROLLER_CREDENTIALS, err->msg);
}

/* The first file of several, as the document. */
static int read_kubeconfig(struct access *a, const struct settings *settings, struct err *e)
{
	const char *path = settings->kubeconfig;
	AUTO(mem_free) char *first = xstrndup(path, strcspn(path, ":"));
	AUTO(mem_free) char *folder = xstrdup(first);
	AUTO(buf_wipe) struct buf text = BUF_INIT(YAML_TEXT_MAX);
	if (atomicfile_read(first, &text, e) < 0)
		return err_wrap(e, "--kubeconfig (KUBECONFIG)");
	AUTO(json_freep) struct json *doc = yaml_parse(buf_cstr(&text), text.len, e);
	if (doc == NULL ||
		kube_config_load(&a->config, doc, dirname(folder), settings->context, e) < 0)
		return err_wrap(e, "kubeconfig %s", first);
	return 0;
}

static int from_kubeconfig(struct access *a, const struct settings *settings,
	struct kube_options *options, struct err *e)
{
	if (read_kubeconfig(a, settings, e) < 0)
		return e->code;
	*options = (struct kube_options){
		.host = a->config.host,
		.port = a->config.port,
		.path_prefix = a->config.path_prefix,
		.certificate_name = a->config.certificate_name,
	};
	a->access_ref = a->config.access;
	options->access_take = STEAL(a->config.access);
	return 0;
}

static int open_kube(struct access *a, struct loop *loop, struct resolver *resolver,
	const struct settings *settings, struct err *e)
{
	struct kube_options options = {
		.account_dir = settings->account_dir,
		.host = settings->service_host,
		.port = settings->service_port,
	};
	if (settings->kubeconfig[0] != '\0' && from_kubeconfig(a, settings, &options, e) < 0)
		return e->code;
	a->server = xasprintf("https://%s:%s", options.host != NULL ? options.host : "",
		options.port != NULL ? options.port : "443");
	a->kube = kube_new(loop, a->fetcher, resolver, &options, e);
	return a->kube != NULL ? 0 : e->code;
}

struct access *access_new(struct loop *loop, struct resolver *resolver, struct proc_table *procs,
	const struct settings *settings, struct err *e)
{
	struct access *a = xcalloc(1, sizeof(*a));
	a->fetcher = fetch_http2_new(loop, e);
	a->watches = a->fetcher != NULL ? fetch_http2_new(loop, e) : NULL;
	if (a->watches == NULL || open_kube(a, loop, resolver, settings, e) < 0) {
		access_free(a);
		return NULL;
	}
	kube_use_for_watches(a->kube, a->watches);
	if (a->config.exec != NULL)
		a->exec = kube_exec_new(
			loop, procs, a->config.exec, a->access_ref, on_credentials, a);
	return a;
}

void access_free(struct access *a)
{
	if (a == NULL)
		return;
	kube_exec_free(a->exec);
	kube_free(a->kube);
	kube_config_fini(&a->config);
	fetcher_free(a->watches);
	fetcher_free(a->fetcher);
	free(a->server);
	free(a);
}

struct kube *access_kube(const struct access *a)
{
	return a->kube;
}

const char *access_server(const struct access *a)
{
	return a->server;
}
