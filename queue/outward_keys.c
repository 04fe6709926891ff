#include "queue/outward_keys.h"

#include <string.h>

#include "queue/report.h"

#define VALUE_MOST  1024 /* as it stands in the file */
#define NOTIFY_MOST 64

/* Appends "key=value", the value as it was before the file escaped it; nothing when it is absent or odd. */
static void
add(struct str *into, const char *key, struct slice escaped, size_t most)
{
	char value[VALUE_MOST];
	size_t len = escaped.len;
	if (len == 0 || len > sizeof value)
		return;
	memcpy(value, escaped.data, len);
	if (!queue_file_unescape(value, &len) || into->len + strlen(key) + len + 2 > most)
		return;
	if (slice_has(slice_make(value, len), ' '))
		return; /* it would be two */
	str_append_format(into, "%s%s=", into->len > 0 ? " " : "", key);
	str_append(into, value, len);
}

void
outward_message_keys(struct str *into, const struct queue_file *f)
{
	static const char *const keys[] = {"body", "smtputf8", "ret", "envid", "requiretls"};
	struct slice value;
	str_clear(into);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (queue_file_with(f, keys[i], &value))
			add(into, keys[i], value, into->limit);
}

/* xtext: RFC 3461 section 4. */
static void
add_xtext(struct str *into, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c > ' ' && c <= '~' && c != '+' && c != '=')
			str_append_byte(into, (char)c);
		else
			str_append_format(into, "+%02X", c);
	}
}

/* RFC 3461 section 5.2.1. An address in UTF-8 would be of another type, which is for who knows it to write. */
static void
add_own_orcpt(struct str *into, struct slice address)
{
	for (size_t i = 0; i < address.len; i++)
		if ((unsigned char)address.data[i] >= 0x80)
			return;
	size_t before = into->len;
	str_append_text(into, before > 0 ? " orcpt=rfc822;" : "orcpt=rfc822;");
	add_xtext(into, address);
	if (into->len > OUTWARD_KEYS_MOST)
		str_truncate(into, before);
}

size_t
outward_keys_room(const struct queue_file *f, const struct file_recipient *r)
{
	/* As they are written, or an ORCPT of ours. */
	const struct file_recipient *original = queue_file_original(f, r);
	size_t room = original->keys.len + 3 * original->address.len + 64;
	return room < OUTWARD_KEYS_MOST ? room : OUTWARD_KEYS_MOST;
}

void
outward_recipient_keys(struct str *into, const struct queue_file *f, const struct file_recipient *r)
{
	const struct file_recipient *original = queue_file_original(f, r);
	struct slice value;
	struct str notify = STR_MOST(NOTIFY_MOST);
	report_notify(&notify, f, r);
	str_clear(into);
	add(into, "notify", str_slice(&notify), OUTWARD_KEYS_MOST);
	str_free(&notify);
	if (queue_file_recipient_key(original, "orcpt", &value))
		add(into, "orcpt", value, OUTWARD_KEYS_MOST);
	else
		add_own_orcpt(into, original->address);
}
