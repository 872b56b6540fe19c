/*
 * Certificates in PEM text (RFC 7468), as files of certificate authorities hold them: text between
 * the blocks is ignored, and everything that a reader might pass over in silence is refused with
 * its line: another kind of block, a block that does not begin its line, bad base64, a cut
 * certificate.
 */
#ifndef LIB_BASE_PEM_H
#define LIB_BASE_PEM_H

#include "lib/base/buf.h"

/* Appends the certificates to out, each line ended, without the text between them. -EINVAL with the
 * line of the fault, also when there is none; -EMSGSIZE past the cap of out, which then has a
 * part. */
int pem_certificates(
	const char *text, size_t len, struct buf *out, size_t *count, struct err *e) MUST_CHECK;

#endif
