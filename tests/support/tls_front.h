/*
 * TLS in front of a plain server of the test (tests/support/raw_server.h): a child process that
 * accepts TLS connections on a free port of 127.0.0.1 and relays their bytes to another port, so
 * that a scripted server can be used by clients that insist on TLS.
 *
 *	tls_server_make_certificates(dir);
 *	struct tls_front front;
 *	tls_front_start(&front, dir, raw->port);
 *
 * The certificate is dir/server.pem of tests/support/tls_server.h, its authority dir/ca.pem.
 */
#ifndef TESTS_SUPPORT_TLS_FRONT_H
#define TESTS_SUPPORT_TLS_FRONT_H

#include <stdint.h>
#include <sys/types.h>

struct tls_front {
	pid_t pid;
	uint16_t port;
};

/* Ends the program on failure. Accepts connections when it returns. */
void tls_front_start(struct tls_front *f, const char *dir, uint16_t plain_port);
void tls_front_stop(struct tls_front *f);

#endif
