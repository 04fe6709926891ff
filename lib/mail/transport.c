#include "lib/mail/transport.h"

#include "lib/base/ascii.h"
#include "lib/base/cursor.h"

#define CODE_MOST 9 /* "5.123.456" */

static const struct {
	const char         *name;
	enum transport_kind kind;
} names[] = {
    {"smtp", TRANSPORT_REMOTE}, {"smtps", TRANSPORT_REMOTE}, {"relay", TRANSPORT_REMOTE}, {"lmtp", TRANSPORT_REMOTE},
    {"virtual", TRANSPORT_LOCAL}, {"local", TRANSPORT_LOCAL}, {"error", TRANSPORT_ERROR}, {"retry", TRANSPORT_ERROR},
    {"discard", TRANSPORT_DISCARD}, {"hold", TRANSPORT_HOLD},
};

/* The name, and what is behind its colon. Brackets before the colon: all is a hop. */
static struct slice
take_name(struct slice *rest)
{
	struct slice text = slice_trim(*rest), name = slice_of("");
	size_t colon = slice_find(text, ':');
	*rest = text;
	if (slice_starts(text, "["))
		return name;
	name = slice_first(text, colon);
	*rest = slice_trim(slice_from(text, colon + 1));
	return name;
}

static bool
is_port(struct slice text)
{
	struct cursor c = cursor_over(text);
	uint64_t port;
	return cursor_take(&c, ':') && cursor_take_number(&c, 65535, &port) && port > 0 && cursor_at_end(&c);
}

static bool
is_host(struct slice host)
{
	for (size_t i = 0; i < host.len; i++)
		if (slice_has(slice_of(" <>@/,\"[]"), host.data[i]))
			return false;
	return host.len > 0 && host.len <= 255 && !ascii_has_control(host);
}

bool
transport_is_hop(struct slice hop)
{
	bool brackets = slice_starts(hop, "[");
	size_t end = slice_find(hop, brackets ? ']' : ':');
	struct slice host = slice_first(hop, end), rest = slice_from(hop, brackets ? end + 1 : end);
	if (brackets && end == hop.len)
		return false;
	return is_host(brackets ? slice_from(host, 1) : host) && (rest.len == 0 || is_port(rest));
}

static bool
is_socket(struct slice hop)
{
	return slice_starts(hop, "unix:/") && !ascii_has_control(hop) && hop.len < 100;
}

static enum transport_kind
judge_hop(struct slice name, struct slice hop)
{
	bool lmtp = slice_is_nocase(name, "lmtp");
	if (hop.len == 0)
		return name.len == 0 ? TRANSPORT_DEFAULT : lmtp ? TRANSPORT_WRONG : TRANSPORT_REMOTE;
	if (lmtp && slice_starts_nocase(hop, "inet:"))
		hop = slice_from(hop, 5);
	return transport_is_hop(hop) || (lmtp && is_socket(hop)) ? TRANSPORT_REMOTE : TRANSPORT_WRONG;
}

enum transport_kind
transport_kind(struct slice text)
{
	struct slice rest = text, name = take_name(&rest);
	if (name.len == 0)
		return judge_hop(name, rest);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (slice_is_nocase(name, names[i].name))
			return names[i].kind == TRANSPORT_REMOTE ? judge_hop(name, rest) : names[i].kind;
	return TRANSPORT_UNKNOWN;
}

bool
transport_print(struct str *into, struct slice text)
{
	struct slice hop = text, name = take_name(&hop);
	str_append_slice(into, name.len > 0 && !slice_is_nocase(name, "relay") ? name : slice_of("smtp"));
	str_append_byte(into, ':');
	return str_append_slice(into, hop);
}

/* --- error and discard ------------------------------------------------------------- */

static bool
is_not_space(int byte)
{
	return byte != ' ' && byte != '\t';
}

/* "5.1.1" of the class that may be; the cursor is behind it then. */
static bool
take_code(struct cursor *c, const char *classes, struct slice *code)
{
	struct cursor at = *c;
	uint64_t number;
	*code = cursor_take_while(&at, is_not_space);
	struct cursor in = cursor_over(*code);
	int class = cursor_next(&in);
	bool ok = class != CURSOR_END && slice_has(slice_of(classes), (char)class) && cursor_take(&in, '.') &&
	    cursor_take_number(&in, 999, &number) && cursor_take(&in, '.') && cursor_take_number(&in, 999, &number) &&
	    cursor_at_end(&in) && code->len <= CODE_MOST;
	if (ok)
		*c = at;
	return ok;
}

struct outcome
transport_outcome(struct slice text)
{
	struct slice rest = text, name = take_name(&rest), code;
	bool discard = slice_is_nocase(name, "discard");
	struct cursor c = cursor_over(rest);
	char word[CODE_MOST + 1] = "5.0.0";
	if (discard || slice_is_nocase(name, "retry"))
		word[0] = discard ? '2' : '4';
	if (take_code(&c, discard ? "2" : "45", &code)) {
		for (size_t i = 0; i < code.len; i++)
			word[i] = code.data[i];
		word[code.len] = '\0';
	}
	cursor_skip_spaces(&c);
	struct slice why = c.rest.len > 0 ? c.rest :
	    slice_of(discard ? "thrown away, as the transport says" : "mail to this address is not taken, as the transport says");
	return outcome_make(word, "%.*s", (int)(why.len < 400 ? why.len : 400), why.data);
}
