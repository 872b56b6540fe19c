/*
 * How fast lib/base/jscan.h goes through a status document, and what it needs for that.
 *
 *	jscan_bench [PEERS [PIECE]]
 *
 * Makes a document of PEERS peers (10000), indented with tabs or compact, feeds it in pieces of
 * PIECE bytes (16384), and prints one line for each set of rules: best processor time of five,
 * MB/s, reports, and by how much the largest resident size grew. No test: it fails only when the
 * scanner does.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/jscan.h"
#include "lib/base/mem.h"

#define ROUNDS 5

static const struct jscan_rule no_rules[] = {
	{.id = 1, .path = {"Nothing", "Here"}, .what = JSCAN_VALUE},
};

static const struct jscan_rule self_rules[] = {
	{.id = 1, .path = {"InitialStatus", "BackendState"}, .what = JSCAN_VALUE},
	{.id = 2, .path = {"InitialStatus", "Self", "DNSName"}, .what = JSCAN_VALUE},
	{.id = 3, .path = {"InitialStatus", "Self", "TailscaleIPs"}, .what = JSCAN_VALUE},
};

static const struct jscan_rule peer_rules[] = {
	{.id = 1, .path = {"InitialStatus", "Peer", "*"}, .what = JSCAN_MARK},
	{.id = 2, .path = {"InitialStatus", "Peer", "*", "DNSName"}, .what = JSCAN_VALUE},
	{.id = 3, .path = {"InitialStatus", "Peer", "*", "ID"}, .what = JSCAN_VALUE},
	{.id = 4, .path = {"InitialStatus", "Peer", "*", "NodeID"}, .what = JSCAN_VALUE},
	{.id = 5, .path = {"InitialStatus", "Peer", "*", "TailscaleIPs"}, .what = JSCAN_VALUE},
	{.id = 6, .path = {"InitialStatus", "Peer", "*", "AllowedIPs"}, .what = JSCAN_VALUE},
};

/* The members of one peer, as the daemon's status has them. */
static const char *const peer_lines[] = {
	"\"ID\": \"n%08uCNTRL\",",
	"\"PublicKey\": \"nodekey:%064x\",",
	"\"HostName\": \"worker-%u\",",
	"\"DNSName\": \"worker-%u.example-tailnet.ts.net.\",",
	"\"OS\": \"linux\",",
	"\"UserID\": 33223432117286174,",
	"\"TailscaleIPs\": [",
	"\t\"100.64.0.%u\",",
	"\t\"fd7a:115c:a1e0::%x\"",
	"],",
	"\"AllowedIPs\": [",
	"\t\"100.64.0.%u/32\",",
	"\t\"fd7a:115c:a1e0::%x/128\"",
	"],",
	"\"Tags\": [",
	"\t\"tag:worker-%u\"",
	"],",
	"\"Addrs\": null,",
	"\"CurAddr\": \"\",",
	"\"Relay\": \"fra\",",
	"\"PeerRelay\": \"\",",
	"\"RxBytes\": 0,",
	"\"TxBytes\": 0,",
	"\"Created\": \"2026-01-31T23:59:59.123456789Z\",",
	"\"LastWrite\": \"0001-01-01T00:00:00Z\",",
	"\"LastSeen\": \"0001-01-01T00:00:00Z\",",
	"\"LastHandshake\": \"0001-01-01T00:00:00Z\",",
	"\"Online\": true,",
	"\"ExitNode\": false,",
	"\"ExitNodeOption\": false,",
	"\"Active\": false,",
	"\"PeerAPIURL\": [",
	"\t\"http://100.64.0.%u:37263\",",
	"\t\"http://[fd7a:115c:a1e0::%x]:37263\"",
	"],",
	"\"TaildropTarget\": 0,",
	"\"NoFileSharingReason\": \"\",",
	"\"Capabilities\": [\"https://tailscale.com/cap/is-owner\"],",
	"\"CapMap\": {\"https://tailscale.com/cap/is-owner\": null},",
	"\"InNetworkMap\": true,",
	"\"InMagicSock\": true,",
	"\"InEngine\": false,",
	"\"Expired\": false,",
	"\"KeyExpiry\": \"2026-07-30T23:59:59Z\"",
};

/* %u and %x are the only conversions in the lines, so the number is put in by hand. */
static void put_line(FILE *out, const char *line, unsigned number, bool is_indented)
{
	if (is_indented)
		fputs("\n\t\t\t\t", out);
	for (; *line != '\0'; line++) {
		if (strncmp(line, "%08u", 4) == 0 || strncmp(line, "%064x", 5) == 0) {
			bool is_key = line[2] == '6';
			fprintf(out, "%0*u", is_key ? 64 : 8, number);
			line += is_key ? 4 : 3;
		} else if (strncmp(line, "%u", 2) == 0 || strncmp(line, "%x", 2) == 0) {
			fprintf(out, "%u", number % 65536);
			line++;
		} else if (is_indented || (*line != '\t' && *line != ' ')) {
			fputc(*line, out);
		}
	}
}

static char *make_document(unsigned peers, bool is_indented, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	if (out == NULL)
		mem_exhausted();
	fputs("{\"InitialStatus\": {\"BackendState\": \"Running\", \"Self\": {\"DNSName\": \"me.ts.net.\", "
	      "\"TailscaleIPs\": [\"100.64.0.1\"]}, \"Peer\": {",
		out);
	for (unsigned i = 0; i < peers; i++) {
		fprintf(out, "%s%s\"nodekey:%064x\":{", i > 0 ? "," : "",
			is_indented ? "\n\t\t\t" : "", i);
		for (size_t k = 0; k < ARRAY_LEN(peer_lines); k++)
			put_line(out, peer_lines[k], i, is_indented);
		fputs(is_indented ? "\n\t\t\t}" : "}", out);
	}
	fputs("}}}\n", out);
	if (fclose(out) != 0)
		mem_exhausted();
	return text;
}

static int count_report(void *arg, const struct jscan_event *event, struct err *e)
{
	size_t *count = arg;
	(void)e;
	if (event->kind != JSCAN_GOT_DOCUMENT)
		++*count;
	return 0;
}

static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long resident_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f == NULL || fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	if (f != NULL)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

struct input {
	const char *text;
	size_t len;
	size_t piece;
};

static int feed_all(struct jscan *s, const struct input *in, struct err *e)
{
	for (size_t at = 0; at < in->len; at += in->piece) {
		size_t n = in->len - at < in->piece ? in->len - at : in->piece;
		if (jscan_feed(s, in->text + at, n, e) < 0)
			return e->code;
	}
	return jscan_finish(s, e);
}

static int measure(
	const char *name, const struct jscan_rule *rules, size_t rule_count, const struct input *in)
{
	struct err e = {0};
	size_t reports = 0;
	double best = 1e12;
	long before = resident_kib();
	struct jscan *s = jscan_new(rules, rule_count, 65536, count_report, &reports);
	for (int round = 0; round < ROUNDS; round++) {
		jscan_reset(s);
		reports = 0;
		double start = cpu_ms();
		if (feed_all(s, in, &e) < 0) {
			fprintf(stderr, "%s\n", e.msg);
			jscan_free(s);
			return e.code;
		}
		double took = cpu_ms() - start;
		best = took < best ? took : best;
	}
	long grown = resident_kib() - before;
	jscan_free(s);
	printf("%-18s %6.1f MB %7.2f ms %6.0f MB/s %8zu reports, resident +%ld KiB\n", name,
		(double)in->len / 1e6, best, (double)in->len / 1e3 / best, reports, grown);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned peers = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
	size_t piece = argc > 2 ? strtoul(argv[2], NULL, 10) : 16384;
	if (peers == 0 || piece == 0) {
		fprintf(stderr, "usage: %s [PEERS [PIECE]]\n", argv[0]);
		return 2;
	}
	for (int is_indented = 1; is_indented >= 0; is_indented--) {
		struct input in = {.piece = piece};
		AUTO(mem_free) char *text = make_document(peers, is_indented, &in.len);
		in.text = text;
		printf("%u peers, %s, %zu bytes a piece\n", peers,
			is_indented ? "indented" : "compact", piece);
		if (measure("nothing matches", no_rules, ARRAY_LEN(no_rules), &in) < 0 ||
			measure("self only", self_rules, ARRAY_LEN(self_rules), &in) < 0 ||
			measure("five of each peer", peer_rules, ARRAY_LEN(peer_rules), &in) < 0)
			return 1;
	}
	return 0;
}
