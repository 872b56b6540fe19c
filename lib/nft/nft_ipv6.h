/*
 * Whether IPv6 can be used here: the host may have been built or started without it, it may be
 * switched off in this network namespace, or the kernel may lack policy routing for it, which the
 * daemon needs. Whether nf_tables knows the family is another question (nft_probe.h).
 *
 * The answer comes at once, from a few small files and one or two requests to the kernel. It does
 * not change by itself, but a sysctl may be set later: ask again before a complete restart.
 */
#ifndef LIB_NFT_NFT_IPV6_H
#define LIB_NFT_NFT_IPV6_H

#include "lib/base/err.h"

/*
 * 0 when IPv6 can be used in the network namespace of the caller. Otherwise a negative errno and a
 * sentence that names the failed condition:
 * -EAFNOSUPPORT the kernel has no IPv6; -EADDRNOTAVAIL switched off by a sysctl; the errno of
 * an unreadable file; -EINVAL for a switch that is neither on nor off.
 * root is put before the paths below /proc ("" = the system's own).
 */
int nft_ipv6_available(const char *root, struct err *e) MUST_CHECK;

#endif
