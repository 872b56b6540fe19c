#include "controller/cluster/egress_ports.h"

#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/mem.h"

bool egress_ports_has(int64_t number)
{
	return number >= EGRESS_PORTS_FIRST && number < EGRESS_PORTS_FIRST + EGRESS_PORTS_COUNT;
}

bool egress_ports_claim(struct egress_ports *ports, int64_t number)
{
	if (!egress_ports_has(number) || ports->is_used[number - EGRESS_PORTS_FIRST])
		return false;
	ports->is_used[number - EGRESS_PORTS_FIRST] = true;
	ports->used++;
	return true;
}

void egress_ports_release(struct egress_ports *ports, int64_t number)
{
	if (!egress_ports_has(number) || !ports->is_used[number - EGRESS_PORTS_FIRST])
		return;
	ports->is_used[number - EGRESS_PORTS_FIRST] = false;
	ports->used--;
}

static unsigned int place_of(const char *service, int64_t port, const char *protocol)
{
	struct digest digest;
	AUTO(mem_free)
	char *text = xasprintf("%s/%lld/%s", service, (long long)port, protocol);
	digest_of(text, strlen(text), &digest);
	uint32_t hash = (uint32_t)digest.bytes[0] << 24 | (uint32_t)digest.bytes[1] << 16 |
			(uint32_t)digest.bytes[2] << 8 | digest.bytes[3];
	return hash % EGRESS_PORTS_COUNT;
}

uint16_t egress_ports_find(
	struct egress_ports *ports, const char *service, int64_t port, const char *protocol)
{
	unsigned int first = place_of(service, port, protocol);
	for (unsigned int i = 0; i < EGRESS_PORTS_COUNT; i++) {
		unsigned int number = EGRESS_PORTS_FIRST + (first + i) % EGRESS_PORTS_COUNT;
		if (egress_ports_claim(ports, number))
			return (uint16_t)number;
	}
	return 0;
}
