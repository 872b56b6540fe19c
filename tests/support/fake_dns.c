#include "tests/support/fake_dns.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/mem.h"

#define HEADER 12
#define TYPE_A 1
#define TYPE_AAAA 28
#define RECORD_MAX 28
#define UDP_MAX 512
#define MESSAGE_MAX (UDP_MAX + FAKE_DNS_ADDRESSES_MAX * RECORD_MAX)

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

/* Dotted name of the question; returns the bytes up to the end of the question, 0 when it is
 * invalid. */
static size_t read_question(
	const uint8_t *message, size_t len, char name[static 256], uint16_t *type)
{
	size_t at = HEADER;
	size_t out = 0;
	while (at < len && message[at] != 0) {
		size_t label = message[at++];
		if (label > 63 || at + label > len || out + label + 2 > 256)
			return 0;
		if (out > 0)
			name[out++] = '.';
		memcpy(name + out, message + at, label);
		out += label;
		at += label;
	}
	name[out] = '\0';
	if (at + 5 > len)
		return 0;
	*type = (uint16_t)(message[at + 1] << 8 | message[at + 2]);
	return at + 5;
}

static size_t put_record(uint8_t *out, const struct ipaddr *address, uint32_t ttl_s)
{
	size_t size = address->family == IPADDR_V4 ? 4 : 16;
	const uint8_t begin[] = {0xc0, HEADER, 0, address->family == IPADDR_V4 ? TYPE_A : TYPE_AAAA,
		0, 1, (uint8_t)(ttl_s >> 24), (uint8_t)(ttl_s >> 16), (uint8_t)(ttl_s >> 8),
		(uint8_t)ttl_s, 0, (uint8_t)size};
	memcpy(out, begin, sizeof(begin));
	memcpy(out + sizeof(begin), address->bytes, size);
	return sizeof(begin) + size;
}

static size_t make_answer(const struct fake_dns *d, enum fake_dns_mode mode, uint8_t *message,
	size_t len, uint16_t type)
{
	static const uint8_t codes[] = {
		[FAKE_DNS_ANSWER] = 0,
		[FAKE_DNS_NO_SUCH_NAME] = 3,
		[FAKE_DNS_SERVER_FAILURE] = 2,
		[FAKE_DNS_REFUSED] = 5,
	};
	enum ipaddr_family family = type == TYPE_A ? IPADDR_V4 : IPADDR_V6;
	uint8_t count = 0;
	if (mode == FAKE_DNS_ANSWER && (type == TYPE_A || type == TYPE_AAAA)) {
		for (size_t i = 0; i < d->count; i++) {
			if (d->addresses[i].family != family)
				continue;
			len += put_record(message + len, &d->addresses[i], d->ttl_s);
			count++;
		}
	}
	message[2] = 0x84 | (message[2] & 1); /* an authoritative answer */
	message[3] = 0x80 | codes[mode];
	message[6] = 0;
	message[7] = count;
	memset(message + 8, 0, 4);
	return len;
}

static enum fake_dns_mode mode_of(const struct fake_dns *d, const char *name, uint16_t type)
{
	enum ipaddr_family family = type == TYPE_A ? IPADDR_V4 : IPADDR_V6;
	for (size_t i = 0; i < d->rule_count; i++) {
		const struct fake_dns_rule *rule = &d->rules[i];
		if ((rule->name == NULL || strcasecmp(rule->name, name) == 0) &&
			(rule->family == IPADDR_NONE || rule->family == family))
			return rule->mode;
	}
	return d->mode;
}

/* Makes the answer to the question in place. Returns its length, 0 for no answer. */
static size_t answer_question(struct fake_dns *d, uint8_t *message, size_t len)
{
	char name[256];
	uint16_t type = 0;
	size_t question_len = len;
	must(len >= HEADER && (len = read_question(message, len, name, &type)) > 0,
		"fake_dns: question");
	strv_push(&d->names, name);
	d->question_count++;
	enum fake_dns_mode mode = mode_of(d, name, type);
	if (mode == FAKE_DNS_HELD) {
		must(question_len <= sizeof(d->held), "fake_dns: question to hold");
		memcpy(d->held, message, question_len);
		d->held_len = question_len;
	}
	if (mode == FAKE_DNS_HELD || mode == FAKE_DNS_SILENT)
		return 0;
	return make_answer(d, mode, message, len, type);
}

static void send_answer(
	struct fake_dns *d, const uint8_t *message, size_t len, const struct sockaddr_in *to)
{
	must(sendto(d->udp, message, len, 0, (const struct sockaddr *)to, sizeof(*to)) ==
			(ssize_t)len,
		"fake_dns: answer");
}

static void on_datagram(void *arg, uint32_t events)
{
	struct fake_dns *d = arg;
	static uint8_t message[MESSAGE_MAX];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	(void)events;
	ssize_t n = recvfrom(d->udp, message, UDP_MAX, 0, (struct sockaddr *)&from, &from_len);
	if (n <= 0)
		return;
	size_t len = answer_question(d, message, (size_t)n);
	if (len > UDP_MAX) {
		message[2] |= 2; /* cut */
		message[7] = 0;
		len = (size_t)n;
	}
	if (len > 0)
		send_answer(d, message, len, &from);
	else if (d->held_len == (size_t)n)
		d->held_from = from;
}

static void tcp_close(struct fake_dns *d)
{
	loop_source_remove(d->tcp_source);
	d->tcp_source = NULL;
	fd_close(&d->tcp);
}

/* Questions preceded by their length. On the loopback interface none is split. */
static void on_stream(void *arg, uint32_t events)
{
	struct fake_dns *d = arg;
	uint8_t in[4096];
	static uint8_t out[2 + MESSAGE_MAX];
	(void)events;
	ssize_t n = recv(d->tcp, in, sizeof(in), 0);
	if (n <= 0) {
		tcp_close(d);
		return;
	}
	for (size_t at = 0; at < (size_t)n;) {
		size_t len = (size_t)(in[at] << 8 | in[at + 1]);
		must(at + 2 + len <= (size_t)n, "fake_dns: question in pieces");
		memcpy(out + 2, in + at + 2, len);
		at += 2 + len;
		d->tcp_count++;
		len = answer_question(d, out + 2, len);
		out[0] = (uint8_t)(len >> 8);
		out[1] = (uint8_t)len;
		if (len > 0)
			must(send(d->tcp, out, len + 2, MSG_NOSIGNAL) == (ssize_t)len + 2,
				"fake_dns: answer");
	}
}

static void on_accept(void *arg, uint32_t events)
{
	struct fake_dns *d = arg;
	struct err e;
	(void)events;
	tcp_close(d);
	d->tcp = accept4(d->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (d->tcp < 0)
		return;
	d->tcp_source = loop_add(d->loop_ref, d->tcp, EPOLLIN, on_stream, d, &e);
	must(d->tcp_source != NULL, "fake_dns: loop_add");
}

/* The same port for both. */
static void open_sockets(struct fake_dns *d)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	d->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	d->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(d->listener >= 0 && bind(d->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
			getsockname(d->listener, (struct sockaddr *)&at, &len) == 0 &&
			listen(d->listener, 4) == 0,
		"fake_dns: TCP");
	must(d->udp >= 0 && bind(d->udp, (struct sockaddr *)&at, sizeof(at)) == 0, "fake_dns: UDP");
	snprintf(d->servers, sizeof(d->servers), "127.0.0.1:%u", ntohs(at.sin_port));
}

void fake_dns_open(struct fake_dns *d, struct loop *loop)
{
	struct err e;
	memset(d, 0, sizeof(*d));
	d->loop_ref = loop;
	d->tcp = -1;
	open_sockets(d);
	d->udp_source = loop_add(loop, d->udp, EPOLLIN, on_datagram, d, &e);
	d->listener_source = loop_add(loop, d->listener, EPOLLIN, on_accept, d, &e);
	must(d->udp_source != NULL && d->listener_source != NULL, "fake_dns: loop_add");
}

void fake_dns_close(struct fake_dns *d)
{
	tcp_close(d);
	loop_source_remove(d->listener_source);
	loop_source_remove(d->udp_source);
	fd_close(&d->listener);
	fd_close(&d->udp);
	strv_fini(&d->names);
}

void fake_dns_set(struct fake_dns *d, uint32_t ttl_s, const char *const *addresses)
{
	struct err e;
	d->mode = FAKE_DNS_ANSWER;
	d->ttl_s = ttl_s;
	for (d->count = 0; addresses[d->count] != NULL; d->count++) {
		must(d->count < FAKE_DNS_ADDRESSES_MAX, "fake_dns: addresses");
		must(ipaddr_parse(addresses[d->count], &d->addresses[d->count], &e) == 0,
			"fake_dns: address");
	}
}

void fake_dns_rule(
	struct fake_dns *d, const char *name, enum ipaddr_family family, enum fake_dns_mode mode)
{
	must(d->rule_count < FAKE_DNS_RULES_MAX, "fake_dns: rules");
	d->rules[d->rule_count++] = (struct fake_dns_rule){name, family, mode};
}

void fake_dns_release(struct fake_dns *d)
{
	static uint8_t message[MESSAGE_MAX];
	d->rule_count = 0;
	must(d->held_len > 0, "fake_dns: nothing is held");
	memcpy(message, d->held, d->held_len);
	size_t len = answer_question(d, message, d->held_len);
	d->held_len = 0;
	must(len > 0 && len <= UDP_MAX, "fake_dns: answer to what was held");
	send_answer(d, message, len, &d->held_from);
}
