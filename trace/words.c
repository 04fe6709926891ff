#include "trace/words.h"

#include <stdio.h>

#include "trace/print.h"

/*
 * {key} is the value of that field, all of them with commas between when there
 * are several. What stands in [] is left out when one of its fields is not there.
 */
static const struct {
	const char *event, *words;
} table[] = {
	{"connect", "client {client} connected[, its name is {name}][, over {tls}][, with the certificate of {certificate}][, it may relay: {relay}]"},
	{"tls", "{version} with {cipher}[, asked for {name}][, with the certificate of {certificate}]"},
	{"tls-failed", "no TLS: {reason}"},
	{"login", "{user} logged in[ by {mechanism}]"},
	{"login-refused", "login refused[ by {mechanism}]: {reason}"},
	{"login-later", "login could not be decided[ by {mechanism}]: {reason}"},
	{"refused", "refused {command}[ {about}][ from <{from}>][ with {code} {status}]: {reason}"},
	{"accepted", "accepted {size} bytes from <{from}> for {recipients} recipients: {to}[; client {client}][ named {name}][, {protocol}][, {tls} {cipher}][, login {login}][ by {mechanism}][, HELD: {hold}][; {ms} ms, the queue {commit_ms} of them]"},
	{"message-lost", "given up after {size} bytes from <{from}>: {reason}"},
	{"disconnect", "client {client} left ({end})[ after {ms} ms][: {messages} messages][, {refused} refused]"},
	{"queued", "in the queue: {size} bytes from <{from}> for {recipients} recipients[, client {client}][, by the user id {uid}]"},
	{"expanded", "alias {alias} stands for {targets}: {to}"},
	{"copies", "copies are added for {count}, the first {to}"},
	{"forwarded", "goes on to {to} under the sender <{sender}>"},
	{"redirected", "the script of {from} sends it to {to} under the sender <{sender}>, as the message {as}"},
	{"answered", "the script of {from} answers <{to}> with the message {as}"},
	{"sieve-wrong", "the script of {to} is wrong[ in line {line}], the message is kept: {reason}"},
	{"transport-wrong", "waits, for the transport {transport} of {to} is none here"},
	{"delivered", "DELIVERED to {to}[ (for {original})]: {code} {text}[, after {delay_ms} ms]"},
	{"deferred", "deferred {to}[ (for {original})], it will be tried again: {code} {text}"},
	{"failed", "FAILED {to}[ (for {original})][ by {by}]: {code} {text}"},
	{"bounced", "returned to <{to}> with the message {bounce}"},
	{"notified", "<{to}> was told with the message {bounce}[, of {delayed} delayed][, {delivered} delivered][, {relayed} relayed][, {expanded} expanded]"},
	{"double-bounce", "could not be returned: {reason}"},
	{"postmaster-told", "postmaster {to} was told with the message {bounce}"},
	{"held", "HELD until an administrator releases it[: {reason}]"},
	{"released", "released[ by {by}]"},
	{"deleted", "DELETED by the administrator"},
	{"requeued", "everything is looked up anew[, said {by}]"},
};

static const char *
words_of(struct slice event)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (slice_is(event, table[i].event))
			return table[i].words;
	return NULL;
}

static void
print_values(const struct entry *e, struct slice key)
{
	struct slice rest = e->fields, name, value;
	const char *separator = "";
	for (int i = 0; i < ENTRY_FIELDS_MOST && entry_next(&rest, &name, &value); i++) {
		if (!slice_equal(name, key))
			continue;
		fputs(separator, stdout);
		print_clean(value);
		separator = ", ";
	}
}

static bool
has_field(const struct entry *e, struct slice key)
{
	struct slice rest = e->fields, name, value;
	for (int i = 0; i < ENTRY_FIELDS_MOST && entry_next(&rest, &name, &value); i++)
		if (slice_equal(name, key))
			return true;
	return false;
}

/* Takes text up to `end` from behind the first byte of `*words`. */
static struct slice
take_part(struct slice *words, char end)
{
	struct slice inside = slice_from(*words, 1);
	size_t len = slice_find(inside, end);
	*words = slice_from(inside, len + 1);
	return slice_first(inside, len);
}

static bool
has_all(const struct entry *e, struct slice words)
{
	while (words.len > 0) {
		words = slice_from(words, slice_find(words, '{'));
		if (words.len > 0 && !has_field(e, take_part(&words, '}')))
			return false;
	}
	return true;
}

static void
print_words(const struct entry *e, struct slice words)
{
	while (words.len > 0) {
		if (words.data[0] == '[') {
			struct slice part = take_part(&words, ']');
			if (has_all(e, part))
				print_words(e, part);
		} else if (words.data[0] == '{') {
			print_values(e, take_part(&words, '}'));
		} else {
			print_clean(slice_first(words, 1));
			words = slice_from(words, 1);
		}
	}
}

/* What tells nothing new here: the ids stand at the head of the line. */
static bool
is_said(struct slice key)
{
	return slice_is(key, "queue") || slice_is(key, "session") || slice_is(key, "message");
}

static void
print_fields(const struct entry *e)
{
	struct slice rest = e->fields, key, value;
	print_clean(e->event);
	for (int i = 0; i < ENTRY_FIELDS_MOST && entry_next(&rest, &key, &value); i++) {
		if (is_said(key))
			continue;
		putchar(' ');
		print_clean(key);
		fputs("=\"", stdout);
		print_clean(value);
		putchar('"');
	}
}

void
words_print(const struct entry *e)
{
	const char *words = words_of(e->event);
	if (words != NULL)
		print_words(e, slice_of(words));
	else
		print_fields(e);
}
