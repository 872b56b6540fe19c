/*
 * A server on the test's own loop that sends exactly the given bytes, well-formed or not: for
 * clients that must survive bad servers. Each request (head, and body by Content-Length) is
 * recorded as it came and answered with the reply of the moment.
 *
 *	struct raw_server *s = raw_server_new(loop, NULL);
 *	s->reply = (struct raw_reply){.text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
 */
#ifndef TESTS_SUPPORT_RAW_SERVER_H
#define TESTS_SUPPORT_RAW_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"
#include "lib/io/loop.h"

enum raw_after {
	RAW_KEEP,  /* wait for the next request */
	RAW_CLOSE, /* an orderly end */
	RAW_RESET, /* RST (TCP only) */
};

struct raw_reply {
	const char *text;  /* borrowed; NULL = nothing is sent */
	const char *block; /* sent repeat times after text */
	size_t block_len;
	size_t repeat;
	const char *tail; /* sent after the blocks */
	enum raw_after after;
};

struct raw_connection;

struct raw_server {
	struct loop *loop_ref;
	int fd;
	struct loop_source *source;
	char *path;
	uint16_t port;
	struct raw_connection *connections;
	bool resets;            /* each client at once */
	const char *greeting;   /* sent to each client at once; borrowed, NULL = nothing */
	struct raw_reply reply; /* the test may change it at any time */
	/* May change the reply before a request gets it; NULL = none. */
	void (*choose)(void *arg, const char *request);
	void *choose_arg;
	struct strv requests; /* text of each request */
	struct strv texts;    /* of raw_server_answer */
	unsigned int request_count;
	unsigned int accept_count;
	unsigned int open_count;
};

/* On a Unix socket, or on a free port of 127.0.0.1 when path is NULL. Ends the program on failure.
 */
struct raw_server *raw_server_new(struct loop *loop, const char *path);
/* On a port of a local address. */
struct raw_server *raw_server_new_at(struct loop *loop, const char *address, uint16_t port);
void raw_server_free(struct raw_server *s);
/* Sets a well-formed current reply: status is "200 OK", followed by more header lines as needed
 * ("200 OK\r\nETag: x"). */
void raw_server_answer(struct raw_server *s, const char *status, const char *body);
/* Sends more on the connection accepted last (short texts only). */
void raw_server_say(struct raw_server *s, const char *text);
/* Ends the connection accepted last. */
void raw_server_hang_up(struct raw_server *s);

#endif
