/*
 * Text of a document, in one growing buffer, formatted like Go's encoding/json: besides what JSON
 * requires, <, >, &, U+2028 and U+2029 are escaped. Aborts when out of memory; the size is bounded
 * by the documents that it describes. Private to this folder.
 */
#ifndef LIB_CONTRACT_STATUS_TEXT_H
#define LIB_CONTRACT_STATUS_TEXT_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/ipaddr.h"

struct egress_port;

#define STATUS_TEXT_INIT BUF_INIT((size_t)1 << 30)

void status_text_add(struct buf *out, const char *text);
void status_text_quote(struct buf *out, const char *text);
void status_text_address(struct buf *out, const struct ipaddr *addr); /* in quotes */
void status_text_ports(struct buf *out, const struct egress_port *ports, size_t count);

#endif
