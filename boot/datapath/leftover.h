/*
 * The tables that a killed run left, for a start that ends before there is a data path: rejected
 * settings, no TUN device, no forwarding, no firewall. Every later end removes them by
 * datapath_remove.
 */
#ifndef BOOT_DATAPATH_LEFTOVER_H
#define BOOT_DATAPATH_LEFTOVER_H

struct settings;

/* Removes the tables of this Pod, if there are any, in a loop of its own with a deadline. The
 * settings are that of an L3 proxy, else nothing is done; they may be rejected ones. A failure is
 * logged; without NET_ADMIN there is nothing that could be removed, or tried. */
void leftover_remove(const struct settings *s);

#endif
