#include "imapd/flags.h"

static const struct {
	const char *name;
	uint8_t     flag;
} systems[] = {
	{"\\Answered", FLAG_ANSWERED},
	{"\\Flagged", FLAG_FLAGGED},
	{"\\Deleted", FLAG_DELETED},
	{"\\Seen", FLAG_SEEN},
	{"\\Draft", FLAG_DRAFT},
};

#define SYSTEMS (sizeof systems / sizeof *systems)

uint8_t
flags_system(struct slice name)
{
	for (size_t i = 0; i < SYSTEMS; i++)
		if (slice_is_nocase(name, systems[i].name))
			return systems[i].flag;
	return 0;
}

static void
write_one(struct output *out, const char **separator, const char *name)
{
	output_text(out, *separator);
	output_text(out, name);
	*separator = " ";
}

void
flags_write(struct output *out, const struct dialect *d, const struct folder *f, const struct message *m)
{
	const char *separator = "";
	for (size_t i = 0; i < SYSTEMS; i++)
		if (m->flags & systems[i].flag)
			write_one(out, &separator, systems[i].name);
	if (m->recent && !d->rev2)
		write_one(out, &separator, "\\Recent");
	for (size_t i = 0; m->keywords != 0 && i < KEYWORDS_MOST; i++)
		if ((m->keywords & (1u << i)) && f->keywords[i] != NULL)
			write_one(out, &separator, f->keywords[i]);
}

void
flags_write_known(struct output *out, const struct folder *f)
{
	const char *separator = "";
	for (size_t i = 0; i < SYSTEMS; i++)
		write_one(out, &separator, systems[i].name);
	for (size_t i = 0; i < KEYWORDS_MOST; i++)
		if (f->keywords[i] != NULL)
			write_one(out, &separator, f->keywords[i]);
}

bool
flags_resolve(struct folder *f, const struct slice *names, size_t count, bool create, struct flag_set *set,
    const char **error)
{
	*set = (struct flag_set){0, 0};
	for (size_t i = 0; i < count; i++) {
		if (!slice_starts(names[i], "\\")) {
			int bit = folder_keyword(f, names[i], create);
			if (bit >= 0)
				set->keywords |= 1u << bit;
			continue;
		}
		uint8_t flag = flags_system(names[i]);
		if (flag == 0) {
			*error = "there is an unknown system flag";
			return false;
		}
		set->flags |= flag;
	}
	return true;
}
