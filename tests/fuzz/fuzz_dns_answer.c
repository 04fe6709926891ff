/* A name server's answer to a question for MX, A, AAAA, CNAME or TXT: no record or name reaches beyond it, and hosts are fit for a log line. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_host(struct slice answer, size_t at)
{
	char host[DNS_NAME_MOST + 1];
	if (!dns_read_name(answer, &at, host))
		return;
	assert(at <= answer.len && strlen(host) <= DNS_NAME_MOST);
	for (const char *c = host; *c != '\0'; c++)
		assert(*c > ' ' && *c < 0x7f);
}

static void
check_text(struct slice data)
{
	static struct dns_txt t;
	if (dns_read_txt(data, &t))
		assert(t.len <= sizeof t.text && t.len <= data.len);
}

static void
check(struct slice answer, enum dns_type type)
{
	struct dns_record records[DNS_RECORDS_MOST];
	size_t count;
	if (dns_read_answer(answer, type, records, &count) != DNS_FOUND)
		return;
	assert(count > 0 && count <= DNS_RECORDS_MOST && answer.len >= 12);
	for (size_t i = 0; i < count; i++) {
		assert(records[i].offset + records[i].data.len <= answer.len);
		assert(records[i].data.data == answer.data + records[i].offset);
		check_host(answer, records[i].offset + 2);
		check_text(records[i].data);
	}
	dns_is_cut(answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice answer = slice_make((const char *)data, size);
	unsigned char query[DNS_QUERY_MOST];
	size_t len = dns_build_query(query, 7, "mx.test", DNS_TYPE_MX);
	dns_is_answer(slice_make((char *)query, len), answer);
	check(answer, DNS_TYPE_MX);
	check(answer, DNS_TYPE_A);
	check(answer, DNS_TYPE_AAAA);
	check(answer, DNS_TYPE_CNAME);
	check(answer, DNS_TYPE_TXT);
	return 0;
}
