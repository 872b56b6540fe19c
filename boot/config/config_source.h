/*
 * The daemon's configuration: the mounted content, the last usable content, and the content that
 * the daemon has. The file is chosen anew each time it is read, because a better one may have
 * replaced the previous one.
 *
 *	config_source_init(&source, dir, capver, socket, on_authkey, arg);
 *	config_source_read(&source, &e);	 what is mounted now
 *	config_source_start(&source);		 the path for a start of the daemon
 *	config_source_pending(&source);		 does the daemon have what is mounted?
 *	config_source_offer(&source, &e);	 … before it is asked to load it
 *	config_source_loaded(&source);		 … and after it has done so
 *
 * A daemon is always started with usable content: when the mounted file is not usable, or was
 * refused by the daemon before, with a private copy (mode 0600, in /dev/shm or beside the daemon's
 * socket) of the previous content. The content holds an auth key: it is wiped here, and the copy is
 * removed by config_source_fini and by the next config_source_init.
 *
 * Reads and writes small local files; starts nothing and watches nothing.
 */
#ifndef BOOT_CONFIG_CONFIG_SOURCE_H
#define BOOT_CONFIG_CONFIG_SOURCE_H

#include <stdbool.h>

#include "boot/config/daemon_config.h"
#include "lib/base/buf.h"
#include "lib/base/digest.h"
#include "lib/base/err.h"
#include "lib/base/secret.h"

struct config_content {
	char *path; /* where it was read; NULL: there is none */
	struct buf text;
	struct digest digest;
	struct daemon_config_values values;
};

enum config_pending {
	CONFIG_PENDING_NOTHING, /* the daemon has what was read last */
	CONFIG_PENDING_RELOAD,  /* it can load it from the path that it was started with */
	CONFIG_PENDING_RESTART, /* it must be started again, for another path */
};

/* Called for the key of each content that is read, before anything is done with it. */
typedef void (*config_authkey_fn)(void *arg, const struct secret *authkey);

struct config_source {
	config_authkey_fn fn;
	void *arg;
	char *dir;
	int capver;
	char *copy_path[2];             /* candidates for the private copy */
	struct config_content mounted;  /* usable, read last */
	struct config_content in_force; /* what the daemon has */
	struct config_content offered;  /* what it is asked to load */
	char *daemon_path;              /* what it was started with, NULL before its first start */
	struct secret tried_authkey;    /* of the content that it was started with */
	bool mounted_refused;           /* the daemon did not accept the mounted content */
};

/* socket: of the daemon; the name of the private copy is made of it. */
void config_source_init(struct config_source *c, const char *dir, int capver, const char *socket,
	config_authkey_fn fn, void *arg);
/* For another daemon: the next read chooses the mounted file anew, which is unknown until then. */
void config_source_set_capver(struct config_source *c, int capver);
void config_source_fini(struct config_source *c); /* wipes; zeroed is accepted */

/* Chooses and reads the mounted file. On failure the previous usable content stays; the error names
 * file and fault. */
int config_source_read(struct config_source *c, struct err *e) MUST_CHECK;

/* Reads once more and returns the path for --config: of the mounted file, or of the private copy of
 * the previous usable content. Its content is in force from now on. NULL with the error set when
 * nothing was ever usable, or the copy cannot be written. Borrowed until the next call. */
const char *config_source_start(struct config_source *c, struct err *e) MUST_CHECK;

/* The key in force: that of the daemon's content or, before its first start, of the mounted
 * content. Unset when there is none. Borrowed until the next call. */
const struct secret *config_source_authkey(const struct config_source *c);
/* The key that the daemon's next start would log in with, as far as the last read shows. Unset when
 * there is none. Borrowed until the next call. */
const struct secret *config_source_next_authkey(const struct config_source *c);
/* The mode of the packet filter in the content that the daemon has or, before its first start, in
 * the mounted content; "" when it has none, or nothing is known. */
const char *config_source_netfilter_mode(const struct config_source *c);
/* Whether the key in force or the mounted one has not been tried: the daemon logs in only with the
 * key of its start, not with one that it loads later. */
bool config_source_has_untried_authkey(const struct config_source *c);

enum config_pending config_source_pending(const struct config_source *c);
/* Puts the mounted content where the daemon looks for it, and records it as the one to be
 * loaded. */
int config_source_offer(struct config_source *c, struct err *e) MUST_CHECK;
/* The daemon has loaded the offered content. */
void config_source_loaded(struct config_source *c);
/* The daemon refuses the offered content: it is not started with it. */
void config_source_refused(struct config_source *c);

#endif
