/*
 * What the Secret of a tailnet holds: an OAuth client or an API key, exactly one of them. Pure.
 * (private)
 */
#ifndef CONTROLLER_PLANES_PLANES_CREDENTIALS_H
#define CONTROLLER_PLANES_PLANES_CREDENTIALS_H

#include "lib/base/err.h"
#include "lib/base/secret.h"

#define PLANES_VALUE_MAX 4096 /* of a credential */
#define PLANES_CA_MAX (512u * 1024)

struct json;

/* Valid when zeroed. */
struct planes_keys {
	char *client_id; /* NULL without one */
	struct secret client_secret;
	struct secret api_key;
};

/* White space around the values does not count: files end with a line feed. ns and name are for
 * the sentence. -EINVAL: keys are missing, both forms are there, or a value is no text; out is
 * empty then. */
int planes_keys_read(const struct json *secret, const char *ns, const char *name,
	struct planes_keys *out, struct err *e) MUST_CHECK;
void planes_keys_fini(struct planes_keys *keys); /* wipes */

/* The certificates of the key ca.crt, of which the caller becomes the owner; NULL with -EINVAL. */
char *planes_ca_read(
	const struct json *secret, const char *ns, const char *name, struct err *e) MUST_CHECK;

#endif
