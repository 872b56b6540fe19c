#include "lib/nft/nlattrs.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

static void keep(struct nlattrs *a, const struct nlattr *attr)
{
	if (mnl_attr_get_type(attr) < NLATTRS_MAX)
		a->at[mnl_attr_get_type(attr)] = attr;
}

void nlattrs_of_message(struct nlattrs *a, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	*a = (struct nlattrs){0};
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		keep(a, attr);
	}
}

void nlattrs_of_nest(struct nlattrs *a, const struct nlattr *nest)
{
	const struct nlattr *attr;
	*a = (struct nlattrs){0};
	mnl_attr_for_each_nested(attr, nest)
	{
		keep(a, attr);
	}
}
