/*
 * The expressions of a rule as one line of text that does not depend on who wrote the message: the
 * kernel adds defaults, counts packets and gives anonymous maps a number. A rule of ours, as we
 * send it and as the kernel dumps it, has one spelling; anything unknown is written in hex, so that
 * a foreign rule never looks like ours.
 *
 *	meta key=6 dreg=1; cmp sreg=1 op=1 data=7461…; … # "egress-portmap"
 */
#ifndef LIB_NFT_NFT_CANON_H
#define LIB_NFT_NFT_CANON_H

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct nlattr;

/* Longest text of a rule. */
#define NFT_CANON_MAX (16u * 1024)

/* Appends the text. Either attribute may be NULL. -EMSGSIZE when it would be longer than out may
 * become. */
int nft_canon_rule(const struct nlattr *expressions, const struct nlattr *userdata, struct buf *out,
	struct err *e) MUST_CHECK;

/* The comment in user data of a table, rule or element: NUL-terminated within the attribute,
 * NULL when there is none. */
const char *nft_canon_comment(const struct nlattr *userdata);

#endif
