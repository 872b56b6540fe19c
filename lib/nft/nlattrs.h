/*
 * Attributes of a message or of a nest by their type; NULL where there is none. When a type comes
 * twice the last one counts; types from NLATTRS_MAX on are ignored. Borrows the message.
 */
#ifndef LIB_NFT_NLATTRS_H
#define LIB_NFT_NLATTRS_H

/* More than any object of ours has. */
#define NLATTRS_MAX 40

struct nlattr;
struct nlmsghdr;

struct nlattrs {
	const struct nlattr *at[NLATTRS_MAX];
};

/* Of a message of netfilter: behind its two headers. */
void nlattrs_of_message(struct nlattrs *a, const struct nlmsghdr *nlh);
void nlattrs_of_nest(struct nlattrs *a, const struct nlattr *nest);

#endif
