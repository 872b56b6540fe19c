#include "controller/planes/planes_spec.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/objects.h"
#include "lib/base/mem.h"

#define TAILSCALE_API "https://api.tailscale.com"

static const char *api_of(const struct object_tailnet *tailnet, enum control_kind kind)
{
	if (tailnet->api_url[0] != '\0')
		return tailnet->api_url;
	return kind == CONTROL_TAILSCALE ? TAILSCALE_API : tailnet->server_url;
}

/* What the schema refuses as well: it may be switched off, or be an older one. */
static char *fault_of(const struct object_tailnet *tailnet, const struct planes_spec *spec)
{
	if (tailnet->faults.len > 0)
		return strv_join(&tailnet->faults, "; ");
	if (strcmp(tailnet->control_plane, "Tailscale") != 0 &&
		strcmp(tailnet->control_plane, "Headscale") != 0)
		return xasprintf("spec.controlPlane is \"%s\": it must be Tailscale or Headscale",
			tailnet->control_plane);
	if (spec->secret_name[0] == '\0')
		return xstrdup("spec.oauthSecretName is missing: name the Secret with the "
			       "credentials");
	if (spec->api_url[0] == '\0')
		return xstrdup("spec.serverURL is missing: a Headscale has no default");
	if (spec->kind == CONTROL_HEADSCALE && spec->tailnet[0] != '\0' &&
		strcmp(spec->tailnet, "-") != 0)
		return xasprintf(
			"spec.tailnet is \"%s\": a Headscale accepts only \"-\"", spec->tailnet);
	return NULL;
}

void planes_spec_read(
	const struct object_tailnet *tailnet, const char *own, struct planes_spec *out)
{
	out->kind = strcmp(tailnet->control_plane, "Headscale") == 0 ? CONTROL_HEADSCALE
								     : CONTROL_TAILSCALE;
	out->api_url = xstrdup(api_of(tailnet, out->kind));
	out->tailnet = xstrdup(tailnet->tailnet);
	out->secret_ns = xstrdup(tailnet->secret_ns[0] != '\0' ? tailnet->secret_ns : own);
	out->secret_name = xstrdup(tailnet->secret_name);
	out->ca_name = xstrdup(tailnet->ca_secret_name);
	out->fault = fault_of(tailnet, out);
}

static bool equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool planes_spec_equal(const struct planes_spec *a, const struct planes_spec *b)
{
	return a->kind == b->kind && equal(a->api_url, b->api_url) &&
	       equal(a->tailnet, b->tailnet) && equal(a->secret_ns, b->secret_ns) &&
	       equal(a->secret_name, b->secret_name) && equal(a->ca_name, b->ca_name) &&
	       equal(a->fault, b->fault);
}

void planes_spec_fini(struct planes_spec *spec)
{
	free(spec->api_url);
	free(spec->tailnet);
	free(spec->secret_ns);
	free(spec->secret_name);
	free(spec->ca_name);
	free(spec->fault);
	*spec = (struct planes_spec){0};
}
