#include "queue/sendmail_sender.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "queue/sendmail_header.h"

static bool
is_null(const char *said)
{
	struct slice text = slice_trim(slice_of(said));
	return text.len == 0 || slice_is(text, "<>");
}

static const char *
caller(void)
{
	static char number[32];
	const struct passwd *user = getpwuid(getuid());
	snprintf(number, sizeof number, "uid%u", (unsigned)getuid());
	return user != NULL ? user->pw_name : number;
}

bool
sendmail_sender(const char *said, const char *hostname, struct address *sender)
{
	struct recipients one = {.texts = STR_MOST(4096)};
	struct str wrong = STR_MOST(4096);
	*sender = (struct address){.text_len = 0};
	if (said != NULL && is_null(said))
		return true;
	bool ok = recipients_add(&one, slice_of(said != NULL ? said : caller()), hostname, &wrong) && one.count == 1;
	enum address_result r = ok ? address_parse(slice_of(str_text(&one.texts)), ADDRESS_UTF8, sender) : ADDRESS_WRONG;
	str_free(&one.texts);
	str_free(&wrong);
	return r == ADDRESS_OK || r == ADDRESS_LOCAL_LONG;
}

const char *
sendmail_full_name(const char *said, const char *sender)
{
	static char name[256];
	if (said != NULL)
		return said;
	const struct passwd *user = sender == NULL ? getpwuid(getuid()) : NULL;
	if (user != NULL)
		snprintf(name, sizeof name, "%.*s", (int)strcspn(user->pw_gecos, ","), user->pw_gecos);
	return name;
}
