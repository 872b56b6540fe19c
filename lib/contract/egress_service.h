/*
 * One service of the document `egress-services`: its parser, which lib/contract/egress_config.c
 * calls for each. Private to this folder.
 */
#ifndef LIB_CONTRACT_EGRESS_SERVICE_H
#define LIB_CONTRACT_EGRESS_SERVICE_H

struct egress_service;
struct json;

/* Reads a member of the document into *out, which is overwritten. A fault is described in
 * out->fault, and what was read before it is set. */
void egress_service_read(const struct json *member, struct egress_service *out);

#endif
