#include "authd/mechanisms.h"

#define HASHES_1   "clear scram-sha-1"
#define HASHES_256 "clear scram-sha-256"

static const struct mechanism mechanisms[] = {
    /* name                 clear  cert.  bind.  old    prompts empty nuls classes */
    {"EXTERNAL",            false, true,  false, false, false, true,  0, ""},
    {"SCRAM-SHA-256-PLUS",  false, false, true,  false, false, false, 0, HASHES_256},
    {"SCRAM-SHA-1-PLUS",    false, false, true,  false, false, false, 0, HASHES_1},
    {"SCRAM-SHA-256",       false, false, false, false, false, false, 0, HASHES_256},
    {"SCRAM-SHA-1",         false, false, false, false, false, false, 0, HASHES_1},
    {"DIGEST-MD5",          false, false, false, true,  true,  false, 0, "clear"},
    {"CRAM-MD5",            false, false, false, true,  true,  false, 0, "clear cram-md5"},
    {"PLAIN",               true,  false, false, false, false, false, 2, ""},
    {"LOGIN",               true,  false, false, false, true,  true,  0, ""},
};

const struct mechanism *
mechanism_at(size_t number)
{
	return number < sizeof mechanisms / sizeof *mechanisms ? &mechanisms[number] : NULL;
}

const struct mechanism *
mechanism_find(struct slice name)
{
	const struct mechanism *m;
	for (size_t i = 0; (m = mechanism_at(i)) != NULL; i++)
		if (slice_is_nocase(name, m->name))
			return m;
	return NULL;
}

bool
mechanism_takes(const struct mechanism *m, const char *class)
{
	struct slice classes = slice_of(m->classes), one;
	if (classes.len == 0)
		return true;
	while (slice_split(&classes, ' ', &one))
		if (slice_is(one, class))
			return true;
	return false;
}
