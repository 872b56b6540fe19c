/*
 * Objects of Services that are gone, however they are named: looked for after a start. (private)
 */
#ifndef CONTROLLER_EGRESS_EGRESS_SWEEP_H
#define CONTROLLER_EGRESS_EGRESS_SWEEP_H

struct cluster;
struct engine_plan;

/* Deletes each Service and EndpointSlice of ours whose parent is not there. */
void egress_sweep(const struct cluster *c, struct engine_plan *out);

#endif
