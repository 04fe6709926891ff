#include "lib/store/quota_rules.h"

#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/store/folders.h"

static bool
wrong(const char *setting, struct slice text, const char *hint)
{
	log_error("setting-wrong", log_text("setting", setting), log_slice("value", text), log_text("hint", hint));
	return false;
}

/* "100M", "10%" */
static bool
parse_part(struct slice text, struct quota_part *p)
{
	p->percent = slice_ends(text, "%");
	if (p->percent)
		return number_parse(slice_first(text, text.len - 1), 1000, &p->amount);
	return number_parse_size(text, INT64_MAX, &p->amount);
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool
next_word(struct slice *rest, struct slice *word)
{
	size_t len = 0;
	while (rest->len > 0 && is_blank(rest->data[0]))
		*rest = slice_from(*rest, 1);
	while (len < rest->len && !is_blank(rest->data[len]))
		len++;
	*word = slice_first(*rest, len);
	*rest = slice_from(*rest, len);
	return len > 0;
}

/* "uncounted", "+100M", "+10%,500" */
static bool
parse_exception(struct slice text, struct quota_folder *f)
{
	struct slice bytes;
	f->uncounted = slice_is(text, "uncounted");
	if (f->uncounted)
		return true;
	if (!slice_starts(text, "+"))
		return false;
	text = slice_from(text, 1);
	return slice_split(&text, ',', &bytes) && parse_part(bytes, &f->bytes) &&
	    (text.len == 0 || number_parse(text, INT64_MAX, &f->messages));
}

static bool
parse_folder(struct slice line, struct quota_folder *f)
{
	struct slice rest = line, what;
	*f = (struct quota_folder){.uncounted = false};
	return next_word(&rest, &f->name) && next_word(&rest, &what) && slice_trim(rest).len == 0 &&
	    (folders_is_inbox(f->name) || folders_name_ok(f->name)) && parse_exception(what, f);
}

static bool
read_folders(struct quota_rules *r)
{
	struct slice rest = slice_of(r->folders_text), line;
	for (r->count = 0; slice_split(&rest, '\n', &line);) {
		if (slice_trim(line).len == 0 || slice_starts(slice_trim(line), "#"))
			continue;
		if (r->count == QUOTA_FOLDERS_MOST || !parse_folder(line, &r->folders[r->count]))
			return wrong("quota_folders", line, "at most 32 lines such as: Trash uncounted, or: Spam +100M, or: Archive +10%,500");
		r->count++;
	}
	return true;
}

static bool
read_warnings(struct quota_rules *r)
{
	struct slice rest = slice_of(r->warnings_text), word;
	r->warning_count = 0;
	while (next_word(&rest, &word)) {
		uint64_t percent, last = r->warning_count > 0 ? r->warnings[r->warning_count - 1] : 0;
		if (r->warning_count == QUOTA_WARNINGS_MOST || !number_parse(word, 1000, &percent) || percent <= last)
			return wrong("quota_warnings", slice_of(r->warnings_text), "write percentages, the lowest first: 80 95");
		r->warnings[r->warning_count++] = (unsigned)percent;
	}
	return true;
}

bool
quota_rules_read(struct quota_rules *r)
{
	r->grace = (struct quota_part){.amount = 0};
	if (r->grace_text != NULL && !parse_part(slice_of(r->grace_text), &r->grace))
		return wrong("quota_grace", slice_of(r->grace_text), "write a size such as 1M, or a part of the limit such as 10%");
	return read_folders(r) && read_warnings(r);
}

const struct quota_folder *
quota_rules_of(const struct quota_rules *r, struct slice folder)
{
	for (size_t i = 0; i < r->count; i++) {
		struct slice name = r->folders[i].name;
		if (folders_is_inbox(name) ? folders_is_inbox(folder) : slice_equal(folder, name))
			return &r->folders[i];
		if (folder.len > name.len && folder.data[name.len] == '.' && slice_equal(slice_first(folder, name.len), name))
			return &r->folders[i];
	}
	return NULL;
}

bool
quota_rules_count(const struct quota_rules *r, struct slice folder)
{
	const struct quota_folder *f = quota_rules_of(r, folder);
	return f == NULL || !f->uncounted;
}

static uint64_t
percent_of(uint64_t percent, uint64_t limit)
{
	uint64_t whole;
	if (__builtin_mul_overflow(limit / 100, percent, &whole))
		return UINT64_MAX;
	return whole + limit % 100 * percent / 100;
}

uint64_t
quota_part_of(const struct quota_part *p, uint64_t limit)
{
	return p->percent ? percent_of(p->amount, limit) : p->amount;
}

unsigned
quota_rules_level(const struct quota_rules *r, struct quota_amount used, struct quota_amount limits)
{
	for (size_t i = r->warning_count; i > 0; i--) {
		unsigned percent = r->warnings[i - 1];
		if (limits.bytes > 0 && used.bytes >= percent_of(percent, limits.bytes))
			return percent;
		if (limits.messages > 0 && used.messages >= percent_of(percent, limits.messages))
			return percent;
	}
	return 0;
}
