/*
 * The results of `tailboot check`, line by line. Shared by the files of the command.
 */
#ifndef BOOT_CHECK_REPORT_H
#define BOOT_CHECK_REPORT_H

#include <stddef.h>
#include <stdio.h>

struct settings;

struct check {
	const struct settings *s;
	FILE *out;
	FILE *err_out;
	size_t faults;
};

void check_pass(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_fault(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* boot/check_datapath.c: the firewall, and the documents of services. */
void check_firewall(struct check *c);
void check_services(struct check *c);

/* boot/check_datapath.c, for any node: the range of the Pod's addresses. */
void check_addresses(struct check *c);

/* boot/check_store.c: the Secret and the rights on it, or the folder. Asks the API server. */
void check_store(struct check *c);

#endif
