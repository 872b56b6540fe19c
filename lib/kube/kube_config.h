/*
 * A kubeconfig: one context of it as the place of the API server and the source of credentials for
 * a client (lib/kube/kube_access.h). The document is a JSON tree; lib/yaml makes one of YAML.
 *
 * Files that it names are read again when they change. A plug-in that makes credentials is only
 * described here; lib/kube/kube_exec.h runs it and hands over what it says.
 *
 *	struct kube_config config = {0};
 *	if (kube_config_load(&config, doc, folder, NULL, e) < 0) …
 *	options = {.host = config.host, …, .access_take = STEAL(config.access)}
 */
#ifndef LIB_KUBE_KUBE_CONFIG_H
#define LIB_KUBE_KUBE_CONFIG_H

#include "lib/base/str.h"
#include "lib/kube/kube_access.h"

struct json;

/* How to run a plug-in. */
struct kube_exec_spec {
	char *command; /* absolute, or to be looked up in PATH */
	struct strv args;
	struct strv env; /* "NAME=value" */
	char *api_version;
	char *install_hint; /* NULL = none */
};

/* Valid when zeroed. */
struct kube_config {
	char *host, *port;
	char *path_prefix;      /* NULL = none */
	char *certificate_name; /* NULL = the host */
	struct kube_access *access;
	struct kube_exec_spec *exec; /* NULL = none */
};

/* context NULL or "" = the current one. folder is where the file is: paths in it are relative to
 * that. -EINVAL names the part that cannot be used; no error text holds a secret. */
int kube_config_load(struct kube_config *config, const struct json *doc, const char *folder,
	const char *context, struct err *e) MUST_CHECK;
void kube_config_fini(struct kube_config *config);

/* Credentials of a plug-in, as the present ones of an access that kube_config_load has made. NULL =
 * there is none; certificate and key come together. */
void kube_config_set_credentials(struct kube_access *access, const char *token,
	const char *certificate_pem, const char *key_pem);
/* fn is called when the server has refused the present ones. */
void kube_config_on_refusal(struct kube_access *access, void (*fn)(void *arg), void *arg);

#endif
