#include "boot/store/kube_client.h"

#include "boot/settings/settings.h"
#include "lib/base/mem.h"
#include "lib/kube/kube.h"

struct kube *kube_client_new(const struct settings *settings, struct loop *loop,
	struct fetcher *fetcher, struct resolver *resolver, struct err *e)
{
	AUTO(mem_free) char *account_dir = settings_account_dir(settings);
	bool from_env = settings->kube_address_from_env;
	struct kube_options options = {
		.account_dir = account_dir,
		.host = from_env ? settings->kubernetes_service_host : NULL,
		.port = from_env ? settings->kubernetes_service_port_https : NULL,
	};
	return kube_new(loop, fetcher, resolver, &options, e);
}
