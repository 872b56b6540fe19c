/*
 * One service of the document `egress-services`: its reading, which lib/contract/egress_config.c
 * does for each. Private to this folder.
 */
#ifndef LIB_CONTRACT_EGRESS_SERVICE_H
#define LIB_CONTRACT_EGRESS_SERVICE_H

struct egress_service;
struct json;

/* Reads a member of the document into *out, which is overwritten. What is wrong is out->fault, and
 * what could be read until then is there. */
void egress_service_read(const struct json *member, struct egress_service *out);

#endif
