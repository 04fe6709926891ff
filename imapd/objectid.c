#include "imapd/objectid.h"

#include <stdio.h>

#include "imapd/thread.h"
#include "lib/mail/header.h"
#include "lib/store/guid.h"

const char *
objectid_folder_code(struct session *s, struct folder *f)
{
	struct guid guid;
	char code[GUID_MOST + 32];
	if (!folder_guid(f, &guid))
		return NULL;
	snprintf(code, sizeof code, "MAILBOXID (F%s)", guid.text);
	return scratch_copy(&s->scratch, slice_of(code));
}

static void
print(char id[OBJECTID_MOST + 1], char kind, uint64_t number)
{
	snprintf(id, OBJECTID_MOST + 1, "%c%016llx", kind, (unsigned long long)number);
}

void
objectid_message(const struct message *m, char id[OBJECTID_MOST + 1])
{
	print(id, 'M', name_identity(slice_of(m->name)));
}

/* The Message-ID that the conversation began with, as a hash that is the same in every session. */
static bool
first_id(struct slice header, uint64_t *id)
{
	static const char *const names[] = {"References", "In-Reply-To", "Message-ID"};
	const struct siphash_key key = {0, 0};
	struct header_field field;
	bool failed = false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (header_find(header, names[i], &field) && thread_next_id(&key, &field.value, id, &failed))
			return true;
	return false;
}

void
objectid_thread(const struct message *m, struct slice header, char id[OBJECTID_MOST + 1])
{
	uint64_t number;
	if (!first_id(header, &number))
		number = name_identity(slice_of(m->name));
	print(id, 'T', number);
}
