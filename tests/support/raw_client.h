/*
 * A client of a test's HTTP server: blocking sends of short texts, and a reply that is collected
 * while the loop is running.
 *
 *	struct raw_client c;
 *	raw_client_open(&c, port);
 *	raw_client_say(&c, "GET / HTTP/1.1\r\n\r\n");
 *	assert_true(loop_wait(loop, raw_client_is_done, &c, LOOP_WAIT_MS));
 */
#ifndef TESTS_SUPPORT_RAW_CLIENT_H
#define TESTS_SUPPORT_RAW_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"

struct raw_client {
	int fd;
	struct buf in;
	bool is_closed; /* by the server, in order */
	bool is_broken; /* by a reset */
};

/* Connects to the port at 127.0.0.1. Ends the program on failure. */
void raw_client_open(struct raw_client *c, uint16_t port);
void raw_client_close(struct raw_client *c);
void raw_client_say(struct raw_client *c, const char *text);
/* Reads the available bytes; true once the server has ended the connection. A condition for
 * loop_wait. */
bool raw_client_is_done(void *client);

#endif
