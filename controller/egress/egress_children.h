/*
 * The documents of what one Service has in the controller's namespace. Pure. (private)
 */
#ifndef CONTROLLER_EGRESS_EGRESS_CHILDREN_H
#define CONTROLLER_EGRESS_EGRESS_CHILDREN_H

#include "controller/egress/egress_service_view.h"

struct json;

/* The Service that leads to the replicas, by the numbers of view->booked. The caller owns it. */
struct json *egress_children_service(const struct egress_service_view *view);
/* A slice of view->child with the replicas that have confirmed the entry. */
struct json *egress_children_slice(
	const struct egress_service_view *view, const struct egress_service *entry, size_t family);
/* The child is reached by this family. */
bool egress_children_has_family(const struct egress_service_view *view, size_t family);
/* Some replica has confirmed the entry, now or earlier. */
bool egress_children_confirmed(
	const struct egress_service_view *view, const struct egress_service *entry);

#endif
