#include "queue/checksum.h"

#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* CRC-32C, bits reversed */

/* tables[k][b]: the effect of byte b that is followed by k more; eight bytes a step. */
static uint32_t tables[8][256];
static bool     tables_made;

static void
make_tables(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t sum = b;
		for (int bit = 0; bit < 8; bit++)
			sum = sum & 1 ? sum >> 1 ^ POLYNOMIAL : sum >> 1;
		tables[0][b] = sum;
	}
	for (uint32_t b = 0; b < 256; b++)
		for (int k = 1; k < 8; k++)
			tables[k][b] = tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 255];
	tables_made = true;
}

static uint32_t
add_eight(uint32_t sum, const unsigned char *p)
{
	sum ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	return tables[7][sum & 255] ^ tables[6][sum >> 8 & 255] ^ tables[5][sum >> 16 & 255] ^ tables[4][sum >> 24] ^
	    tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^ tables[0][p[7]];
}

uint32_t
checksum_add(uint32_t before, const void *bytes, size_t len)
{
	if (!tables_made)
		make_tables();
	uint32_t sum = ~before;
	const unsigned char *p = bytes;
	for (; len >= 8; len -= 8, p += 8)
		sum = add_eight(sum, p);
	for (; len > 0; len--, p++)
		sum = sum >> 8 ^ tables[0][(sum ^ *p) & 255];
	return ~sum;
}
