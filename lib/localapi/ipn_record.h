/*
 * One extra DNS record while it is being read, before the table of records decides whether to keep
 * it. Private to this folder.
 */
#ifndef LIB_LOCALAPI_IPN_RECORD_H
#define LIB_LOCALAPI_IPN_RECORD_H

#include "lib/base/buf.h"
#include "lib/base/ipaddr.h"

struct jscan_event;
struct records;

/* Zeroed is empty. The memory is reused for the next record. */
struct ipn_record {
	struct buf name;
	struct ipaddr address; /* IPADDR_NONE while there is none */
};

void ipn_record_reset(struct ipn_record *r);
void ipn_record_fini(struct ipn_record *r);

/* A value of a wrong type, too long or not an address counts as absent. */
void ipn_record_read_name(struct ipn_record *r, const struct jscan_event *ev);
void ipn_record_read_value(struct ipn_record *r, const struct jscan_event *ev);

void ipn_record_offer(const struct ipn_record *r, struct records *records);

#endif
