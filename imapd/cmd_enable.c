/* ENABLE: RFC 5161. */
#include "imapd/session.h"

#include "imapd/condstore.h"
#include "imapd/metadata.h"

static bool
enable_condstore(struct session *s)
{
	bool is_new = !s->dialect.condstore;
	condstore_begin(s);
	return is_new;
}

/* RFC 7162 section 3.2.3: it brings CONDSTORE along. */
static bool
enable_qresync(struct session *s)
{
	bool is_new = !s->dialect.qresync;
	condstore_begin(s);
	s->dialect.qresync = true;
	return is_new;
}

/* RFC 9586 section 3. */
static bool
enable_uidonly(struct session *s)
{
	bool is_new = !s->dialect.uidonly;
	s->dialect.uidonly = true;
	return is_new;
}

/* RFC 9051 appendix A. */
static bool
enable_rev2(struct session *s)
{
	bool is_new = !s->dialect.rev2;
	s->dialect.rev2 = s->dialect.utf8 = true;
	return is_new;
}

/* RFC 6855 section 3. */
static bool
enable_utf8(struct session *s)
{
	bool is_new = !s->dialect.utf8_accept;
	s->dialect.utf8_accept = s->dialect.utf8 = true;
	return is_new;
}

/* RFC 5464 section 4.1. */
static bool
enable_metadata(struct session *s)
{
	bool is_new = !s->dialect.metadata && metadata_watch_begin(s);
	s->dialect.metadata = s->dialect.metadata || is_new;
	return is_new;
}

/* Each returns whether it was off before. */
static const struct {
	const char *name;
	bool (*enable)(struct session *s);
} extensions[] = {
	{"CONDSTORE", enable_condstore},
	{"IMAP4rev2", enable_rev2},
	{"METADATA", enable_metadata},
	{"QRESYNC", enable_qresync},
	{"UIDONLY", enable_uidonly},
	{"UTF8=ACCEPT", enable_utf8},
};

#define EXTENSIONS (sizeof extensions / sizeof *extensions)

/* Names that are not known are passed over. */
static bool
parse_extensions(struct parser *p, bool wanted[EXTENSIONS])
{
	struct slice name;
	do {
		if (!parse_space(p) || !parse_atom(p, &name))
			return false;
		for (size_t i = 0; i < EXTENSIONS; i++)
			wanted[i] = wanted[i] || slice_is_nocase(name, extensions[i].name);
	} while (!cursor_at_end(&p->c));
	return true;
}

struct answer
cmd_enable(struct session *s, struct parser *p)
{
	bool wanted[EXTENSIONS] = {false};
	if (!parse_extensions(p, wanted))
		return answer_bad(p->error);
	for (size_t i = 0; i < EXTENSIONS; i++)
		wanted[i] = wanted[i] && extensions[i].enable(s);
	output_text(&s->out, "* ENABLED");
	for (size_t i = 0; i < EXTENSIONS; i++)
		if (wanted[i])
			output_format(&s->out, " %s", extensions[i].name);
	output_text(&s->out, "\r\n");
	return answer_ok("done");
}
