#include "authd/database.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "authd/link.h"
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
	size_t           count;
	struct statement statements[QUERY_FILES_MOST];
	enum map         maps[QUERY_FILES_MOST];
	size_t           link_count;
	struct link      links[QUERY_FILES_MOST];
	struct str       value;
	struct packet    packet;
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

static struct asker *
make_asker(const struct database *d)
{
	struct asker *a = calloc(1, sizeof *a);
	if (a == NULL)
		return NULL;
	a->value = STR_MOST(MAP_VALUE_MOST);
	a->count = d->lists.count;
	for (size_t i = 0; i < a->count; i++) {
		const struct query_file *file = &d->lists.files[i];
		a->maps[i] = d->lists.maps[i];
		a->statements[i] = (struct statement){.file = file, .link = link_for(a, &file->access, d->timeout)};
	}
	return a;
}

/*
 * A key with control characters, white space at an end, or bytes that are not
 * UTF-8 is in no table: collations would find rows for it that are another's.
 */
static bool
key_is_sound(struct slice key)
{
	if (key.len == 0 || key.data[0] == ' ' || key.data[key.len - 1] == ' ' || !address_is_utf8(key))
		return false;
	for (size_t i = 0; i < key.len; i++)
		if ((unsigned char)key.data[i] < ' ' || key.data[i] == 0x7f)
			return false;
	return true;
}

/* The files of the map in order, up to the first that has the key. One that cannot be asked ends it: the answer may be there. */
static enum fact_state
ask_files(struct asker *a, enum map map, struct slice key, const char **why)
{
	for (size_t i = 0; i < a->count; i++) {
		struct statement *s = &a->statements[i];
		if (a->maps[i] != map || !query_file_wants(s->file, key))
			continue;
		enum fact_state state = statement_ask(s, key, map == MAP_ALIAS, &a->value, why);
		if (state != FACT_NONE)
			return state;
	}
	return FACT_NONE;
}

static void
answer(struct asker *a, enum fact_state state, const char *why)
{
	packet_begin(&a->packet, state == FACT_FOUND ? DATABASE_FOUND : state == FACT_NONE ? DATABASE_NONE : DATABASE_LATER);
	if (state == FACT_FOUND)
		packet_add(&a->packet, str_slice(&a->value));
	if (state == FACT_LATER)
		packet_add_text(&a->packet, why);
}

static bool
serve(struct asker *a, int socket)
{
	uint64_t map;
	if (packet_receive_wait(socket, &a->packet, -1) != PACKET_OK || strcmp(packet_verb(&a->packet), DATABASE_ASK) != 0 ||
	    !packet_field_number(&a->packet, MAP_COUNT - 1, &map))
		return false;
	const char *field = packet_field(&a->packet);
	char *key = field != NULL ? strdup(field) : NULL;
	const char *why = "no memory";
	enum fact_state state = FACT_LATER;
	if (key != NULL)
		state = key_is_sound(slice_of(key)) ? ask_files(a, (enum map)map, slice_of(key), &why) : FACT_NONE;
	answer(a, state, why);
	free(key);
	return packet_send_wait(socket, &a->packet, -1) == PACKET_OK;
}

static void
work(int socket, void *context)
{
	struct database *d = context;
	struct asker *a = make_asker(d);
	struct sandbox_path paths[QUERY_PATHS_MOST];
	size_t count = query_lists_paths(&d->lists, paths, QUERY_PATHS_MOST);
	if (a == NULL || !sandbox_enter(&contract, paths, count))
		return;
	while (serve(a, socket))
		;
}

bool
database_start(struct database *d, size_t workers)
{
	d->pool = (struct pool){.name = "database", .workers = workers, .most_waiting = LINE_MOST,
	    .job_timeout = (int64_t)d->timeout * 1000 * 4 + 5000, .work = work, .context = d};
	return pool_start(&d->pool);
}

void
database_prepare(const struct query_lists *l)
{
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
