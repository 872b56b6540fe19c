/*
 * Egress groups in a cluster in memory (api_world.h): the keys of groups write what belongs to
 * egress and nothing else, and replicas do what the ConfigMap says.
 */
#ifndef TESTS_SUPPORT_EGRESS_WORLD_H
#define TESTS_SUPPORT_EGRESS_WORLD_H

#include "controller/egress/egress.h"
#include "tests/support/api_world.h"

#define EGRESS_WORLD_NS "ts"

#define EGRESS_WORLD_HTTP "{\"name\":\"http\",\"port\":80,\"protocol\":\"TCP\"}"
#define EGRESS_WORLD_IN "\"tailscale.com/proxy-group\":\"egress\""
#define EGRESS_WORLD_WEB EGRESS_WORLD_IN ",\"tailscale.com/tailnet-fqdn\":\"web.tail1234.ts.net\""

struct egress_world {
	struct api_world *api;
	bool leaves_name;
	bool has_upstream;
	bool loses_targets; /* replicas find none any more */
};

void egress_world_init(struct egress_world *w);
void egress_world_fini(struct egress_world *w);
void egress_world_run(struct egress_world *w);

void egress_world_group(struct egress_world *w, const char *name, int replicas);
/* members: of spec, such as "\"tailnetTarget\":{…}". */
void egress_world_group_with(
	struct egress_world *w, const char *name, int replicas, const char *members);
/* A Service of a user. ports: elements of spec.ports. */
void egress_world_service(struct egress_world *w, const char *ns, const char *name,
	const char *annotations, const char *ports);
/* The same in "default" for the group "egress". */
void egress_world_web(struct egress_world *w, const char *fqdn, const char *ports);
void egress_world_pod(struct egress_world *w, const char *group, int ordinal, const char *uid);
/* The pod has read the ConfigMap and says so; it finds no target whose name begins with "dead". */
void egress_world_confirm(struct egress_world *w, const char *group, int ordinal, const char *uid);

/* The caller frees; "" without one. */
char *egress_world_condition(struct egress_world *w, const char *ns, const char *name,
	const char *type, const char *member);
/* The document in the ConfigMap of a group; NULL without one. The caller frees. */
char *egress_world_document(struct egress_world *w, const char *group);
/* How many uids of a slice, -1 without such a slice. */
int egress_world_endpoints(struct egress_world *w, const char *child, const char *family);

/* The Service default/web, which asks for port 80 of web.tail1234.ts.net by the group "egress". */

void egress_world_serve(struct egress_world *w, int replicas); /* with pods "pod-0", … */
const struct json *egress_world_service_of_web(struct egress_world *w);
char *egress_world_child(void); /* caller frees */
/* reason: NULL is any. */
void egress_world_expect(
	struct egress_world *w, const char *type, const char *status, const char *reason);
void egress_world_expect_message(struct egress_world *w, const char *type, const char *part);
/* No object in the namespace of the controller, no entry, no finalizer. */
void egress_world_expect_nothing(struct egress_world *w);

/* For cmocka_unit_test_setup_teardown. */
int egress_world_set_up(void **state);
int egress_world_tear_down(void **state);

#endif
