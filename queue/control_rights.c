#include "queue/control_rights.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/slice.h"
#include "lib/ipc/socket.h"

#define NAME_MOST 64

static struct peers admins;
static bool         everyone_lists;

static bool
wrong(const char *setting, const char *value, const char *hint)
{
	log_error("setting", log_text("name", setting), log_text("value", value), log_text("hint", hint));
	return false;
}

static bool
add_admin(struct slice name, const char *all)
{
	char text[NAME_MOST];
	size_t before = admins.count;
	if (name.len == 0 || socket_one_identity)
		return true;
	if (name.len < sizeof text) {
		memcpy(text, name.data, name.len);
		text[name.len] = '\0';
		peers_add(&admins, text);
	}
	return admins.count > before || wrong("queue_admins", all, "names of at most 16 users of this machine, with spaces between");
}

bool
control_rights_begin(const struct queue_settings *settings)
{
	everyone_lists = strcmp(settings->queue_list, "everyone") == 0;
	if (!everyone_lists && strcmp(settings->queue_list, "root") != 0)
		return wrong("queue_list", settings->queue_list, "everyone or root");
	struct slice rest = slice_of(settings->queue_admins), name;
	while (slice_split(&rest, ' ', &name))
		if (!add_admin(name, settings->queue_admins))
			return false;
	return true;
}

bool
control_may_steer(uid_t uid)
{
	bool named = uid == 0 || (socket_one_identity && uid == geteuid());
	for (size_t i = 0; i < admins.count && !named; i++)
		named = admins.uids[i] == uid;
	return named;
}

bool
control_may_list(uid_t uid)
{
	return everyone_lists || control_may_steer(uid);
}
