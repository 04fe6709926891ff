#include "authd/offers.h"

#include "lib/base/log.h"

/* Classes of rows (hasher.h), as bits. A row that names none tells nothing. */
static const char *const classes[] = {"clear", "cram-md5", "scram-sha-1", "scram-sha-256", "hashed"};

#define CLASSES (sizeof classes / sizeof *classes)

/* What a password without {SCHEME} is, by the setting password_scheme. */
static const char *
class_of_scheme(struct slice scheme)
{
	if (slice_is_nocase(scheme, "PLAIN") || slice_is_nocase(scheme, "CLEARTEXT"))
		return "clear";
	for (size_t i = 0; i < CLASSES; i++)
		if (slice_is_nocase(scheme, classes[i]))
			return classes[i];
	return "hashed";
}

/* "NAME!" insists: it is offered whatever the tables hold. */
static struct slice
without_mark(struct slice name)
{
	return slice_ends(name, "!") ? slice_first(name, name.len - 1) : name;
}

static bool
is_named(struct slice names, const struct mechanism *m, bool insisting)
{
	struct slice name;
	while (slice_split(&names, ' ', &name))
		if (slice_is_nocase(without_mark(name), m->name) && (!insisting || slice_ends(name, "!")))
			return true;
	return false;
}

static bool
is_wanted(const struct offers *o, const struct mechanism *m)
{
	struct slice names = slice_trim(slice_of(o->names));
	if (names.len > 0)
		return is_named(names, m, false);
	/* A certificate of a CA that was named for another purpose must not log in: EXTERNAL is to be asked for. */
	return !m->old && !m->certificate && mechanism_takes(m, class_of_scheme(slice_of(o->scheme)));
}

static bool
can_work(const struct offers *o, const struct mechanism *m)
{
	if (is_named(slice_of(o->names), m, true))
		return true;
	for (size_t i = 0; i < CLASSES; i++)
		if ((o->seen & 1u << i) != 0 && !mechanism_takes(m, classes[i]))
			return false;
	return true;
}

static bool
is_offered(const struct offers *o, const struct line *line, const struct mechanism *m)
{
	if ((m->clear && !line->encrypted && !o->plain_without_tls) || (m->certificate && line->certificate[0] == '\0') ||
	    (m->binding && line->binding[0] == '\0'))
		return false;
	return is_wanted(o, m) && can_work(o, m);
}

bool
offers_begin(struct offers *o, struct slice *wrong)
{
	struct slice names = slice_of(o->names);
	while (slice_split(&names, ' ', wrong))
		if (wrong->len > 0 && mechanism_find(without_mark(*wrong)) == NULL)
			return false;
	return true;
}

void
offers_list(const struct offers *o, const struct line *line, struct str *into)
{
	const struct mechanism *m;
	for (size_t i = 0; (m = mechanism_at(i)) != NULL; i++) {
		if (!is_offered(o, line, m))
			continue;
		if (into->len > 0)
			str_append_byte(into, ' ');
		str_append_text(into, m->name);
	}
}

bool
offers_has(const struct offers *o, const struct line *line, struct slice name)
{
	const struct mechanism *m = mechanism_find(name);
	return m != NULL && is_offered(o, line, m);
}

bool
offers_withdrew(const struct offers *o, struct slice name)
{
	const struct mechanism *m = mechanism_find(name);
	return m != NULL && is_wanted(o, m) && !can_work(o, m);
}

static void
tell_withdrawn(struct offers *o, const char *class)
{
	const struct mechanism *m;
	for (size_t i = 0; (m = mechanism_at(i)) != NULL; i++) {
		if ((o->withdrawn & 1u << i) != 0 || !is_wanted(o, m) || can_work(o, m))
			continue;
		o->withdrawn |= 1u << i;
		log_warning("mechanism-withdrawn", log_text("mechanism", m->name), log_text("password", class),
		    log_text("hint", "a login's password is stored in a form that this mechanism cannot use, and clients take the strongest that is"
		                     " offered: take it out of sasl_mechanisms"));
	}
}

void
offers_note_class(struct offers *o, const char *class)
{
	for (size_t i = 0; i < CLASSES; i++) {
		if (!slice_is(slice_of(class), classes[i]) || (o->seen & 1u << i) != 0)
			continue;
		o->seen |= 1u << i;
		tell_withdrawn(o, class);
	}
}
