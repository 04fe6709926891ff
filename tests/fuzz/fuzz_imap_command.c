/* sources: imapd */
/*
 * IMAP commands from the wire on: gathering with literals, then the parsers of
 * every argument. What they take must lie within the command or scratch memory.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "imapd/find.h"
#include "imapd/gather.h"
#include "imapd/imap_url.h"
#include "imapd/namespace.h"
#include "imapd/notify.h"
#include "imapd/parse_fetch.h"
#include "imapd/parse_list.h"
#include "imapd/parse_metadata.h"
#include "imapd/parse_sort.h"
#include "imapd/parse_select.h"
#include "imapd/pattern.h"
#include "imapd/search_result.h"
#include "imapd/session.h"
#include "imapd/special_use.h"
#include "lib/store/utf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMAND_MOST 8192

static struct input   in;
static struct output  out;
static struct scratch scratch = {.limit = 1 << 20};

static volatile unsigned sum;

static void
touch(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		sum += (unsigned char)text.data[i];
}

static void
try_partial(const struct partial *partial)
{
	size_t from, to;
	partial_of_count(partial, 50, &from, &to);
	if (from > to || to > 50)
		abort();
}

static void
try_fetch(struct parser p)
{
	struct sequence_set set;
	struct fetch_item *item;
	if (!parse_sequence_set(&p, &set) || !parse_space(&p) || !parse_fetch_items(&p, &item))
		return;
	struct fetch_modifiers modifiers;
	if (parse_fetch_modifiers(&p, &modifiers) && modifiers.partial)
		try_partial(&modifiers.part);
	sequence_resolve(&set, 100);
	for (size_t i = 1; i < set.count; i++)
		if (set.ranges[i].first <= set.ranges[i - 1].last)
			abort();
	for (; item != NULL; item = item->next) {
		touch(item->section.part);
		for (size_t i = 0; i < item->section.count; i++)
			touch(item->section.names[i]);
	}
}

static void
walk(const struct search_key *key)
{
	for (; key != NULL; key = key->next) {
		touch(key->name);
		if (key->needle != NULL)
			needle_in(key->needle, slice_of("some text to look in"));
		walk(key->child);
	}
}

static void
try_search(struct parser p)
{
	struct search_key *program;
	struct search_return r;
	const struct charset *charset;
	bool modseq;
	charset_open();
	if (!parse_search_return(&p, &r) || !parse_search_charset(&p, &charset) || !parse_search(&p, charset, &program, &modseq))
		return;
	if (r.partial && (r.part.first == 0 || r.part.first > r.part.last))
		abort();
	walk(program);
	search_cheap_first(program);
	walk(program);
}

static void
try_sort(struct parser p)
{
	struct sort_criteria criteria;
	if (parse_sort(&p, &criteria) && (criteria.count == 0 || criteria.count > SORT_MOST))
		abort();
}

static void
try_list(struct parser p)
{
	struct list_request r = {.count = 0};
	/* It takes the space before its arguments. */
	p.c.rest = slice_make(p.c.rest.data - 1, p.c.rest.len + 1);
	if (!parse_list(&p, &r))
		return;
	touch(r.reference);
	for (size_t i = 0; i < r.count; i++) {
		pattern_matches(r.patterns[i], r.reference);
		pattern_matches(r.patterns[i], slice_of("INBOX"));
	}
}

static void
try_metadata(struct parser p)
{
	struct metadata_request r;
	struct metadata_change *changes;
	struct slice mailbox;
	size_t count;
	p.c.rest = slice_make(p.c.rest.data - 1, p.c.rest.len + 1);
	struct parser q = p;
	if (parse_getmetadata(&p, &r)) {
		touch(r.mailbox);
		for (size_t i = 0; i < r.names.count; i++)
			if (r.names.names[i].name.len > 0 && !metadata_name_ok(r.names.names[i].name))
				abort();
	}
	if (!parse_setmetadata(&q, &mailbox, &changes, &count))
		return;
	touch(mailbox);
	for (size_t i = 0; i < count; i++) {
		touch(changes[i].value);
		if (!metadata_name_ok(changes[i].name))
			abort();
	}
}

static void
try_select(struct parser p)
{
	struct slice name;
	struct select_parameters s;
	if (!parse_astring(&p, &name) || !parse_select_parameters(&p, &s) || !s.qresync)
		return;
	const struct sequence_set *sets[] = {&s.known, &s.numbers, &s.uids};
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < sets[i]->count; k++)
			if (sets[i]->ranges[k].first == SEQUENCE_STAR || sets[i]->ranges[k].first > sets[i]->ranges[k].last)
				abort();
}

/* The whole of it is taken for an URL as well. */
static void
try_url(struct slice text)
{
	struct imap_url u;
	char *shown = imap_url_shown(text, &scratch);
	for (; shown != NULL && *shown != '\0'; shown++)
		if (*shown <= ' ' || *shown == ']' || *shown == '"' || (*shown & 0x80))
			abort();
	if (!imap_url_parse(&u, text, &scratch))
		return;
	if (u.uid == 0 || slice_has(u.mailbox, '/') || slice_has(u.mailbox, '\0') || (u.partial && u.length == 0))
		abort();
	touch(u.mailbox);
	touch(u.section.part);
	for (size_t i = 0; i < u.section.count; i++)
		touch(u.section.names[i]);
}

/* A name in UTF-8 is one in modified UTF-7, and comes back. */
static void
try_name(struct parser p)
{
	struct slice raw, name;
	struct parser again = p;
	p.utf8 = true;
	if (!parse_astring(&again, &raw) || !namespace_take(&p, &name))
		return;
	struct str back = STR_MOST(name.len * UTF7_GROWTH + 8);
	if (!utf7_ok(name) || !utf7_to_utf8(&back, name) || !slice_equal(str_slice(&back), raw))
		abort();
	namespace_may_be_made(true, name);
	namespace_matches(true, raw, name);
	namespace_write(&out, true, name);
	str_free(&back);
}

/* The file of uses, which anybody may have written. */
static void
try_uses(struct slice text)
{
	struct uses uses = {.text = (char *)(uintptr_t)text.data, .len = text.len};
	const char *list[SPECIAL_USES];
	if (special_use_list(&uses, slice_of("Sent"), list) > SPECIAL_USES)
		abort();
}

static void
try_store(struct parser p)
{
	struct slice flags[10];
	size_t count;
	struct date date;
	int64_t day;
	struct parser q = p;
	if (parse_flag_list(&p, true, flags, 10, &count))
		for (size_t i = 0; i < count; i++)
			touch(flags[i]);
	parse_date_time(&q, &date);
	parse_date(&q, &day);
}

static void
try_notify(struct parser p)
{
	struct notify_request r;
	p.c.rest = slice_make(p.c.rest.data - 1, p.c.rest.len + 1);
	if (!parse_notify(&p, &r))
		return;
	for (size_t i = 0; i < r.count; i++)
		for (size_t k = 0; k < r.groups[i].count; k++)
			touch(r.groups[i].names[k]);
	for (const struct fetch_item *item = r.items; item != NULL; item = item->next)
		touch(item->section.part);
}

static void
try_all(struct slice command)
{
	struct slice word;
	struct parser p = parser_over(command, &scratch);
	session_streams(command);
	session_streams_on(command);
	try_url(command);
	if (!parse_tag(&p, &word) || !parse_space(&p) || !parse_atom(&p, &word))
		return;
	touch(word);
	if (!parse_space(&p))
		return;
	try_fetch(p);
	try_search(p);
	try_sort(p);
	try_list(p);
	try_metadata(p);
	try_select(p);
	try_name(p);
	try_uses(p.c.rest);
	try_store(p);
	try_notify(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fds[2];
	if (size > 60000 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return 0;
	bool sent = write(fds[0], data, size) == (ssize_t)size;
	shutdown(fds[0], SHUT_WR);
	input_open(&in, fds[1], 1000);
	output_open(&out, open("/dev/null", O_WRONLY | O_CLOEXEC), 1000);
	struct gather g = {.in = &in, .out = &out, .text = STR_MOST(COMMAND_MOST), .literal_most = 1000, .streams = session_streams, .streams_on = session_streams_on};
	for (enum gather_result r = GATHER_OK; sent && r <= GATHER_TOO_BIG;) {
		r = gather_command(&g);
		if (g.text.len > COMMAND_MOST)
			abort();
		if (r == GATHER_OK)
			try_all(str_slice(&g.text));
		scratch_clear(&scratch);
	}
	str_free(&g.text);
	close(out.fd);
	close(fds[0]);
	close(fds[1]);
	return 0;
}
