#include "lib/filter/changes.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/filter/milter.h"

/* What stands in a packet, in this order. */
enum part { HAS_INDEX = 1, HAS_NAME = 2, HAS_VALUE = 4, HAS_ADDRESS = 8, HAS_PARAMETERS = 16, IS_RAW = 32 };

static const struct kind {
	char             byte;
	enum change_kind kind;
	unsigned         parts;
	uint32_t         needs;
} kinds[] = {
	{'h', CHANGE_ADD_FIELD, HAS_NAME | HAS_VALUE, MILTER_MAY_ADD_FIELDS},
	{'i', CHANGE_INSERT_FIELD, HAS_INDEX | HAS_NAME | HAS_VALUE, MILTER_MAY_ADD_FIELDS},
	{'m', CHANGE_FIELD, HAS_INDEX | HAS_NAME | HAS_VALUE, MILTER_MAY_CHANGE_FIELDS},
	{'b', CHANGE_BODY, IS_RAW, MILTER_MAY_CHANGE_BODY},
	{'e', CHANGE_SENDER, HAS_ADDRESS | HAS_PARAMETERS, MILTER_MAY_CHANGE_SENDER},
	{'+', CHANGE_ADD_RECIPIENT, HAS_ADDRESS, MILTER_MAY_ADD_RECIPIENTS | MILTER_MAY_ADD_RECIPIENTS_PAR},
	{'2', CHANGE_ADD_RECIPIENT, HAS_ADDRESS | HAS_PARAMETERS, MILTER_MAY_ADD_RECIPIENTS_PAR},
	{'-', CHANGE_DROP_RECIPIENT, HAS_ADDRESS, MILTER_MAY_DROP_RECIPIENTS},
	{'q', CHANGE_QUARANTINE, HAS_VALUE, MILTER_MAY_QUARANTINE},
};

static const struct kind *
find(char byte)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].byte == byte)
			return &kinds[i];
	return NULL;
}

uint32_t
change_needs(char kind)
{
	const struct kind *k = find(kind);
	return k != NULL ? k->needs : 0;
}

static bool
take_index(struct slice *data, uint32_t *index)
{
	uint32_t bytes;
	if (data->len < sizeof bytes)
		return false;
	memcpy(&bytes, data->data, sizeof bytes);
	*index = ntohl(bytes);
	*data = slice_from(*data, sizeof bytes);
	return true;
}

static bool
take_text(struct slice *data, struct slice *text)
{
	size_t nul = slice_find(*data, '\0');
	if (nul == data->len)
		return false;
	*text = slice_first(*data, nul);
	*data = slice_from(*data, nul + 1);
	return true;
}

/* RFC 5322 section 3.6.8. */
static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == ':')
			return false;
	return name.len > 0;
}

bool
change_parse(struct change *c, char kind, struct slice data)
{
	const struct kind *k = find(kind);
	*c = (struct change){.kind = k != NULL ? k->kind : CHANGE_BODY};
	if (k == NULL)
		return false;
	if (k->parts & IS_RAW) {
		c->value = data;
		return true;
	}
	if ((k->parts & HAS_INDEX) && !take_index(&data, &c->index))
		return false;
	if ((k->parts & HAS_NAME) && (!take_text(&data, &c->name) || !is_name(c->name)))
		return false;
	if ((k->parts & HAS_VALUE) && !take_text(&data, &c->value))
		return false;
	if ((k->parts & HAS_ADDRESS) && !take_text(&data, &c->address))
		return false;
	/* Parameters may be left out. */
	if ((k->parts & HAS_PARAMETERS) && data.len > 0 && !take_text(&data, &c->parameters))
		return false;
	return data.len == 0;
}

bool
change_keep(struct str *kept, char kind, struct slice data)
{
	uint32_t len = (uint32_t)data.len;
	size_t before = kept->len;
	str_append(kept, &len, sizeof len);
	str_append_byte(kept, kind);
	if (str_append_slice(kept, data) && !kept->failed)
		return true;
	str_truncate(kept, before);
	return false;
}

bool
change_next(struct slice *kept, struct change *c)
{
	uint32_t len;
	if (kept->len < sizeof len + 1)
		return false;
	memcpy(&len, kept->data, sizeof len);
	char kind = kept->data[sizeof len];
	struct slice data = slice_first(slice_from(*kept, sizeof len + 1), len);
	*kept = slice_from(*kept, sizeof len + 1 + len);
	return change_parse(c, kind, data);
}
