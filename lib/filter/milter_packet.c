#include <arpa/inet.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/filter/milter_parts.h"

#define PACKET_BYTES (1u << 20)   /* of ours: a field of the header is the largest */
#define REPLY_BYTES  (128u << 10) /* of the filter's: replbody comes in pieces of 64 KiB */

enum milter_word
milter_broken(struct milter *m, const char *why)
{
	if (m->trouble == NULL)
		m->trouble = why;
	return MILTER_BROKEN;
}

void
milter_packet(struct milter *m)
{
	m->packet.limit = PACKET_BYTES;
	str_clear(&m->packet);
}

void
milter_put(struct milter *m, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		str_append_byte(&m->packet, text.data[i] != '\0' ? text.data[i] : '?');
	str_append_byte(&m->packet, '\0');
}

void
milter_put_number(struct milter *m, uint32_t number)
{
	uint32_t bytes = htonl(number);
	str_append(&m->packet, &bytes, sizeof bytes);
}

void
milter_send_bytes(struct milter *m, char command, struct slice data)
{
	uint32_t len = htonl((uint32_t)data.len + 1);
	if (m->trouble != NULL)
		return;
	output_write(&m->out, &len, sizeof len);
	output_write(&m->out, &command, 1);
	output_slice(&m->out, data);
	if (m->out.failed)
		milter_broken(m, "the connection broke");
}

void
milter_send(struct milter *m, char command)
{
	if (m->packet.failed)
		milter_broken(m, "no room for a packet");
	milter_send_bytes(m, command, str_slice(&m->packet));
}

/* Exactly `len` bytes behind those of m->packet. */
static bool
read_bytes(struct milter *m, size_t len, int64_t deadline)
{
	static const char *const why[] = {
	    [INPUT_END] = "it closed the connection", [INPUT_TIMEOUT] = "no answer in time", [INPUT_ERROR] = "the connection broke",
	    [INPUT_TOO_LONG] = "the connection broke"};
	while (len > 0) {
		struct slice some;
		m->in.timeout = clock_poll_timeout(deadline);
		enum input_result r = input_some(&m->in, len, &some);
		if (r != INPUT_OK) {
			milter_broken(m, why[r]);
			return false;
		}
		if (!str_append_slice(&m->packet, some)) {
			milter_broken(m, "no memory for its answer");
			return false;
		}
		len -= some.len;
	}
	return true;
}

bool
milter_receive(struct milter *m, int64_t deadline, char *command, struct slice *data)
{
	uint32_t len;
	m->packet.limit = REPLY_BYTES;
	str_clear(&m->packet);
	if (!read_bytes(m, sizeof len, deadline))
		return false;
	memcpy(&len, m->packet.data, sizeof len);
	len = ntohl(len);
	if (len == 0 || len > REPLY_BYTES) {
		milter_broken(m, "its packet has a wrong length");
		return false;
	}
	str_clear(&m->packet);
	if (!read_bytes(m, len, deadline))
		return false;
	*command = m->packet.data[0];
	*data = slice_from(str_slice(&m->packet), 1);
	return true;
}
