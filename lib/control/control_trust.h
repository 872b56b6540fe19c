/*
 * The authorities that a control plane's certificate may come from: those of the system, and
 * further ones of the tailnet. libcurl reads a file, so both together are a file in memory.
 *
 * The system's are in SSL_CERT_FILE, or at Debian's place. Without that file the further ones count
 * alone.
 */
#ifndef LIB_CONTROL_CONTROL_TRUST_H
#define LIB_CONTROL_CONTROL_TRUST_H

#include "lib/base/err.h"

#define CONTROL_CA_MAX (1024u * 1024)

struct control_trust {
	int fd;     /* -1 when the system's file is enough */
	char *path; /* for libcurl */
};

/* further: PEM text, NULL or "" = none. -EINVAL for one that holds anything but certificates. */
int control_trust_init(struct control_trust *t, const char *further, struct err *e) MUST_CHECK;
void control_trust_fini(struct control_trust *t);

#endif
