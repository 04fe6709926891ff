/* Reading packets: fields stay within the packet, whatever it holds and in whatever order they are asked for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ipc/packet.h"

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
must_be_within(const struct packet *p, const char *field)
{
	if (field == NULL)
		return;
	must(field >= p->data && field < p->data + p->len);
	must(field + strlen(field) < p->data + p->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The last byte decides how many fields are read as what. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct packet p;
	struct outcome o;
	uint64_t number;
	if (size == 0 || size > PACKET_MOST)
		return 0;
	unsigned how = data[size - 1];
	p = (struct packet){.len = size};
	memcpy(p.data, data, size);
	/* A NUL must not be found behind the end. */
	if (size < PACKET_MOST)
		memset(p.data + size, 'x', PACKET_MOST - size);
	const char *verb = packet_verb(&p);
	must(*verb == '\0' || (verb >= p.data && verb < p.data + p.len));
	for (int i = 0; i < 8; i++, how >>= 1) {
		if (how & 1)
			must_be_within(&p, packet_field(&p));
		else if (packet_field_number(&p, UINT32_MAX, &number))
			must(number <= UINT32_MAX);
		must(p.at <= p.len);
	}
	if (packet_field_outcome(&p, &o))
		must(strlen(o.code) < sizeof o.code && strlen(o.text) < sizeof o.text);
	must(p.at + packet_rest(&p).len == p.len);
	must(packet_take_descriptor(&p) == -1);
	return 0;
}
