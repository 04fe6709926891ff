#include "queue/sendmail_text.h"

static void
end_line(struct text *t, struct str *into)
{
	if (t->dot) {
		t->ended = true;
		t->dot = false;
	} else {
		str_append(into, "\r\n", 2);
	}
	t->in_line = t->cr = false;
}

static void
give_dot(struct text *t, struct str *into)
{
	if (t->dot)
		str_append_byte(into, '.');
	t->dot = false;
}

static void
add_byte(struct text *t, struct str *into, char c)
{
	if (c == '\n') {
		end_line(t, into);
		return;
	}
	if (t->cr)
		end_line(t, into);
	if (t->ended)
		return;
	if (c == '\r') {
		t->cr = true;
		return;
	}
	give_dot(t, into);
	if (c == '.' && !t->in_line && t->dot_ends)
		t->dot = true;
	else
		str_append_byte(into, c);
	t->in_line = true;
}

bool
text_add(struct text *t, struct str *into, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len && !t->ended; i++)
		add_byte(t, into, bytes.data[i]);
	return !into->failed;
}

bool
text_end(struct text *t, struct str *into)
{
	if (!t->ended && (t->in_line || t->cr))
		end_line(t, into);
	return !into->failed;
}
