/*
 * Decoder of the notification stream: bytes in, one struct ipn_notify per message out; peers and
 * extra DNS records are passed to their tables on the way. Holds one value at a time; peers and
 * records are read only while some are wanted.
 */
#ifndef LIB_LOCALAPI_IPN_DECODE_H
#define LIB_LOCALAPI_IPN_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/localapi/ipnbus.h"

struct ipn_decoder;
struct peers;
struct records;

/* Returns 0 to continue or a negative errno with the error set, which ipn_decoder_feed then
 * returns. Must not feed or free the decoder. */
typedef int (*ipn_decode_fn)(void *arg, const struct ipn_notify *n, struct err *e);

/* peers and records may be NULL; borrowed. They are read only if some are wanted at this
 * moment. */
struct ipn_decoder *ipn_decoder_new(
	struct peers *peers, struct records *records, ipn_decode_fn fn, void *arg);
void ipn_decoder_free(struct ipn_decoder *d);
/* -EINVAL for bad JSON, or the result of fn; then the decoder must be freed. Members that are null
 * or of a wrong type count as absent; if our own node cannot be read, that is also logged. */
int ipn_decoder_feed(struct ipn_decoder *d, const char *data, size_t len, struct err *e) MUST_CHECK;
bool ipn_decoder_is_inside(const struct ipn_decoder *d);

#endif
