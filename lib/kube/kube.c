#include "lib/kube/kube.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kube/kube_account.h"
#include "lib/kube/kube_internal.h"

#define DEFAULT_HOST "kubernetes.default.svc"
#define DEFAULT_PORT "443"

/* The option, or the default for an empty one. */
static const char *or_default(const char *option, const char *otherwise)
{
	return option != NULL && option[0] != '\0' ? option : otherwise;
}

struct kube *kube_new(struct loop *loop, struct fetcher *fetcher, struct resolver *resolver,
	const struct kube_options *options, struct err *e)
{
	struct kube_access *access = options->access_take;
	if (access == NULL)
		access = kube_account_new(options->account_dir, e);
	if (access == NULL)
		return NULL;
	struct kube *k = xcalloc(1, sizeof(*k));
	const char *host = or_default(options->host, DEFAULT_HOST);
	const char *port = or_default(options->port, DEFAULT_PORT);
	size_t len = strlen(host);
	bool is_bracketed = len > 2 && host[0] == '[' && host[len - 1] == ']';
	k->loop_ref = loop;
	k->fetcher_ref = fetcher;
	k->resolver_ref = resolver;
	k->access = access;
	k->retry_after_max_ms = KUBE_RETRY_AFTER_MAX_MS;
	k->host = is_bracketed ? xstrndup(host + 1, len - 2) : xstrdup(host);
	/* The address is given with each request, so the URL may have the certificate's name. */
	const char *name = or_default(options->certificate_name, k->host);
	bool is_ipv6 = strchr(name, ':') != NULL;
	k->url_base = xasprintf(is_ipv6 ? "https://[%s]:%s%s" : "https://%s:%s%s", name, port,
		or_default(options->path_prefix, ""));
	return k;
}

void kube_free(struct kube *k)
{
	if (k == NULL)
		return;
	while (k->calls != NULL)
		kube_cancel(k->calls);
	k->access->free(k->access);
	free(k->host);
	free(k->url_base);
	free(k);
}

const char *kube_namespace(const struct kube *k)
{
	return k->access->ns;
}

void kube_limit_retry_after(struct kube *k, uint32_t max_ms)
{
	k->retry_after_max_ms = max_ms;
}

uint64_t kube_request_count(const struct kube *k)
{
	return k->request_count;
}
