#include <arpa/inet.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/filter/milter_parts.h"

#define VERSION_LEAST 2
#define VERSION_MOST  6
#define MACROS_BYTES  4096

/* All but SMFIP_RCPT_REJ (0x800): recipients that we refuse are not told. */
#define PROTOCOL_OFFERED 0x1ff7ffu
#define MAY_OFFERED      0x1ffu

static uint32_t
number_at(struct slice data, size_t at)
{
	uint32_t bytes;
	memcpy(&bytes, data.data + at, sizeof bytes);
	return ntohl(bytes);
}

/* Behind the options: a step's number, and the names of macros for it with a NUL behind them; again. */
static bool
read_lists(struct milter *m, struct slice data)
{
	while (data.len > 0) {
		size_t nul = data.len > 4 ? slice_find(slice_from(data, 4), '\0') : data.len;
		uint32_t step = data.len > 4 ? number_at(data, 0) : MILTER_STEPS;
		if (step >= MILTER_STEPS || nul >= data.len - 4)
			return false;
		m->macros[step].limit = MACROS_BYTES;
		m->listed[step] = true;
		if (!str_set(&m->macros[step], slice_make(data.data + 4, nul)))
			return false;
		data = slice_from(data, 4 + nul + 1);
	}
	return true;
}

static bool
read_options(struct milter *m, struct slice data)
{
	if (data.len < 12) {
		milter_broken(m, "its options are cut off");
		return false;
	}
	m->version = number_at(data, 0);
	m->may = number_at(data, 4);
	m->protocol = number_at(data, 8);
	if (m->version < VERSION_LEAST || m->version > VERSION_MOST)
		milter_broken(m, "its version is not known here");
	else if ((m->may & ~MAY_OFFERED) != 0 || (m->protocol & ~PROTOCOL_OFFERED) != 0)
		milter_broken(m, "it wants more than was offered");
	else if (!read_lists(m, slice_from(data, 12)))
		milter_broken(m, "its lists of macros are not right");
	if (m->version < 3)
		m->protocol |= NO_UNKNOWN;
	if (m->version < 4)
		m->protocol |= NO_DATA;
	return m->trouble == NULL;
}

bool
milter_begin(struct milter *m, int fd)
{
	char command;
	struct slice data;
	input_open(&m->in, fd, m->command_ms);
	output_open(&m->out, fd, m->command_ms);
	milter_packet(m);
	milter_put_number(m, VERSION_MOST);
	milter_put_number(m, MAY_OFFERED);
	milter_put_number(m, PROTOCOL_OFFERED);
	milter_send(m, 'O');
	if (m->trouble == NULL && !output_flush(&m->out))
		milter_broken(m, "the connection broke");
	if (m->trouble != NULL || !milter_receive(m, clock_ms() + m->command_ms, &command, &data))
		return false;
	if (command != 'O') {
		milter_broken(m, "it answers options with something else");
		return false;
	}
	return read_options(m, data);
}
