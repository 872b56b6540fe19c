/*
 * A TLS server as a child process (openssl s_server -www, whose page names the certificate of the
 * client, if it has one), with certificates made for it at test time:
 *
 *	dir/ca.pem     authority of the server's certificate, for host "api.example" and address
 *	               127.0.0.1
 *	dir/other.pem  an unrelated authority
 */
#ifndef TESTS_SUPPORT_TLS_SERVER_H
#define TESTS_SUPPORT_TLS_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct tls_server {
	pid_t pid;
	uint16_t port;
};

/* Certificates into the folder. Ends the program when openssl is not there or fails. */
void tls_server_make_certificates(const char *dir);
/* Starts it on a free port of 127.0.0.1 and waits until it accepts. */
void tls_server_start(struct tls_server *s, const char *dir);
void tls_server_stop(struct tls_server *s);

#endif
