#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/control/control_internal.h"
#include "lib/control/control_path.h"

#define TOKEN_PATH "/api/v2/oauth/token"
#define FORM_MAX (64u * 1024)
#define TOKEN_MAX (16u * 1024)
#define REFRESH_PERCENT 80
#define LIFE_UNKNOWN_S 300 /* of a token that does not say */
#define LIFE_MAX_S (30 * 24 * 3600)
#define NEXT_TRY_MS 5000 /* after a refresh has failed while the old token is still good */

static bool is_usable(const struct control_token *token)
{
	return secret_is_set(&token->text) && clock_boot_ms() < token->end_ms;
}

/* All that wait are called; they go on in a later turn, so none of them is changed here. */
static void release_waiting(
	struct control *c, const struct control_result *failed, const struct err *err)
{
	while (c->token.waiting != NULL) {
		struct control_exchange *x = c->token.waiting;
		c->token.waiting = *control_exchange_next(x);
		*control_exchange_next(x) = NULL;
		control_exchange_token_ready(x, failed, err);
	}
}

static int read_token(struct control *c, const struct fetch_reply *reply, struct err *e)
{
	AUTO(json_freep) struct json *answer = json_parse(reply->body, reply->len, e);
	const char *text = "";
	int64_t seconds = LIFE_UNKNOWN_S;
	if (answer == NULL || json_get_str(answer, "access_token", &text, e) < 0 ||
		json_get_i64(answer, "expires_in", &seconds, e) < 0)
		return e->code;
	size_t len = strlen(text);
	if (len == 0 || len > TOKEN_MAX || strpbrk(text, "\r\n") != NULL)
		return err_set(e, -EPROTO, "no access_token in the answer");
	if (seconds <= 0 || seconds > LIFE_MAX_S)
		seconds = seconds <= 0 ? LIFE_UNKNOWN_S : LIFE_MAX_S;
	uint64_t life_ms = (uint64_t)seconds * CLOCK_MS_PER_S;
	uint64_t now = clock_boot_ms();
	secret_set_str(&c->token.text, text);
	c->token.generation++;
	c->token.refresh_ms = now + life_ms * REFRESH_PERCENT / 100;
	c->token.end_ms = now + life_ms;
	return 0;
}

static void on_reply(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct control *c = arg;
	struct control_result result;
	struct err e = {0};
	c->token.fetching = NULL;
	control_classify(c, CONTROL_DO_TOKEN, reply, err, &result, &e);
	if (result.outcome == CONTROL_OK && read_token(c, reply, &e) < 0) {
		result.outcome = CONTROL_UNAVAILABLE;
		err_wrap(&e, "tailnet \"%s\": fetch a token", c->name);
	}
	if (result.outcome == CONTROL_OK) {
		release_waiting(c, NULL, NULL);
	} else if (is_usable(&c->token) && result.outcome != CONTROL_UNAUTHORIZED) {
		c->token.refresh_ms = clock_boot_ms() + NEXT_TRY_MS;
		release_waiting(c, NULL, NULL);
	} else {
		release_waiting(c, &result, &e);
	}
}

/* The request is the same each time. */
static int fill_request(struct control *c, struct err *e)
{
	AUTO(buf_wipe) struct buf form = BUF_INIT(FORM_MAX);
	if (buf_append_str(&form, "grant_type=client_credentials&client_id=", e) < 0 ||
		control_path_escape(&form, c->client_id, e) < 0 ||
		buf_append_str(&form, "&client_secret=", e) < 0 ||
		control_path_escape(&form, secret_str(&c->client_secret), e) < 0)
		return e->code;
	c->token.request = (struct control_request){
		.method = "POST",
		.path = xstrdup(TOKEN_PATH),
		.body = buf_take(&form),
		.content_type = CONTROL_TYPE_FORM,
	};
	return 0;
}

int control_token_init(struct control *c, struct err *e)
{
	return c->client_id[0] != '\0' ? fill_request(c, e) : 0;
}

static void start_fetch(struct control *c)
{
	const struct control_transfer_request what = {
		.operation = CONTROL_DO_TOKEN,
		.request = &c->token.request,
		.timeout_ms = c->timeout_ms,
	};
	c->token.fetching = control_transfer_start(c, &what, on_reply, c);
}

bool control_token_get(struct control *c, struct control_exchange *x)
{
	struct control_token *token = &c->token;
	if (is_usable(token) && clock_boot_ms() < token->refresh_ms)
		return true;
	*control_exchange_next(x) = token->waiting;
	token->waiting = x;
	if (token->fetching == NULL)
		start_fetch(c);
	return false;
}

void control_token_leave(struct control *c, struct control_exchange *x)
{
	for (struct control_exchange **link = &c->token.waiting; *link != NULL;
		link = control_exchange_next(*link)) {
		if (*link != x)
			continue;
		*link = *control_exchange_next(x);
		*control_exchange_next(x) = NULL;
		return;
	}
}

void control_token_drop(struct control *c, uint64_t generation)
{
	if (c->token.generation == generation)
		secret_fini(&c->token.text);
}

void control_token_fini(struct control *c)
{
	control_transfer_cancel(c->token.fetching);
	control_request_fini(&c->token.request);
	secret_fini(&c->token.text);
}
