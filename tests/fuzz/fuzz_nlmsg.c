/*
 * Errors, acknowledgements and events: codes are errnos, texts have an end, and every message can
 * be described.
 */
#include <libmnl/libmnl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_batch.h"
#include "lib/nft/nft_monitor.h"
#include "lib/nft/nlerr.h"
#include "lib/nft/nlwalk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(mem_free) uint8_t *aligned = xmalloc(size + 1);
	char text[NFT_BATCH_TEXT_MAX];
	struct nlerr answer;
	struct nlwalk walk = NLWALK_INIT(aligned, size);
	const struct nlmsghdr *nlh;
	if (size > 0)
		memcpy(aligned, data, size);
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (nlerr_parse(nlh, &answer)) {
			require(answer.code <= 0);
			require(memchr(answer.text, '\0', sizeof(answer.text)) != NULL);
			nft_batch_describe(aligned, size, answer.seq, answer.offset, text);
			require(text[0] != '\0');
		}
		for (uint32_t offset = 0; offset < nlh->nlmsg_len && offset < 256; offset += 8) {
			nft_batch_describe(aligned, size, nlh->nlmsg_seq, offset, text);
			require(strlen(text) < sizeof(text) && text[0] != '\0');
		}
		require(nft_batch_kind(aligned, size, nlh->nlmsg_seq) < 256);
		require(!nft_monitor_is_foreign(nlh, nlh->nlmsg_pid));
		require(!nft_monitor_is_foreign(nlh, nlh->nlmsg_pid + 1) ||
			nft_monitor_generation(nlh) == 0);
	}
	return 0;
}
