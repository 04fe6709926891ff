#include "authd/home.h"

#include "authd/maildir.h"
#include "authd/query_quota.h"
#include "authd/rows.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/mail/address.h"

/* --- the Maildir ---------------------------------------------------------------------- */

/* An absolute path beneath the mail root is taken as one relative to it. */
static struct slice
beneath_root(struct slice maildir, struct slice root)
{
	while (root.len > 1 && root.data[root.len - 1] == '/')
		root.len--;
	if (maildir.len <= root.len || !slice_equal(slice_first(maildir, root.len), root) || maildir.data[root.len] != '/')
		return maildir;
	return slice_from(maildir, root.len + 1);
}

/* "maildir:PATH:OPTION=..." as Dovecot has it in a column `mail` or `userdb_mail`; else the column `home`. */
static struct slice
path_of(struct slice value)
{
	struct slice row, path;
	if (!rows_next(&value, &row))
		return value;
	if (!row_column(row, "mail", "mail", &path) && !row_column(row, "home", "", &path))
		return slice_of("");
	if (!slice_starts_nocase(path, "maildir:"))
		return path;
	path = slice_from(path, 8);
	return slice_first(path, slice_find(path, ':'));
}

/* %u user, %n its local part, %d its domain, %h what the table yielded. */
static void
append_pattern(struct str *into, const char *pattern, struct slice user, struct slice path)
{
	struct slice local, domain;
	address_split(user, &local, &domain);
	for (const char *c = pattern; *c != '\0'; c++) {
		if (*c != '%' || c[1] == '\0') {
			str_append_byte(into, *c);
			continue;
		}
		switch (*++c) {
		case 'u':
			str_append_slice(into, user);
			break;
		case 'n':
			str_append_slice(into, local);
			break;
		case 'd':
			str_append_slice(into, domain);
			break;
		case 'h':
			while (path.len > 1 && slice_ends(path, "/"))
				path.len--;
			str_append_slice(into, path);
			break;
		default:
			str_append_byte(into, *c);
		}
	}
}

static enum verdict
refuse(struct resolution *r, struct slice user, struct slice maildir)
{
	r->why = "the Maildir of the table is not beneath the mail root";
	log_error("maildir-refused", log_slice("user", user), log_slice("maildir", maildir), log_text("reason", r->why),
	    log_text("hint", "the mailbox query, or the setting mailbox_path, must yield a path such as example.org/alice/, relative to the"
	                     " setting mail_root or beneath it"));
	return VERDICT_LATER;
}

static enum verdict
put_maildir(struct resolution *r, struct slice user, struct slice value)
{
	struct str made = STR_MOST(MAP_VALUE_MOST);
	if (r->options->mailbox_path[0] != '\0')
		append_pattern(&made, r->options->mailbox_path, user, slice_trim(path_of(value)));
	else
		str_append_slice(&made, slice_trim(path_of(value)));
	struct slice maildir = beneath_root(str_slice(&made), slice_of(r->options->mail_root));
	if (slice_starts(maildir, "./"))
		maildir = slice_from(maildir, 2);
	enum verdict v = made.failed || !maildir_is_safe(maildir) ? refuse(r, user, maildir) : VERDICT_OK;
	if (v == VERDICT_OK) {
		str_append_slice(&r->fields, maildir);
		if (!slice_ends(maildir, "/"))
			str_append_byte(&r->fields, '/');
		str_append_byte(&r->fields, '\0');
	}
	str_free(&made);
	return v;
}

/* --- quotas ------------------------------------------------------------------------------ */

/* "10485760.00": what SQL makes of a DECIMAL that was multiplied. */
static struct slice
without_fraction(struct slice number)
{
	size_t dot = slice_find(number, '.');
	for (size_t i = dot + 1; i < number.len; i++)
		if (!ascii_is_digit((unsigned char)number.data[i]))
			return number;
	return dot > 0 ? slice_first(number, dot) : number;
}

/* "500MiB", "500MB", as people fill columns in. All units are of 1024. */
static struct slice
without_bytes(struct slice size)
{
	if (slice_ends(size, "iB"))
		return slice_first(size, size.len - 2);
	return slice_ends(size, "B") ? slice_first(size, size.len - 1) : size;
}

/* "1048576", "500M", "500MiB", "500M,1000", "1048576S,1000C" (Maildir++). False: it is none of these. */
static bool
parse_amounts(struct slice rest, uint64_t *bytes, uint64_t *messages)
{
	uint64_t *number = NULL;
	bool good = true;
	for (struct slice part; slice_split(&rest, ',', &part);) {
		part = slice_trim(part);
		number = slice_ends(part, "C") || number == bytes ? messages : bytes;
		if (slice_ends(part, "C") || slice_ends(part, "S"))
			part.len--;
		good = good && number_parse_size(without_fraction(without_bytes(part)), INT64_MAX, number);
	}
	return good;
}

/* As above, or Dovecot's "*:storage=5G:messages=1000"; zero, negative, Courier's NOQUOTA or nothing: no limit. */
static bool
parse_quota(struct slice value, uint64_t *bytes, uint64_t *messages)
{
	struct str rule = STR_MOST(MAP_KEY_MOST);
	value = slice_trim(value);
	*bytes = *messages = 0;
	if (slice_starts(value, "-") || slice_is(value, "NOQUOTA"))
		return true;
	if (query_quota_of_rule(value, &rule))
		value = str_slice(&rule);
	bool good = parse_amounts(value, bytes, messages);
	str_free(&rule);
	if (!good)
		*bytes = *messages = 0;
	return good;
}

/* A number of bytes of a map, 0 when there is none. */
static enum verdict
ask_bytes(struct resolution *r, enum map map, struct slice key, uint64_t *bytes, uint64_t *messages)
{
	struct slice value = slice_of("");
	enum verdict v = ask(r, map, key, &value);
	*bytes = *messages = 0;
	if (v == VERDICT_NO)
		return VERDICT_OK;
	if (v == VERDICT_OK && !parse_quota(value, bytes, messages))
		log_warning("quota-wrong", log_slice("key", key), log_slice("value", value),
		    log_text("hint", "the queries of quotas and of what is used must yield a number of bytes; going on without a limit"));
	return v;
}

enum verdict
home_put(struct resolution *r, struct slice user, struct slice value)
{
	uint64_t bytes, messages;
	enum verdict v = ask_bytes(r, MAP_QUOTA, user, &bytes, &messages);
	if (v != VERDICT_OK)
		return v;
	str_append_slice(&r->fields, user);
	str_append_byte(&r->fields, '\0');
	v = put_maildir(r, user, value);
	if (v != VERDICT_OK)
		return v;
	str_append_number(&r->fields, bytes);
	str_append_byte(&r->fields, '\0');
	str_append_number(&r->fields, messages);
	str_append_byte(&r->fields, '\0');
	return VERDICT_OK;
}

static bool
is_reached(uint64_t limit, uint64_t used)
{
	return limit > 0 && used >= limit;
}

/* What a table says is used, or what deliver and sessions have told, whichever is more. */
static enum verdict
user_is_full(struct resolution *r, struct slice user, bool *full)
{
	uint64_t bytes, messages, used, count;
	enum verdict v = ask_bytes(r, MAP_QUOTA, user, &bytes, &messages);
	if (v != VERDICT_OK || (bytes == 0 && messages == 0))
		return v;
	struct usage_record told = usage_find(r->options->usage, user);
	v = ask_bytes(r, MAP_USED, user, &used, &count);
	*full = is_reached(bytes, used > told.bytes ? used : told.bytes) || is_reached(messages, count > told.messages ? count : told.messages);
	return v;
}

enum verdict
home_put_domain(struct resolution *r, struct slice user)
{
	uint64_t limit, unused;
	struct slice local, domain;
	address_split(user, &local, &domain);
	enum verdict v = ask_bytes(r, MAP_DOMAIN_QUOTA, domain, &limit, &unused);
	if (v == VERDICT_OK && limit > 0) {
		str_append_number(&r->fields, limit);
		str_append_byte(&r->fields, '\0');
	}
	return v;
}

static enum verdict
domain_is_full(struct resolution *r, struct slice user, bool *full)
{
	uint64_t limit, used, unused;
	struct slice local, domain;
	address_split(user, &local, &domain);
	enum verdict v = ask_bytes(r, MAP_DOMAIN_QUOTA, domain, &limit, &unused);
	if (v != VERDICT_OK || limit == 0)
		return v;
	v = ask_bytes(r, MAP_DOMAIN_USED, domain, &used, &unused);
	uint64_t told = usage_of_domain(r->options->usage, domain);
	*full = *full || is_reached(limit, used > told ? used : told);
	return v;
}

enum verdict
home_is_full(struct resolution *r, struct slice user, bool *full)
{
	*full = false;
	enum verdict v = user_is_full(r, user, full);
	return v == VERDICT_OK && !*full ? domain_is_full(r, user, full) : v;
}

enum verdict
home_put_limit(struct resolution *r, struct slice user)
{
	uint64_t bytes, unused;
	enum verdict v = ask_bytes(r, MAP_MESSAGE_SIZE, user, &bytes, &unused);
	if (v != VERDICT_OK)
		return v;
	if (bytes == 0)
		return VERDICT_OK;
	str_append_number(&r->fields, bytes);
	str_append_byte(&r->fields, '\0');
	return VERDICT_OK;
}
