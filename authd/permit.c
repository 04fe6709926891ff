#include "authd/permit.h"

#include <string.h>

#include "authd/maps.h"
#include "authd/rows.h"
#include "lib/base/log.h"
#include "lib/base/networks.h"
#include "lib/mail/address.h"

/* ExtMail's and Courier's columns, and Dovecot's habit of naming them. */
static const struct {
	const char *column, *why;
	const char *services; /* as our fronts and other people's programs name them: Courier's "esmtp", Cyrus's "pop" */
} switches[] = {
    {"disableimap", "the service is switched off for this user (column disableimap)", "imap imaps"},
    {"disablepop3", "the service is switched off for this user (column disablepop3)", "pop3 pop3s pop pops"},
    {"disablesmtp", "the service is switched off for this user (column disablesmtp)", "smtp smtps submission submissions esmtp esmtps"},
    {"disablesieve", "the service is switched off for this user (column disablesieve)", "sieve managesieve"},
    {"disablewebmail", "the service is switched off for this user (column disablewebmail)", "webmail"},
};

static bool
is_for(const char *services, const char *service)
{
	struct slice rest = slice_of(services), name;
	while (slice_split(&rest, ' ', &name))
		if (slice_is_nocase(name, service))
			return true;
	return false;
}

static const char *
switched_off(struct slice row, const char *service)
{
	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
		if (is_for(switches[i].services, service) && row_flag(row, switches[i].column))
			return switches[i].why;
	return row_flag(row, "nologin") ? "the user may not log in (column nologin)" : NULL;
}

static const char *
wrong_network(struct permit *p, struct slice row, const char *client)
{
	struct slice list, entry;
	struct ip ip;
	if (!row_column(row, "allow_nets", "", &list) || list.len == 0)
		return NULL;
	ip_parse(&ip, slice_of(client));
	switch (networks_allow(list, &ip, &entry)) {
	case NETWORKS_YES:
		return NULL;
	case NETWORKS_NO:
		return "not from this network (column allow_nets)";
	case NETWORKS_WRONG:
		break;
	}
	log_error("allow-nets-wrong", log_slice("entry", entry), log_text("hint", "the column allow_nets holds networks like 192.0.2.0/24, commas between"));
	p->trouble = true;
	return "the column allow_nets is no list of networks";
}

/* Who logs in by this row. */
static void
take_user(struct str *user, struct slice row)
{
	struct slice name, domain;
	if (!row_column(row, "user", "", &name) && !row_column(row, "username", "", &name))
		return;
	address_append_lower(user, name);
	if (name.len > 0 && !slice_has(name, '@') && row_column(row, "domain", "", &domain) && domain.len > 0) {
		str_append_byte(user, '@');
		address_append_lower(user, domain);
	}
}

/* A row of another user than the first one's is no password of his. */
static bool
same_user(const struct permit *p, const struct str *user)
{
	return p->rows.len == 0 || slice_equal(str_slice(&p->user), str_slice(user));
}

static bool
take_row(struct permit *p, struct slice row, const char *service, const char *client)
{
	struct str user = STR_MOST(MAP_KEY_MOST);
	const char *why = switched_off(row, service);
	if (why == NULL)
		why = wrong_network(p, row, client);
	take_user(&user, row);
	if (why == NULL && !same_user(p, &user))
		why = "the rows are of several users (column user)";
	if (why != NULL) {
		p->why = why;
	} else {
		str_set(&p->user, str_slice(&user));
		rows_begin(&p->rows);
		str_append_slice(&p->rows, row);
	}
	bool ok = !user.failed && !p->user.failed && !p->rows.failed;
	str_free(&user);
	return ok;
}

bool
permit_rows(struct permit *p, struct slice rows, const char *service, const char *client)
{
	*p = (struct permit){.rows = STR_MOST(MAP_VALUE_MOST), .user = STR_MOST(MAP_KEY_MOST)};
	for (struct slice row; rows_next(&rows, &row);)
		if (!take_row(p, row, service, client))
			return false;
	return true;
}

void
permit_free(struct permit *p)
{
	if (p->rows.data != NULL)
		explicit_bzero(p->rows.data, p->rows.room);
	str_free(&p->rows);
	str_free(&p->user);
}
