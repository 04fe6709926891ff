/* lib/mail/transport.h: what a transport's text means, and what it ends a delivery with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/mail/transport.h"

static const struct {
	const char         *text;
	enum transport_kind kind;
	const char         *printed;
} rows[] = {
    {"", TRANSPORT_DEFAULT, NULL},
    {":", TRANSPORT_DEFAULT, NULL},
    {" : ", TRANSPORT_DEFAULT, NULL},
    {"smtp:", TRANSPORT_REMOTE, "smtp:"},
    {"smtp", TRANSPORT_REMOTE, "smtp:"},
    {"smtp:[host]:25", TRANSPORT_REMOTE, "smtp:[host]:25"},
    {"SMTP:host", TRANSPORT_REMOTE, "SMTP:host"},
    {"smtp:host:587", TRANSPORT_REMOTE, "smtp:host:587"},
    {"smtps:[host]", TRANSPORT_REMOTE, "smtps:[host]"},
    {"relay:[192.0.2.1]", TRANSPORT_REMOTE, "smtp:[192.0.2.1]"},
    {"smtp:[IPv6:2001:db8::1]:25", TRANSPORT_REMOTE, "smtp:[IPv6:2001:db8::1]:25"},
    {":[host]", TRANSPORT_REMOTE, "smtp:[host]"},
    {":host", TRANSPORT_REMOTE, "smtp:host"},
    {"[host]:24", TRANSPORT_REMOTE, "smtp:[host]:24"},
    {"lmtp:unix:/run/lmtp", TRANSPORT_REMOTE, "lmtp:unix:/run/lmtp"},
    {"lmtp:host:24", TRANSPORT_REMOTE, "lmtp:host:24"},
    {"lmtp:[host]:24", TRANSPORT_REMOTE, "lmtp:[host]:24"},
    {"lmtp:inet:host:24", TRANSPORT_REMOTE, "lmtp:inet:host:24"},
    {"lmtp:inet:", TRANSPORT_WRONG, NULL},
    {"virtual:", TRANSPORT_LOCAL, NULL},
    {"virtual", TRANSPORT_LOCAL, NULL},
    {"local:x", TRANSPORT_LOCAL, NULL},
    {"error:5.1.1 x", TRANSPORT_ERROR, NULL},
    {"retry:", TRANSPORT_ERROR, NULL},
    {"discard:", TRANSPORT_DISCARD, NULL},
    {"hold:", TRANSPORT_HOLD, NULL},
    {"dovecot:", TRANSPORT_UNKNOWN, NULL},
    {"host:25", TRANSPORT_UNKNOWN, NULL},
    {"smtp:[host", TRANSPORT_WRONG, NULL},
    {"smtp:[host]25", TRANSPORT_WRONG, NULL},
    {"smtp:[]", TRANSPORT_WRONG, NULL},
    {"smtp:host:0", TRANSPORT_WRONG, NULL},
    {"smtp:host:65536", TRANSPORT_WRONG, NULL},
    {"smtp:host:25x", TRANSPORT_WRONG, NULL},
    {"smtp:two words", TRANSPORT_WRONG, NULL},
    {"smtp:a,b", TRANSPORT_WRONG, NULL},
    {"smtp:user@host", TRANSPORT_WRONG, NULL},
    {"smtp:unix:/x", TRANSPORT_WRONG, NULL},
    {"lmtp:", TRANSPORT_WRONG, NULL},
    {"lmtp:unix:private/lmtp", TRANSPORT_WRONG, NULL},
    {"lmtp:unix:/a\nb", TRANSPORT_WRONG, NULL},
};

static void
each_text_has_a_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str printed = STR_MOST(200);
		if (transport_kind(slice_of(rows[i].text)) != rows[i].kind)
			fail_msg("%s means %d", rows[i].text, transport_kind(slice_of(rows[i].text)));
		if (rows[i].printed != NULL) {
			assert_true(transport_print(&printed, slice_of(rows[i].text)));
			assert_string_equal(str_text(&printed), rows[i].printed);
		}
		str_free(&printed);
	}
}

static const struct {
	const char        *text;
	enum outcome_class class;
	const char        *code, *words;
} ends[] = {
    {"error:5.1.1 nobody here", OUTCOME_PERMANENT, "5.1.1", "nobody here"},
    {"error: 5.7.1 spaces", OUTCOME_PERMANENT, "5.7.1", "spaces"},
    {"error:4.2.1 later", OUTCOME_TEMPORARY, "4.2.1", "later"},
    {"error:just words", OUTCOME_PERMANENT, "5.0.0", "just words"},
    {"error:", OUTCOME_PERMANENT, "5.0.0", "mail to this address is not taken, as the transport says"},
    {"error:5.1.1", OUTCOME_PERMANENT, "5.1.1", "mail to this address is not taken, as the transport says"},
    {"error:2.0.0 done", OUTCOME_PERMANENT, "5.0.0", "2.0.0 done"},
    {"error:5.1 no code", OUTCOME_PERMANENT, "5.0.0", "5.1 no code"},
    {"error:5.1.1x no code", OUTCOME_PERMANENT, "5.0.0", "5.1.1x no code"},
    {"error:5.1234.1 no code", OUTCOME_PERMANENT, "5.0.0", "5.1234.1 no code"},
    {"retry:words", OUTCOME_TEMPORARY, "4.0.0", "words"},
    {"discard:", OUTCOME_DONE, "2.0.0", "thrown away, as the transport says"},
    {"discard:2.7.0 spam", OUTCOME_DONE, "2.7.0", "spam"},
    {"discard:5.7.0 not this", OUTCOME_DONE, "2.0.0", "5.7.0 not this"},
};

static void
an_error_has_code_and_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct outcome o = transport_outcome(slice_of(ends[i].text));
		assert_string_equal(o.code, ends[i].code);
		assert_string_equal(o.text, ends[i].words);
		assert_int_equal(o.class, ends[i].class);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(each_text_has_a_meaning), cmocka_unit_test(an_error_has_code_and_words)};
	return cmocka_run_group_tests_name("mail transport", tests, NULL, NULL);
}
