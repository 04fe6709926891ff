#include "lib/mail/utf8.h"

/* How a first byte goes on: how many bytes follow, and the bounds of the next one (RFC 3629 section 4). */
struct lead {
	size_t        more;
	unsigned char least, most;
};

static bool
lead_of(unsigned char first, struct lead *lead)
{
	*lead = (struct lead){.least = 0x80, .most = 0xbf};
	if (first < 0x80)
		return true;
	if (first < 0xc2 || first > 0xf4)
		return false;
	lead->more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	if (first == 0xe0)
		lead->least = 0xa0;
	if (first == 0xed)
		lead->most = 0x9f;
	if (first == 0xf0)
		lead->least = 0x90;
	if (first == 0xf4)
		lead->most = 0x8f;
	return true;
}

size_t
utf8_character(struct slice text, unsigned *character)
{
	struct lead lead;
	if (text.len == 0 || !lead_of((unsigned char)text.data[0], &lead) || text.len <= lead.more)
		return 0;
	unsigned number = (unsigned char)text.data[0];
	if (lead.more > 0)
		number &= 0x3fu >> lead.more;
	for (size_t i = 1; i <= lead.more; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		if (byte < lead.least || byte > lead.most)
			return 0;
		number = number << 6 | (byte & 0x3f);
		lead.least = 0x80;
		lead.most = 0xbf;
	}
	*character = number;
	return 1 + lead.more;
}

bool
utf8_is_character(unsigned character)
{
	return character <= UTF8_CHARACTER_MOST && (character < 0xd800 || character > 0xdfff);
}

bool
utf8_append(struct str *into, unsigned character)
{
	static const unsigned char marks[] = {0x00, 0xc0, 0xe0, 0xf0}; /* of the first byte, by how many follow */
	char bytes[4];
	size_t more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
	if (!utf8_is_character(character))
		return false;
	for (size_t i = more; i > 0; i--, character >>= 6)
		bytes[i] = (char)(0x80 | (character & 0x3f));
	bytes[0] = (char)(marks[more] | character);
	return str_append(into, bytes, 1 + more);
}
