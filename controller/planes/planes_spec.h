/*
 * What of a TailscaleTailnet makes its control plane. Pure. (private)
 */
#ifndef CONTROLLER_PLANES_PLANES_SPEC_H
#define CONTROLLER_PLANES_PLANES_SPEC_H

#include <stdbool.h>

#include "lib/control/control.h"

struct object_tailnet;

/* Texts are owned, "" is none. */
struct planes_spec {
	enum control_kind kind;
	char *api_url, *tailnet;
	char *secret_ns, *secret_name;
	char *ca_name;
	char *fault; /* what of the object cannot be used, NULL when all can */
};

/* own: namespace of the controller. out was zeroed. */
void planes_spec_read(
	const struct object_tailnet *tailnet, const char *own, struct planes_spec *out);
bool planes_spec_equal(const struct planes_spec *a, const struct planes_spec *b);
void planes_spec_fini(struct planes_spec *spec);

#endif
