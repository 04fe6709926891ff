#include "lib/mail/imap_reply.h"

#include <string.h>

#define QUOTED_MOST 1000

static bool
may_be_quoted(struct slice text)
{
	if (text.len > QUOTED_MOST)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c < 0x20 || c >= 0x7f)
			return false;
	}
	return true;
}

static void
write_quoted(struct output *out, struct slice text)
{
	output_write(out, "\"", 1);
	for (;;) {
		size_t plain = 0;
		while (plain < text.len && text.data[plain] != '"' && text.data[plain] != '\\')
			plain++;
		output_write(out, text.data, plain);
		if (plain == text.len)
			break;
		output_write(out, "\\", 1);
		output_write(out, text.data + plain, 1);
		text = slice_from(text, plain + 1);
	}
	output_write(out, "\"", 1);
}

void
reply_string(struct output *out, struct slice text)
{
	if (may_be_quoted(text)) {
		write_quoted(out, text);
		return;
	}
	output_format(out, "{%zu}\r\n", text.len);
	output_slice(out, text);
}

void
reply_nstring(struct output *out, struct slice text)
{
	if (text.data == NULL)
		output_text(out, "NIL");
	else
		reply_string(out, text);
}

void
reply_header_value(struct output *out, struct slice value)
{
	struct str line = STR_MOST(1 << 20);
	if (value.data != NULL && header_unfold(&line, value))
		reply_string(out, str_slice(&line));
	else
		output_text(out, "NIL");
	reply_incomplete(out, line.failed);
	str_free(&line);
}

void
reply_incomplete(struct output *out, bool incomplete)
{
	out->failed = out->failed || (incomplete && out->into != NULL);
}

static bool
is_plain_atom(struct slice name)
{
	bool atom = name.len > 0 && !slice_is_nocase(name, "NIL");
	for (size_t i = 0; atom && i < name.len; i++)
		atom = ascii_is_alnum((unsigned char)name.data[i]) || memchr("._-+&,", name.data[i], 6) != NULL;
	return atom;
}

void
reply_astring(struct output *out, struct slice name)
{
	if (is_plain_atom(name))
		output_slice(out, name);
	else
		reply_string(out, name);
}

void
reply_utf8_astring(struct output *out, struct slice name)
{
	if (is_plain_atom(name))
		output_slice(out, name);
	else
		write_quoted(out, name);
}
