/*
 * One extra DNS record while it is read, before the table of records decides whether to keep it.
 * Private to this folder.
 */
#ifndef LIB_LOCALAPI_IPN_RECORD_H
#define LIB_LOCALAPI_IPN_RECORD_H

#include "lib/base/buf.h"
#include "lib/base/ipaddr.h"

struct jscan_event;
struct records;

/* Zeroed is empty. The memory is kept from record to record. */
struct ipn_record {
	struct buf name;
	struct ipaddr address; /* of no family while none was told */
};

void ipn_record_reset(struct ipn_record *r);
void ipn_record_fini(struct ipn_record *r);

/* A value of a wrong type, too long or no address counts as absent. */
void ipn_record_take_name(struct ipn_record *r, const struct jscan_event *ev);
void ipn_record_take_value(struct ipn_record *r, const struct jscan_event *ev);

void ipn_record_offer(const struct ipn_record *r, struct records *records);

#endif
