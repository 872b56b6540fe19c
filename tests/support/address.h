/*
 * Addresses from texts that are known to be right; anything else ends the test.
 */
#ifndef TESTS_SUPPORT_ADDRESS_H
#define TESTS_SUPPORT_ADDRESS_H

#include "lib/base/ipaddr.h"

struct ipaddr address_of(const char *text);
struct ipprefix prefix_of(const char *text);

#endif
