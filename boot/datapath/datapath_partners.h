/*
 * The modules that the data path and its features use. Plain data.
 */
#ifndef BOOT_DATAPATH_DATAPATH_PARTNERS_H
#define BOOT_DATAPATH_DATAPATH_PARTNERS_H

struct condition_set;
struct ipnbus;
struct localapi;
struct loop;
struct peers;
struct records;
struct resolver;
struct settings;
struct times;

/* All borrowed. */
struct datapath_partners {
	struct loop *loop;
	struct resolver *resolver;
	struct condition_set *conditions;
	struct peers *peers;
	struct records *records;
	struct ipnbus *bus;
	struct localapi *api;
	const struct settings *settings;
	const struct times *times;
};

#endif
