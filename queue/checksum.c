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

static uint32_t
by_tables(uint32_t sum, const unsigned char *p, size_t len)
{
	if (!tables_made)
		make_tables();
	for (; len >= 8; len -= 8, p += 8)
		sum = add_eight(sum, p);
	for (; len > 0; len--, p++)
		sum = sum >> 8 ^ tables[0][(sum ^ *p) & 255];
	return sum;
}

#ifdef __x86_64__
/* SSE 4.2 has an instruction for this very sum, five times as fast. */
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t sum, const unsigned char *p, size_t len)
{
	uint64_t wide = sum;
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;
		memcpy(&word, p, sizeof word);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	sum = (uint32_t)wide;
	for (; len > 0; len--, p++)
		sum = __builtin_ia32_crc32qi(sum, *p);
	return sum;
}
#endif

uint32_t
checksum_add(uint32_t before, const void *bytes, size_t len)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(~before, bytes, len);
#endif
	return checksum_add_by_tables(before, bytes, len);
}

uint32_t
checksum_add_by_tables(uint32_t before, const void *bytes, size_t len)
{
	return ~by_tables(~before, bytes, len);
}
