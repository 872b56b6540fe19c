/*
 * The HTTP listeners that the settings ask for: the deprecated health address first, then the local
 * one, each with the routes of its handlers.
 */
#ifndef BOOT_LISTENERS_H
#define BOOT_LISTENERS_H

#include <stdbool.h>

#include "lib/base/err.h"

#define LISTENERS_MAX 2

struct drain;
struct health;
struct httpd;
struct httpd_listener;
struct loop;
struct settings;

/* The handlers; borrowed for the life of the listeners. */
struct listeners_routes {
	struct health *health;
	struct drain *drain; /* NULL: none */
};

struct listeners {
	struct httpd *httpd;
	struct httpd_listener *items[LISTENERS_MAX];
	bool were_opened;
};

void listeners_init(struct listeners *l, struct loop *loop);
/* To be called after the handlers have been freed, which releases waiting requests. Zeroed is
 * accepted. */
void listeners_fini(struct listeners *l);
/* Opens them; does nothing when they are already open. */
int listeners_open(struct listeners *l, const struct settings *settings,
	const struct listeners_routes *routes, struct err *e) MUST_CHECK;
void listeners_close(struct listeners *l);

#endif
