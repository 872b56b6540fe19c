#include "boot/datapath/leftover.h"

#include "boot/datapath/datapath_events.h"
#include "boot/datapath/datapath_host.h"
#include "boot/host/caps.h"
#include "boot/settings/settings.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/nft/nft.h"
#include "lib/nft/nft_kernel.h"

#define LIMIT_MS 3000

static void on_removed(void *arg, const struct nft_result *result, const struct err *e)
{
	if (result->code < 0)
		log_event(EV_DATAPATH_REMOVE_FAILED, e->msg);
	loop_stop(arg);
}

static void on_limit(void *arg)
{
	log_event(EV_DATAPATH_REMOVE_FAILED, "the kernel does not answer");
	loop_stop(arg);
}

static int remove_tables(struct loop *loop, const char *owner, struct err *e)
{
	struct timer limit;
	struct nft_backend *backend = nft_kernel_new(loop, e);
	if (backend == NULL)
		return e->code;
	struct nft *nft = nft_new(loop, backend);
	timer_init(&limit, loop, on_limit, loop);
	timer_start(&limit, LIMIT_MS);
	nft_remove(nft, owner, on_removed, loop);
	int code = loop_run(loop, e);
	timer_stop(&limit);
	nft_free(nft);
	return code;
}

void leftover_remove(const struct settings *s)
{
	struct err e;
	if (!settings_is_l3_proxy(s) || s->test_fake_netfilter || caps_need_net_admin(&e) < 0)
		return;
	AUTO(mem_free) char *owner = datapath_host_owner(s);
	struct loop *loop = loop_new(&e);
	if (loop == NULL || remove_tables(loop, owner, &e) < 0)
		log_event(EV_DATAPATH_REMOVE_FAILED, e.msg);
	loop_free(loop);
}
