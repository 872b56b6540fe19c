/*
 * SelfSubjectAccessReview: asks whether we may use a verb on a Secret.
 */
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube.h"

static char *review_body(const char *ns, const char *secret, const char *verb)
{
	AUTO(json_freep) struct json *body = json_new_object();
	struct json *attributes = json_new_object();
	struct json *spec = json_new_object();
	json_set_str(attributes, "name", secret);
	json_set_str(attributes, "namespace", ns);
	json_set_str(attributes, "resource", "secrets");
	json_set_str(attributes, "verb", verb);
	json_set(spec, "resourceAttributes", attributes);
	json_set_str(body, "apiVersion", "authorization.k8s.io/v1");
	json_set_str(body, "kind", "SelfSubjectAccessReview");
	json_set(body, "spec", spec);
	return json_print(body);
}

bool kube_review_allowed(const struct kube_reply *reply)
{
	return json_bool(json_path(reply->body, "status", "allowed", NULL), false);
}

struct kube_call *kube_review_secret(
	struct kube *k, const char *secret, const char *verb, kube_fn fn, void *arg)
{
	AUTO(mem_free) char *body = review_body(kube_namespace(k), secret, verb);
	struct kube_request request = {
		.method = "POST",
		.path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
		.body = body,
	};
	return kube_start(k, &request, fn, arg);
}
