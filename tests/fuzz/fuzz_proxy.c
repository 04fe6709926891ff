/* PROXY headers: what is whole stays what it is however it is cut, and no byte behind a header counts. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/front/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_client(const struct proxy_header *h)
{
	assert(h->client.len == 4 || h->client.len == 16);
	assert(h->server.len == 4 || h->server.len == 16);
}

/* Each beginning of a header wants more: proxy_take() takes all that it saw then. */
static void
check_beginnings(struct slice header)
{
	struct proxy_header h;
	for (size_t len = 0; len < header.len; len++)
		assert(proxy_parse(slice_first(header, len), &h) == PROXY_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header h, again;
	struct slice bytes = slice_make((const char *)data, size);
	enum proxy_result r = proxy_parse(bytes, &h);
	if (r == PROXY_WRONG)
		assert(h.problem[0] != '\0');
	if (r == PROXY_MORE)
		assert(size < PROXY_HEADER_MOST);
	if (r != PROXY_CLIENT && r != PROXY_LOCAL)
		return 0;
	assert(h.len > 0 && h.len <= size && h.len <= PROXY_HEADER_MOST);
	assert(proxy_parse(slice_first(bytes, h.len), &again) == r && again.len == h.len);
	assert(memcmp(&again.client, &h.client, sizeof h.client) == 0);
	check_beginnings(slice_first(bytes, h.len));
	if (r == PROXY_CLIENT)
		check_client(&h);
	return 0;
}
