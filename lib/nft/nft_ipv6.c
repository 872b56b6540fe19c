#include "lib/nft/nft_ipv6.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/nft/nlerr.h"
#include "lib/nft/nlwalk.h"

#define IPV6_TREE "/proc/sys/net/ipv6"
#define DISABLE_IPV6 IPV6_TREE "/conf/all/disable_ipv6"
#define DISABLE_POLICY IPV6_TREE "/conf/all/disable_policy"
#define BLANKS " \t\r\n"
#define SWITCH_MAX 64

/* What the daemon marks its own packets with, and the table it routes the tailnet by. */
#define TEST_PRIORITY 1234
#define TEST_MARK 0x80000
#define TEST_TABLE 52

#define REQUEST_MAX 256
/* Twice what the kernel puts into one datagram of a dump. */
#define ANSWER_MAX (64u << 10)
/* A request has one answer; up to this many unrelated datagrams in between are dropped. */
#define DATAGRAMS_MAX 64

static int read_switch(const char *path, bool *is_on, struct err *e)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(SWITCH_MAX);
	if (atomicfile_read(path, &text, e) < 0)
		return e->code;
	const char *value = buf_cstr(&text);
	size_t start = strspn(value, BLANKS);
	size_t len = strcspn(value + start, BLANKS);
	if (len != 1 || (value[start] != '0' && value[start] != '1'))
		return err_set(e, -EINVAL, "%s is neither 0 nor 1", path);
	*is_on = value[start] == '1';
	return 0;
}

static int check_switches(const char *root, struct err *e)
{
	struct err no_policy = {0};
	bool is_on = false;
	AUTO(mem_free) char *tree = xasprintf("%s" IPV6_TREE, root);
	AUTO(mem_free) char *disable = xasprintf("%s" DISABLE_IPV6, root);
	AUTO(mem_free) char *policy = xasprintf("%s" DISABLE_POLICY, root);
	if (access(tree, F_OK) < 0)
		return errno == ENOENT
			       ? err_set(e, -EAFNOSUPPORT, "this kernel has no IPv6: no %s", tree)
			       : err_set_errno(e, -errno, "look for %s", tree);
	if (read_switch(disable, &is_on, e) < 0)
		return e->code;
	if (is_on)
		return err_set(e, -EADDRNOTAVAIL, "IPv6 is switched off: %s is 1", disable);
	/* Kernels without this switch are fine. */
	if (read_switch(policy, &is_on, &no_policy) < 0) {
		if (no_policy.code != -EINVAL)
			return 0;
		*e = no_policy;
		return e->code;
	}
	if (is_on)
		return err_set(e, -EADDRNOTAVAIL, "IPv6 policy is switched off: %s is 1", policy);
	return 0;
}

struct rules {
	int fd;
	uint32_t seq;
	bool has_rule; /* the list is not empty */
	char *answer;  /* ANSWER_MAX */
};

static struct nlmsghdr *begin(struct rules *r, char *bytes, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++r->seq;
	struct fib_rule_hdr *rule = mnl_nlmsg_put_extra_header(nlh, sizeof(*rule));
	rule->family = AF_INET6;
	return nlh;
}

/* True at the end of what was asked for. */
static bool read_datagram(struct rules *r, size_t len, struct nlerr *answer)
{
	struct nlwalk walk = NLWALK_INIT(r->answer, len);
	const struct nlmsghdr *nlh;
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (nlh->nlmsg_seq != r->seq)
			continue;
		if (nlerr_parse(nlh, answer))
			return true;
		if (nlh->nlmsg_type != RTM_NEWRULE ||
			nlh->nlmsg_len < NLMSG_LENGTH(sizeof(struct fib_rule_hdr)))
			continue;
		const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(nlh);
		/* Without rules of the family the kernel may list those of all families. One rule
		 * is enough. */
		r->has_rule |= rule->family == AF_INET6;
		if (r->has_rule)
			return true;
	}
	return false;
}

/* The kernel does its work inside the send call and has queued its answers when that returns, so
 * there is nothing to wait for. */
static int ask(struct rules *r, const struct nlmsghdr *nlh, struct err *e)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct nlerr answer = {0};
	if (sendto(r->fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return err_set_errno(e, -errno, "send to rtnetlink");
	for (int i = 0; i < DATAGRAMS_MAX; i++) {
		struct sockaddr_nl from = {0};
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(r->fd, r->answer, ANSWER_MAX, MSG_DONTWAIT,
			(struct sockaddr *)&from, &from_len);
		if (n < 0)
			return err_set_errno(e, -errno, "read from rtnetlink");
		if (from.nl_pid != 0 || !read_datagram(r, (size_t)n, &answer))
			continue;
		if (answer.code < 0)
			return err_set_errno(e, answer.code, "rtnetlink");
		return 0;
	}
	return err_set(e, -EBADMSG, "rtnetlink does not come to an end");
}

static int ask_test_rule(struct rules *r, uint16_t type, uint16_t flags, struct err *e)
{
	char bytes[REQUEST_MAX];
	struct nlmsghdr *nlh = begin(r, bytes, type, NLM_F_ACK | flags);
	struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(nlh);
	rule->action = FR_ACT_TO_TBL;
	rule->table = TEST_TABLE;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, TEST_PRIORITY);
	mnl_attr_put_u32(nlh, FRA_FWMARK, TEST_MARK);
	mnl_attr_put_u32(nlh, FRA_TABLE, TEST_TABLE);
	return ask(r, nlh, e);
}

static int check_rules(struct rules *r, struct err *e)
{
	struct err unused = {0};
	char bytes[REQUEST_MAX];
	if (ask(r, begin(r, bytes, RTM_GETRULE, NLM_F_DUMP), e) < 0)
		return err_wrap(e, "read the IPv6 policy routing rules");
	if (r->has_rule)
		return 0;
	/* Left over by an earlier try. */
	int left = ask_test_rule(r, RTM_DELRULE, 0, &unused);
	(void)left;
	if (ask_test_rule(r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, e) < 0)
		return err_wrap(e, "add an IPv6 policy routing rule as a test");
	if (ask_test_rule(r, RTM_DELRULE, 0, e) < 0)
		return err_wrap(e, "remove the IPv6 policy routing rule that was a test");
	return 0;
}

int nft_ipv6_available(const char *root, struct err *e)
{
	if (check_switches(root, e) < 0)
		return e->code;
	AUTO(mem_free) char *answer = xmalloc(ANSWER_MAX);
	AUTO(fd_close)
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0)
		return err_set_errno(e, -errno, "open a socket to rtnetlink");
	struct rules r = {.fd = fd, .answer = answer};
	return check_rules(&r, e);
}
