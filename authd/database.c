#include "authd/database.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "authd/link.h"
#include "lib/base/ascii.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "lib/sandbox/sandbox.h"

#define LINE_MOST 4096

/* Of <mariadb/mysql/client_plugin.h>, which cannot be included as Debian installs it. */
#define AUTHENTICATION_PLUGIN 2
struct st_mysql_client_plugin *mysql_client_find_plugin(MYSQL *m, const char *name, int type);

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_INTERNET | CALLS_READ_FILES,
	.memory = 512u << 20,
	.descriptors = 64,
	.reaches = "/etc, and the option files and certificates that the query files name",
	.sockets = "its parent; connects to the database",
	.compromise = "what the database user may read or change",
};

/* A worker's own. */
struct asker {
	size_t             count;
	struct statement   statements[QUERY_FILES_MOST];
	enum map           maps[QUERY_FILES_MOST];
	size_t             link_count;
	struct link        links[QUERY_FILES_MOST];
	struct answer      answer;
	struct explanation explanation;
	struct packet      packet;  /* the question, and a single one's answer */
	struct packet      answers; /* of several */
};

static struct link *
link_for(struct asker *a, const struct query_access *access, uint64_t timeout)
{
	for (size_t i = 0; i < a->link_count; i++)
		if (query_access_equal(a->links[i].access, access))
			return &a->links[i];
	struct link *l = &a->links[a->link_count++];
	*l = (struct link){.access = access, .timeout = timeout};
	return l;
}

static enum value_form
form_of(enum map map, const struct query_file *file)
{
	if (file->dialect == QUERY_DOVECOT && map == MAP_QUOTA)
		return VALUE_QUOTA;
	if (file->dialect == QUERY_DOVECOT || map == MAP_PASSWORD)
		return VALUE_ROWS;
	return map == MAP_ALIAS || map == MAP_SENDER || map == MAP_SENDER_BCC || map == MAP_RECIPIENT_BCC ? VALUE_JOINED : VALUE_FIRST;
}

static struct asker *
make_asker(const struct database *d)
{
	struct asker *a = calloc(1, sizeof *a);
	if (a == NULL)
		return NULL;
	a->answer.value = STR_MOST(MAP_VALUE_MOST);
	a->explanation.lines = STR_MOST(EXPLANATION_MOST);
	a->count = d->lists.count;
	for (size_t i = 0; i < a->count; i++) {
		const struct query_file *file = &d->lists.files[i];
		a->maps[i] = d->lists.maps[i];
		a->statements[i] = (struct statement){.file = file, .form = form_of(a->maps[i], file),
		    .exact = a->maps[i] == MAP_PASSWORD, .link = link_for(a, &file->access, d->timeout)};
	}
	return a;
}

static bool
ends_with_space(struct slice s)
{
	return s.len > 0 && s.data[s.len - 1] == ' ';
}

/*
 * A key with control characters, white space at an end (of the local part too:
 * a query may compare that alone), or bytes that are not UTF-8 is in no table:
 * collations would find rows for it that are another's.
 */
static bool
key_is_sound(struct slice key)
{
	struct slice local, domain;
	address_split(key, &local, &domain);
	if (key.len == 0 || key.data[0] == ' ' || ends_with_space(key) || ends_with_space(local) || !address_is_utf8(key))
		return false;
	return !ascii_has_control(key);
}

/* The files of the map in order, up to the first that has the key. One that cannot be asked ends it: the answer may be there. */
static void
ask_files(struct asker *a, enum map map, const struct query_key *key)
{
	a->answer.state = FACT_NONE;
	for (size_t i = 0; i < a->count && a->answer.state == FACT_NONE; i++) {
		struct statement *s = &a->statements[i];
		if (a->maps[i] != map)
			continue;
		if (query_file_wants(s->file, key->text))
			statement_ask(s, key, &a->answer);
		else
			explain(a->answer.explanation, "file %s: not asked, it is for %s", s->file->path, s->file->for_domains ? "catch-alls alone" : s->file->domains);
	}
}

/* As many lines of the explanation as the packet has room for. */
static void
add_explanation(struct asker *a)
{
	struct slice rest = str_slice(&a->explanation.lines), line;
	while (a->answer.explanation != NULL && slice_split(&rest, '\n', &line) && a->packet.len + line.len + 1 <= PACKET_MOST)
		packet_add(&a->packet, line);
	str_clear(&a->explanation.lines);
}

static const char *const state_words[] = {[FACT_NONE] = DATABASE_NONE, [FACT_FOUND] = DATABASE_FOUND, [FACT_LATER] = DATABASE_LATER};

/* What belongs to the word of the answer's state; then the value is wiped. */
static void
add_answer(struct asker *a, struct packet *p)
{
	if (a->answer.state == FACT_FOUND)
		packet_add(p, str_slice(&a->answer.value));
	if (a->answer.state == FACT_LATER) {
		packet_add_text(p, a->answer.why);
		packet_add_text(p, a->answer.away ? DATABASE_AWAY : DATABASE_QUERY);
	}
	if (a->answer.value.data != NULL)
		explicit_bzero(a->answer.value.data, a->answer.value.room);
	str_clear(&a->answer.value);
}

static void
answer_question(struct asker *a, enum map map, const struct query_key *key)
{
	a->answer.state = FACT_NONE;
	if (key_is_sound(key->text))
		ask_files(a, map, key);
	else
		explain(a->answer.explanation, "not asked: a key with control characters, a space at an end or before the @, or bytes that are not UTF-8 (of a login: not ASCII) is in no table");
}

/* False: the question is not whole. */
static bool
ask(struct asker *a)
{
	uint64_t map;
	if (!packet_field_number(&a->packet, MAP_COUNT - 1, &map))
		return false;
	const char *text = packet_field(&a->packet), *service = packet_field(&a->packet), *remote = packet_field(&a->packet);
	const char *extra = packet_field(&a->packet);
	if (remote == NULL)
		return false;
	bool wanted = extra != NULL && strcmp(extra, DATABASE_EXPLAIN) == 0;
	a->answer.explanation = wanted ? &a->explanation : NULL;
	answer_question(a, (enum map)map, &(struct query_key){slice_of(text), slice_of(service), slice_of(remote)});
	packet_begin(&a->packet, state_words[a->answer.state]);
	add_answer(a, &a->packet);
	add_explanation(a);
	return true;
}

/* --- several questions in one packet ------------------------------------------------------ */

#define ANSWER_ROOM  (MAP_VALUE_MOST + 256) /* the longest answer with its word */
#define JOB_PATIENCE 500                    /* ms after which the rest of a job is left to other workers */

/* The packet goes when another answer might not fit. */
static bool
send_answers(struct asker *a, int socket, size_t room)
{
	if (a->answers.len + room <= PACKET_MOST)
		return true;
	bool sent = packet_send_wait(socket, &a->answers, -1) == PACKET_OK;
	explicit_bzero(a->answers.data, a->answers.len);
	packet_begin(&a->answers, DATABASE_ANSWERS);
	return sent;
}

/*
 * What waits long, or for a database that does not answer, is told alone, so
 * that the patience of the loop is for one question. False: the job is not whole.
 */
static bool
ask_many(struct asker *a, int socket)
{
	int64_t until = clock_ms() + JOB_PATIENCE;
	bool goes_on = true;
	uint64_t map;
	a->answer.explanation = NULL;
	packet_begin(&a->answers, DATABASE_ANSWERS);
	while (packet_field_number(&a->packet, MAP_COUNT - 1, &map)) {
		const char *text = packet_field(&a->packet);
		if (text == NULL || !send_answers(a, socket, ANSWER_ROOM))
			return false;
		if (goes_on)
			answer_question(a, (enum map)map, &(struct query_key){slice_of(text), slice_of(""), slice_of("")});
		packet_add_text(&a->answers, goes_on ? state_words[a->answer.state] : DATABASE_UNASKED);
		if (!goes_on)
			continue;
		goes_on = !(a->answer.state == FACT_LATER && a->answer.away) && clock_ms() < until;
		add_answer(a, &a->answers);
	}
	return send_answers(a, socket, PACKET_MOST);
}

static void
ping(struct asker *a)
{
	bool ok = true;
	for (size_t i = 0; ok && i < a->link_count; i++)
		ok = link_ping(&a->links[i]);
	packet_begin(&a->packet, ok ? DATABASE_PONG : DATABASE_LATER);
	if (ok)
		return;
	packet_add_text(&a->packet, "the database is not reachable");
	packet_add_text(&a->packet, DATABASE_AWAY);
}

static bool
serve(struct asker *a, int socket)
{
	if (packet_receive_wait(socket, &a->packet, -1) != PACKET_OK)
		return false;
	const char *verb = packet_verb(&a->packet);
	bool many = strcmp(verb, DATABASE_ASKS) == 0;
	if (many && !ask_many(a, socket))
		return false;
	if (strcmp(verb, DATABASE_PING) == 0)
		ping(a);
	else if (!many && (strcmp(verb, DATABASE_ASK) != 0 || !ask(a)))
		return false;
	if (!many && packet_send_wait(socket, &a->packet, -1) != PACKET_OK)
		return false;
	explicit_bzero(a->packet.data, a->packet.len);
	/* The asker has his answer, so this makes nobody wait but the next one. */
	for (size_t i = 0; i < a->link_count; i++)
		link_return(&a->links[i]);
	return true;
}

static void
work(int socket, void *context)
{
	struct database *d = context;
	if (d->forget != NULL)
		d->forget(d->forget_context);
	struct asker *a = make_asker(d);
	struct sandbox_path paths[QUERY_PATHS_MOST];
	size_t count = query_lists_paths(&d->lists, paths, QUERY_PATHS_MOST);
	if (a == NULL || !sandbox_enter(&contract, paths, count))
		return;
	while (serve(a, socket))
		;
}

/* Time for a worker to find the host that answers, and to get its answer. */
static int64_t
most_patience(const struct database *d)
{
	size_t hosts = 1;
	for (size_t i = 0; i < d->lists.count; i++)
		if (d->lists.files[i].access.host_count > hosts)
			hosts = d->lists.files[i].access.host_count;
	return (int64_t)d->timeout * 1000 * (int64_t)(hosts + 3) + 5000;
}

bool
database_start(struct database *d, size_t workers)
{
	d->pool = (struct pool){.name = "database", .workers = workers, .most_waiting = LINE_MOST, .job_timeout = most_patience(d),
	    .work = work, .context = d};
	return pool_start(&d->pool);
}

void
database_prepare(const struct query_lists *l)
{
	/* link.c allows these. One that is not installed is missed when a database user has it, and said then. */
	static const char *const plugins[] = {"mysql_native_password", "caching_sha2_password", "client_ed25519", "sha256_password"};
	if (mysql_library_init(0, NULL, NULL) != 0)
		return;
	MYSQL *m = mysql_init(NULL);
	for (size_t i = 0; m != NULL && i < sizeof plugins / sizeof *plugins; i++)
		mysql_client_find_plugin(m, plugins[i], AUTHENTICATION_PLUGIN);
	if (m != NULL)
		mysql_close(m);
	/* The name service's modules; the name itself does not exist (RFC 2606). */
	struct addrinfo *found = NULL;
	if (query_lists_need_names(l) && getaddrinfo("postern.invalid", NULL, NULL, &found) == 0)
		freeaddrinfo(found);
}
