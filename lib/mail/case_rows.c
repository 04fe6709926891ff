#include "lib/mail/case_rows.h"

unsigned
case_map(const struct case_row *rows, size_t count, unsigned character)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (character > rows[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count || character < rows[low].first || (character - rows[low].first) % (unsigned)rows[low].step != 0)
		return character;
	return (unsigned)((int)character + rows[low].away);
}
