#include "queue/sendmail_options.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/slice.h"

enum value {
	WITHOUT_VALUE,
	WITH_VALUE,     /* attached, or the next word */
	VALUE_ATTACHED, /* attached, or none */
};

/* False: the value is wrong. */
typedef bool take(struct sendmail_options *o, const char *value);

static bool
wrong(struct sendmail_options *o, const char *problem, const char *about)
{
	o->problem = problem;
	snprintf(o->about, sizeof o->about, "%s", about);
	return false;
}

/* --- modes -------------------------------------------------------------------------------------- */

static bool
take_mode(struct sendmail_options *o, const char *value)
{
	static const struct {
		char               letter;
		enum sendmail_mode mode;
	} modes[] = {{'m', MODE_SEND}, {'s', MODE_SMTP}, {'p', MODE_LIST}, {'v', MODE_VERIFY}, {'i', MODE_ALIASES}};
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (value[0] == modes[i].letter && value[1] == '\0') {
			o->mode = modes[i].mode;
			return true;
		}
	if (strcmp(value, "d") == 0 || strcmp(value, "D") == 0 || strcmp(value, "l") == 0)
		return wrong(o, "no daemon is started here: a supervisor runs postern-queued and postern-smtpd", "-bd");
	return wrong(o, "this mode is not served", value);
}

static bool
take_init(struct sendmail_options *o, const char *value)
{
	(void)value;
	o->mode = MODE_ALIASES;
	return true;
}

/* -q, -q30m, -qIID, -qRDOMAIN, -qSSENDER-DOMAIN */
static bool
take_queue(struct sendmail_options *o, const char *value)
{
	o->mode = value[0] >= '0' && value[0] <= '9' ? MODE_NOTHING : MODE_FLUSH;
	if (value[0] == 'I')
		o->flush_id = value + 1;
	else if (value[0] == 'R')
		o->flush_domain = value + 1;
	else if (value[0] != '\0' && o->mode == MODE_FLUSH)
		return wrong(o, "the queue is not run by this", value);
	return true;
}

/* --- the message ------------------------------------------------------------------------------------ */

static bool
take_sender(struct sendmail_options *o, const char *value)
{
	o->sender = value;
	return true;
}

static bool
take_name(struct sendmail_options *o, const char *value)
{
	o->full_name = value;
	return true;
}

static bool
take_body(struct sendmail_options *o, const char *value)
{
	struct slice type = slice_of(value);
	if (slice_is_nocase(type, "8BITMIME"))
		o->eight_bit = true;
	else if (!slice_is_nocase(type, "7BIT"))
		return wrong(o, "the type of a body is 7BIT or 8BITMIME", value);
	return true;
}

/* RFC 3461 section 4.1: never, or some of the others, in any order. */
static bool
take_notify(struct sendmail_options *o, const char *value)
{
	static const char *const events[] = {"SUCCESS", "FAILURE", "DELAY"};
	struct slice rest = slice_of(value), word;
	unsigned seen = 0;
	while (!slice_is_nocase(slice_of(value), "NEVER") && slice_split(&rest, ',', &word)) {
		unsigned before = seen;
		for (size_t i = 0; i < 3; i++)
			if (slice_is_nocase(slice_trim(word), events[i]))
				seen |= 1u << i;
		if (seen == before)
			return wrong(o, "notifications are never, or some of success,failure,delay", value);
	}
	strcpy(o->notify, seen == 0 ? "NEVER" : "");
	for (size_t i = 0; i < 3; i++)
		if (seen & 1u << i) {
			strcat(o->notify, o->notify[0] != '\0' ? "," : "");
			strcat(o->notify, events[i]);
		}
	return value[0] != '\0' || wrong(o, "notifications are never, or some of success,failure,delay", value);
}

static bool
take_return(struct sendmail_options *o, const char *value)
{
	o->ret = slice_is_nocase(slice_of(value), "FULL") ? "FULL" : slice_is_nocase(slice_of(value), "HDRS") ? "HDRS" : NULL;
	return o->ret != NULL || wrong(o, "what a notification returns is full or hdrs", value);
}

/* A text, sent as xtext (RFC 3461 section 4). */
static bool
take_envid(struct sendmail_options *o, const char *value)
{
	size_t len = 0;
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		bool plain = c > ' ' && c <= '~' && c != '+' && c != '=';
		if (len + (plain ? 1 : 3) >= sizeof o->envid)
			return wrong(o, "the id of an envelope has at most 100 characters", "-V");
		len += (size_t)snprintf(o->envid + len, sizeof o->envid - len, plain ? "%c" : "+%02X", c);
	}
	return true;
}

/* -oi; the others of the old one-letter settings change nothing here. */
static bool
take_old(struct sendmail_options *o, const char *value)
{
	o->ignore_dots = o->ignore_dots || strcmp(value, "i") == 0;
	return true;
}

static bool
take_long(struct sendmail_options *o, const char *value)
{
	struct slice rest = slice_of(value), name;
	if (slice_split(&rest, '=', &name) && slice_is_nocase(name, "IgnoreDots"))
		o->ignore_dots = rest.len == 0 || ascii_lower(rest.data[0]) == 't' || ascii_lower(rest.data[0]) == 'y';
	return true;
}

/* --- flags ---------------------------------------------------------------------------------------------- */

static bool
take_from_header(struct sendmail_options *o, const char *value)
{
	(void)value;
	return o->from_header = true;
}

static bool
take_ignore_dots(struct sendmail_options *o, const char *value)
{
	(void)value;
	return o->ignore_dots = true;
}

static bool
take_gateway(struct sendmail_options *o, const char *value)
{
	(void)value;
	return o->gateway = true;
}

static bool
take_verbose(struct sendmail_options *o, const char *value)
{
	(void)value;
	return o->verbose = true;
}

static const struct option {
	char       letter;
	enum value value;
	take      *take; /* NULL: it changes nothing here */
} options[] = {
    {'t', WITHOUT_VALUE, take_from_header}, {'i', WITHOUT_VALUE, take_ignore_dots}, {'G', WITHOUT_VALUE, take_gateway},
    {'v', WITHOUT_VALUE, take_verbose}, {'I', WITHOUT_VALUE, take_init}, {'f', WITH_VALUE, take_sender}, {'r', WITH_VALUE, take_sender},
    {'F', WITH_VALUE, take_name}, {'b', WITH_VALUE, take_mode}, {'B', WITH_VALUE, take_body}, {'N', WITH_VALUE, take_notify},
    {'R', WITH_VALUE, take_return}, {'V', WITH_VALUE, take_envid}, {'o', WITH_VALUE, take_old}, {'O', WITH_VALUE, take_long},
    {'q', VALUE_ATTACHED, take_queue}, {'U', WITHOUT_VALUE, NULL}, {'m', WITHOUT_VALUE, NULL}, {'n', WITHOUT_VALUE, NULL}, {'c', WITHOUT_VALUE, NULL},
    {'x', WITHOUT_VALUE, NULL}, {'A', WITH_VALUE, NULL}, {'C', WITH_VALUE, NULL}, {'L', WITH_VALUE, NULL}, {'X', WITH_VALUE, NULL},
    {'e', WITH_VALUE, NULL}, {'h', WITH_VALUE, NULL}, {'p', WITH_VALUE, NULL}, {'d', VALUE_ATTACHED, NULL},
};

/* --- words -------------------------------------------------------------------------------------------------- */

static const struct option *
find(char letter)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}

/* One word of letters; the last one's value may be the next word: *i is moved then. */
static bool
read_word(struct sendmail_options *o, int argc, char **argv, int *i)
{
	for (const char *at = argv[*i] + 1; *at != '\0'; at++) {
		const struct option *option = find(*at);
		const char *value = "";
		bool last = option != NULL && option->value != WITHOUT_VALUE;
		if (option == NULL)
			return wrong(o, "unknown option", argv[*i]);
		if (last && at[1] != '\0')
			value = at + 1;
		else if (option->value == WITH_VALUE && *i + 1 >= argc)
			return wrong(o, "this option needs a value", argv[*i]);
		else if (option->value == WITH_VALUE)
			value = argv[++*i];
		if (option->take != NULL && !option->take(o, value))
			return false;
		if (last)
			return true;
	}
	return true;
}

static enum sendmail_mode
mode_of_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	if (strcmp(name, "mailq") == 0)
		return MODE_LIST;
	return strcmp(name, "newaliases") == 0 ? MODE_ALIASES : MODE_SEND;
}

int
sendmail_options_read(struct sendmail_options *o, int argc, char **argv, int first)
{
	*o = (struct sendmail_options){.mode = argc > 0 ? mode_of_name(argv[0]) : MODE_SEND};
	int i = first;
	for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (!read_word(o, argc, argv, &i))
			return -1;
	}
	return i;
}
