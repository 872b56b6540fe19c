#include "tests/drive/kube_drive.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/io/proc.h"
#include "lib/io/signals.h"
#include "lib/kube/kube_exec.h"
#include "lib/yaml/yaml.h"

static struct kube_config config;
static struct proc_table *procs;

static void on_signal(void *arg, int signo)
{
	(void)arg;
	if (signo == SIGCHLD)
		proc_table_reap(procs);
}

static void on_credentials(void *arg, const struct err *err)
{
	struct json *event = json_new_object();
	(void)arg;
	json_set_str(event, "event", "credentials");
	json_set_str(event, "error", err != NULL ? err->msg : "");
	drive_say(event);
}

int drive_kubeconfig(
	struct loop *loop, const char *path, struct kube_options *options, struct err *e)
{
	AUTO(buf_wipe) struct buf text = BUF_INIT(YAML_TEXT_MAX);
	AUTO(mem_free) char *folder = xstrdup(path);
	if (atomicfile_read(path, &text, e) < 0)
		return e->code;
	AUTO(json_freep) struct json *doc = yaml_parse(buf_cstr(&text), text.len, e);
	if (doc == NULL || kube_config_load(&config, doc, dirname(folder), NULL, e) < 0)
		return e->code;
	procs = proc_table_new(loop);
	if (signals_open(loop, on_signal, NULL, e) == NULL)
		return e->code;
	if (config.exec != NULL)
		kube_exec_new(loop, procs, config.exec, config.access, on_credentials, NULL);
	*options = (struct kube_options){
		.host = config.host,
		.port = config.port,
		.path_prefix = config.path_prefix,
		.certificate_name = config.certificate_name,
		.access_take = config.access,
	};
	return 0;
}
