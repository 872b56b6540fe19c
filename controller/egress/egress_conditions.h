/*
 * The conditions of a Service that asks for egress. Pure. (private)
 *
 *	egress_conditions_plan(view, egress_conditions_served(view), STAGE, plan);
 */
#ifndef CONTROLLER_EGRESS_EGRESS_CONDITIONS_H
#define CONTROLLER_EGRESS_EGRESS_CONDITIONS_H

#include <stdbool.h>

struct egress_service_view;
struct engine_plan;
struct json;

#define EGRESS_VALID "TailscaleEgressSvcValid"
#define EGRESS_CONFIGURED "TailscaleEgressSvcConfigured"
#define EGRESS_READY "TailscaleEgressSvcReady"
#define EGRESS_CONFIRMED "TailscaleEgressSvcConfirmed"

/* A patch of those that differ from the live ones, none when all are so. */
bool egress_conditions_plan(const struct egress_service_view *view, struct json *conditions_take,
	int stage, struct engine_plan *out);
/* A patch that removes ours. */
bool egress_conditions_remove(
	const struct egress_service_view *view, int stage, struct engine_plan *out);

/* What is to be shown. The caller owns it. */

/* Faults: sentences joined by "; ". */
struct json *egress_conditions_invalid(const struct egress_service_view *view, const char *faults);
struct json *egress_conditions_without_group(const struct egress_service_view *view);
/* The group has no document yet, or refuses the Service, or a write has failed: that has no reason
 * of its own (NULL). */
struct json *egress_conditions_failed(
	const struct egress_service_view *view, const char *reason, const char *message);
/* By the replicas that have confirmed view->booked. */
struct json *egress_conditions_served(const struct egress_service_view *view);

#endif
