#include "lib/kube/kube_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/b64.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_config_access.h"
#include "lib/kube/kube_file.h"

#define HOST_MAX 256
#define DEFAULT_PORT "443"
#define DEFAULT_NAMESPACE "default"

/* What is being read. */
struct load {
	struct kube_config *config;
	struct kube_config_access *access;
	const char *folder;
	struct err *err_ref;
};

/* {"name": …, WHAT: {…}} of a list; the inner object. */
static const struct json *find_named(const struct load *l, const struct json *doc, const char *list,
	const char *what, const char *name)
{
	const struct json *at = json_first(json_get(doc, list));
	for (; at != NULL; at = json_next(at)) {
		const char *found = json_str(json_get(at, "name"));
		if (found == NULL || strcmp(found, name) != 0)
			continue;
		const struct json *inner = json_get(at, what);
		if (json_type(inner) == JSON_OBJECT)
			return inner;
	}
	err_set(l->err_ref, -EINVAL, "%s \"%s\" is not in the file", what, name);
	return NULL;
}

/* NULL for a member that is absent or empty; one of another type is an error. */
static int get_text(const struct json *obj, const char *key, const char **out, struct err *e)
{
	*out = NULL;
	if (json_get_str(obj, key, out, e) < 0)
		return e->code;
	if (*out != NULL && (*out)[0] == '\0')
		*out = NULL;
	return 0;
}

static char *path_of(const struct load *l, const char *path)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", l->folder, path);
}

/* KEY-data in base64, else the file KEY. Text of the data goes to out. */
static int get_part(const struct load *l, const struct json *obj, const char *key,
	struct kube_config_part *part, struct buf *out)
{
	struct err *e = l->err_ref;
	const char *data;
	const char *path;
	AUTO(mem_free) char *data_key = xasprintf("%s-data", key);
	if (get_text(obj, data_key, &data, e) < 0 || get_text(obj, key, &path, e) < 0)
		return e->code;
	if (data != NULL && b64_decode(data, strlen(data), out, e) < 0)
		return err_wrap(e, "%s", data_key);
	if (data == NULL && path != NULL)
		part->path = path_of(l, path);
	return 0;
}

static int get_secret_part(const struct load *l, const struct json *obj, const char *key,
	struct kube_config_part *part, struct secret *out)
{
	AUTO(buf_wipe) struct buf text = BUF_INIT(KUBE_FILE_MAX);
	if (get_part(l, obj, key, part, &text) < 0)
		return l->err_ref->code;
	if (text.len > 0)
		secret_set(out, text.data, text.len);
	return 0;
}

/* "https://host:port/prefix" */
static int read_server(const struct load *l, const char *server)
{
	struct kube_config *config = l->config;
	struct err *e = l->err_ref;
	char host[HOST_MAX];
	if (strncmp(server, "https://", 8) != 0)
		return err_set(e, -EINVAL, "server is no https:// URL");
	if (fetch_url_host(server, host, sizeof(host), e) < 0)
		return err_wrap(e, "server");
	const char *authority = server + 8;
	size_t len = strcspn(authority, "/?#");
	if (strpbrk(authority, "?#") != NULL)
		return err_set(e, -EINVAL, "server has a query");
	const char *prefix = authority + len;
	size_t prefix_len = strlen(prefix);
	while (prefix_len > 0 && prefix[prefix_len - 1] == '/')
		prefix_len--;
	const char *bracket = memchr(authority, ']', len);
	const char *from = bracket != NULL ? bracket : authority;
	const char *colon = memchr(from, ':', len - (size_t)(from - authority));
	config->host = xstrdup(host);
	config->port = colon != NULL && colon + 1 < authority + len
			       ? xstrndup(colon + 1, (size_t)(authority + len - colon - 1))
			       : xstrdup(DEFAULT_PORT);
	if (prefix_len > 0)
		config->path_prefix = xstrndup(prefix, prefix_len);
	return 0;
}

static int read_cluster(const struct load *l, const struct json *cluster)
{
	struct kube_config_access *a = l->access;
	struct err *e = l->err_ref;
	const char *server;
	const char *name;
	const char *proxy;
	if (get_text(cluster, "server", &server, e) < 0 ||
		get_text(cluster, "tls-server-name", &name, e) < 0 ||
		get_text(cluster, "proxy-url", &proxy, e) < 0 ||
		json_get_bool(cluster, "insecure-skip-tls-verify", &a->identity.is_unverified, e) <
			0 ||
		get_part(l, cluster, "certificate-authority", &a->ca_file, &a->access.ca) < 0)
		return e->code;
	if (server == NULL)
		return err_set(e, -EINVAL, "no server");
	if (proxy != NULL)
		return err_set(e, -EINVAL, "proxy-url is not supported");
	l->config->certificate_name = xstrdup(name);
	return read_server(l, server);
}

static int read_env(const struct json *list, struct strv *out, struct err *e)
{
	for (const struct json *at = json_first(list); at != NULL; at = json_next(at)) {
		const char *name;
		const char *value = "";
		if (get_text(at, "name", &name, e) < 0 || json_get_str(at, "value", &value, e) < 0)
			return e->code;
		if (name == NULL)
			return err_set(e, -EINVAL, "a variable without a name");
		strv_pushf(out, "%s=%s", name, value);
	}
	return 0;
}

static int read_exec(const struct load *l, const struct json *exec)
{
	struct err *e = l->err_ref;
	struct kube_exec_spec *spec = l->config->exec = xcalloc(1, sizeof(*spec));
	const char *command;
	const char *version;
	const char *hint;
	if (get_text(exec, "command", &command, e) < 0 ||
		get_text(exec, "apiVersion", &version, e) < 0 ||
		get_text(exec, "installHint", &hint, e) < 0 ||
		json_get_strv(exec, "args", &spec->args, e) < 0 ||
		read_env(json_get(exec, "env"), &spec->env, e) < 0)
		return err_wrap(e, "exec");
	if (command == NULL || version == NULL)
		return err_set(
			e, -EINVAL, "exec: no %s", command == NULL ? "command" : "apiVersion");
	/* As kubectl does it: a name is looked up in PATH, a path is relative to the file. */
	spec->command = strchr(command, '/') != NULL ? path_of(l, command) : xstrdup(command);
	spec->api_version = xstrdup(version);
	spec->install_hint = xstrdup(hint);
	return 0;
}

static int read_user(const struct load *l, const struct json *user)
{
	static const char *const unsupported[] = {"username", "auth-provider", "as"};
	struct kube_config_access *a = l->access;
	struct err *e = l->err_ref;
	const char *token;
	const char *token_file;
	for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
		if (json_get(user, unsupported[i]) != NULL)
			return err_set(e, -EINVAL, "%s is not supported", unsupported[i]);
	}
	if (get_text(user, "token", &token, e) < 0 ||
		get_text(user, "tokenFile", &token_file, e) < 0 ||
		get_secret_part(
			l, user, "client-certificate", &a->certificate_file, &a->certificate) < 0 ||
		get_secret_part(l, user, "client-key", &a->key_file, &a->key) < 0)
		return e->code;
	/* The file counts more, as with kubectl. */
	if (token_file != NULL)
		a->token_file.path = path_of(l, token_file);
	else
		secret_set_str(&a->access.token, token);
	if (json_type(json_get(user, "exec")) == JSON_OBJECT)
		return read_exec(l, json_get(user, "exec"));
	return 0;
}

static int read_context(const struct load *l, const struct json *doc, const struct json *context)
{
	struct err *e = l->err_ref;
	const char *cluster_name;
	const char *user_name;
	const char *ns;
	if (get_text(context, "cluster", &cluster_name, e) < 0 ||
		get_text(context, "user", &user_name, e) < 0 ||
		get_text(context, "namespace", &ns, e) < 0)
		return e->code;
	if (cluster_name == NULL)
		return err_set(e, -EINVAL, "no cluster");
	l->access->access.ns = xstrdup(ns != NULL ? ns : DEFAULT_NAMESPACE);
	const struct json *cluster = find_named(l, doc, "clusters", "cluster", cluster_name);
	if (cluster == NULL)
		return e->code;
	if (read_cluster(l, cluster) < 0)
		return err_wrap(e, "cluster \"%s\"", cluster_name);
	if (user_name == NULL)
		return 0;
	const struct json *user = find_named(l, doc, "users", "user", user_name);
	if (user == NULL)
		return e->code;
	return read_user(l, user) < 0 ? err_wrap(e, "user \"%s\"", user_name) : 0;
}

int kube_config_load(struct kube_config *config, const struct json *doc, const char *folder,
	const char *context, struct err *e)
{
	struct load l = {
		.config = config,
		.access = kube_config_access_new(),
		.folder = folder,
		.err_ref = e,
	};
	config->access = &l.access->access;
	const char *current = context;
	bool is_given = context != NULL && context[0] != '\0';
	if (!is_given && get_text(doc, "current-context", &current, e) < 0)
		return err_wrap(e, "kubeconfig");
	if (current == NULL)
		return err_set(e, -EINVAL, "kubeconfig: no current-context");
	const struct json *found = find_named(&l, doc, "contexts", "context", current);
	if (found == NULL)
		return err_wrap(e, "kubeconfig");
	if (read_context(&l, doc, found) < 0 || kube_config_access_read(l.access, e) < 0)
		return err_wrap(e, "kubeconfig: context \"%s\"", current);
	return 0;
}

static void exec_free(struct kube_exec_spec *spec)
{
	if (spec == NULL)
		return;
	free(spec->command);
	strv_fini(&spec->args);
	strv_wipe(&spec->env);
	free(spec->api_version);
	free(spec->install_hint);
	free(spec);
}

void kube_config_fini(struct kube_config *config)
{
	free(config->host);
	free(config->port);
	free(config->path_prefix);
	free(config->certificate_name);
	if (config->access != NULL)
		config->access->free(config->access);
	exec_free(config->exec);
	*config = (struct kube_config){0};
}
