#include "lib/localapi/ipnbus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/mem.h"
#include "lib/io/fetch_stream.h"
#include "lib/io/timer.h"
#include "lib/localapi/ipn_decode.h"
#include "lib/localapi/localapi.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"

/* ipn.NotifyWatchOpt */
#define WATCH_INITIAL_STATE (1u << 1)
#define WATCH_INITIAL_PREFS (1u << 2)
#define WATCH_INITIAL_HEALTH (1u << 7)
#define WATCH_PEER_CHANGES (1u << 12)
#define WATCH_NO_NETMAP (1u << 13)
#define WATCH_INITIAL_STATUS (1u << 14)
#define WATCH_PEER_PATCHES (1u << 15)
#define WATCH_SUSPEND_WHEN_BEHIND (1u << 19)

#define WATCH_MASK                                                                               \
	(WATCH_INITIAL_STATE | WATCH_INITIAL_PREFS | WATCH_INITIAL_HEALTH | WATCH_PEER_CHANGES | \
		WATCH_NO_NETMAP | WATCH_INITIAL_STATUS | WATCH_PEER_PATCHES)

/* The capability version of 1.104, the first that suspends. Earlier daemons ignore the bit. */
#define CAPABILITY_SUSPEND 148

#define FELL_BEHIND "IPN bus consumer fell behind"
#define HEAD_TIMEOUT_MS 10000

struct ipnbus {
	struct localapi *api_ref;
	struct peers *peers_ref;
	struct records *records_ref; /* NULL when none are needed */
	struct ipnbus_events events;
	uint32_t stall_ms;
	struct backoff backoff;
	struct timer retry;
	bool is_wanted;
	bool is_open;
	struct fetch *stream;
	struct ipn_decoder *decoder;
	unsigned int capability; /* of the daemon, 0 while not known */
	bool asks_suspend;       /* in the current subscription */
	bool refuses_suspend;    /* the daemon has, whatever its version */
	char *session_id;        /* NULL while not known */
	struct localapi_call *resume;
	/* "" while subscribed: an outage is reported once, and again when its reason changes. */
	char last_loss[ERR_MSG_MAX];
};

static void subscribe(void *arg);

/* A replacement begun by a truncated message must not block others. */
static void drop_half_message(struct ipnbus *bus)
{
	if (bus->records_ref != NULL)
		records_cancel(bus->records_ref);
}

static void forget_session(struct ipnbus *bus)
{
	localapi_cancel(bus->resume);
	bus->resume = NULL;
	free(bus->session_id);
	bus->session_id = NULL;
}

static void close_stream(struct ipnbus *bus)
{
	drop_half_message(bus);
	forget_session(bus);
	fetch_cancel(bus->stream);
	bus->stream = NULL;
	bus->is_open = false;
}

static void lost(struct ipnbus *bus, const struct err *why)
{
	bus->is_open = false;
	timer_start(&bus->retry, backoff_next(&bus->backoff));
	if (strcmp(bus->last_loss, why->msg) == 0)
		return;
	memcpy(bus->last_loss, why->msg, sizeof(bus->last_loss));
	bus->events.on_lost(bus->events.arg, why);
}

/* The next message starts over, with a status that replaces everything known. */
static void on_resumed(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct ipnbus *bus = arg;
	(void)reply;
	bus->resume = NULL;
	if (err == NULL)
		return;
	struct err why = *err;
	close_stream(bus);
	lost(bus, &why);
}

static int resume(struct ipnbus *bus, struct err *e)
{
	if (bus->session_id == NULL)
		return err_set(e, -EPIPE, "IPN bus suspended without a session to resume");
	if (bus->resume == NULL)
		bus->resume = localapi_resume_bus(bus->api_ref, bus->session_id, on_resumed, bus);
	return 0;
}

static int on_notify(void *arg, const struct ipn_notify *n, struct err *e)
{
	struct ipnbus *bus = arg;
	/* The daemon's final message before it ends the stream. */
	if (n->error_message != NULL && strstr(n->error_message, FELL_BEHIND) != NULL)
		return err_set(e, -EPIPE, "%s", n->error_message);
	if (n->is_suspended)
		return resume(bus, e);
	backoff_reset(&bus->backoff);
	if (n->session_id != NULL && bus->session_id == NULL)
		bus->session_id = xstrdup(n->session_id);
	bus->events.on_notify(bus->events.arg, n);
	/* The callback may have stopped us in the middle of a chunk. */
	return bus->stream != NULL ? 0 : err_set(e, -ECANCELED, "stopped");
}

static void learn_capability(struct ipnbus *bus, const char *text)
{
	uint64_t version;
	struct err ignored;
	if (text != NULL && str_to_u64(text, UINT32_MAX, &version, &ignored) == 0)
		bus->capability = (unsigned int)version;
}

static int on_head(void *arg, const struct fetch_reply *head, struct err *e)
{
	struct ipnbus *bus = arg;
	(void)e;
	if (head->status != 200)
		return 0; /* on_end reports it, with the body */
	learn_capability(bus, fetch_header(head, "Tailscale-Cap"));
	bus->is_open = true;
	bus->last_loss[0] = '\0';
	bus->events.on_open(bus->events.arg);
	return 0;
}

static int on_data(void *arg, const char *data, size_t len, struct err *e)
{
	struct ipnbus *bus = arg;
	int code = ipn_decoder_feed(bus->decoder, data, len, e);
	return code == -EINVAL ? err_wrap(e, "watch-ipn-bus") : code;
}

static void on_end(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct ipnbus *bus = arg;
	struct err e;
	bus->stream = NULL;
	drop_half_message(bus);
	forget_session(bus);
	bus->refuses_suspend |= err == NULL && reply->status == 400 && bus->asks_suspend;
	if (err != NULL)
		e = *err;
	else if (reply->status != 200)
		err_set(&e, -EPROTO, "watch-ipn-bus answered %d: %.*s", reply->status,
			(int)strcspn(reply->body, "\r\n"), reply->body);
	else
		err_set(&e, -EPIPE, "EOF");
	lost(bus, &e);
}

static bool is_inside(void *arg)
{
	struct ipnbus *bus = arg;
	return ipn_decoder_is_inside(bus->decoder);
}

static void subscribe(void *arg)
{
	struct ipnbus *bus = arg;
	struct err e;
	bus->asks_suspend = bus->capability >= CAPABILITY_SUSPEND && !bus->refuses_suspend;
	unsigned int mask = WATCH_MASK | (bus->asks_suspend ? WATCH_SUSPEND_WHEN_BEHIND : 0);
	AUTO(mem_free)
	char *url = xasprintf("http://" LOCALAPI_HOST "/localapi/v0/watch-ipn-bus?mask=%u", mask);
	struct fetch_request request = {
		.method = "GET",
		.url = url,
		.unix_socket = localapi_socket(bus->api_ref),
		.head_timeout_ms = HEAD_TIMEOUT_MS,
		.stall_ms = bus->stall_ms,
		.fresh_connection = true,
	};
	struct fetch_stream_sink sink = {on_head, on_data, on_end, is_inside, bus};
	/* Whether peers and records are read is fixed for the lifetime of a subscription. */
	ipn_decoder_free(bus->decoder);
	bus->decoder = ipn_decoder_new(bus->peers_ref, bus->records_ref, on_notify, bus);
	bus->stream = fetch_stream_start(localapi_fetcher(bus->api_ref), &request, &sink, &e);
	if (bus->stream == NULL)
		lost(bus, &e);
}

struct ipnbus *ipnbus_new(struct loop *loop, struct localapi *api, struct peers *peers,
	const struct ipnbus_times *times, const struct ipnbus_events *events)
{
	struct ipnbus *bus = xcalloc(1, sizeof(*bus));
	bus->api_ref = api;
	bus->peers_ref = peers;
	bus->events = *events;
	bus->stall_ms = times->stall_ms;
	bus->backoff = BACKOFF_INIT(times->retry_base_ms, times->retry_max_ms);
	timer_init(&bus->retry, loop, subscribe, bus);
	return bus;
}

void ipnbus_set_records(struct ipnbus *bus, struct records *records)
{
	bus->records_ref = records;
}

void ipnbus_set_capability(struct ipnbus *bus, unsigned int version)
{
	bus->capability = version;
}

unsigned int ipnbus_capability(const struct ipnbus *bus)
{
	return bus->capability;
}

void ipnbus_free(struct ipnbus *bus)
{
	if (bus == NULL)
		return;
	ipnbus_stop(bus);
	ipn_decoder_free(bus->decoder);
	free(bus);
}

void ipnbus_start(struct ipnbus *bus)
{
	if (bus->is_wanted)
		return;
	bus->is_wanted = true;
	bus->refuses_suspend = false;
	backoff_reset(&bus->backoff);
	bus->last_loss[0] = '\0';
	timer_start(&bus->retry, 0);
}

void ipnbus_stop(struct ipnbus *bus)
{
	bus->is_wanted = false;
	timer_stop(&bus->retry);
	close_stream(bus);
}

void ipnbus_restart(struct ipnbus *bus)
{
	if (!bus->is_wanted)
		return;
	ipnbus_stop(bus);
	ipnbus_start(bus);
}

bool ipnbus_is_open(const struct ipnbus *bus)
{
	return bus->is_open;
}
