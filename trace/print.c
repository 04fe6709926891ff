#include "trace/print.h"

#include <stdio.h>

void
print_clean(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		putchar(s.data[i] >= ' ' && s.data[i] <= '~' ? s.data[i] : '?');
}
