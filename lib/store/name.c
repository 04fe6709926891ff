#include "lib/store/name.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cursor.h"
#include "lib/base/random.h"
#include "lib/base/siphash.h"
#include "lib/store/maildir.h"

static const char flag_letters[] = "DFPRST";
static const char hex_digits[] = "0123456789abcdef";

static bool
is_control(int byte)
{
	return byte < 0x20 || byte == 0x7f;
}

static bool
has_control(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (is_control((unsigned char)name.data[i]))
			return true;
	return false;
}

/* The number behind ",S=" or ",W=", if it is one and nothing but a further part follows. */
static bool
size_of(struct slice base, const char *key, uint64_t *size)
{
	struct slice rest = base, part;
	slice_split(&rest, ',', &part);
	while (slice_split(&rest, ',', &part)) {
		if (!slice_starts(part, key))
			continue;
		struct cursor c = cursor_over(slice_from(part, 2));
		return cursor_take_number(&c, INT64_MAX, size) && cursor_at_end(&c);
	}
	return false;
}

static void
read_letters(struct slice letters, struct name_parts *parts)
{
	for (size_t i = 0; i < letters.len && letters.data[i] != ','; i++) {
		int letter = (unsigned char)letters.data[i];
		const char *flag = letter != 0 ? strchr(flag_letters, letter) : NULL;
		if (flag != NULL)
			parts->flags |= (uint8_t)(1u << (flag - flag_letters));
		else if (letter >= 'a' && letter <= 'z')
			parts->keywords |= 1u << (letter - 'a');
	}
}

bool
name_parse(struct slice name, struct name_parts *parts)
{
	*parts = (struct name_parts){.base = slice_first(name, slice_find(name, ':'))};
	if (parts->base.len == 0 || name.len > NAME_MOST || name.data[0] == '.' || has_control(name))
		return false;
	struct slice rest = slice_from(name, parts->base.len);
	if (slice_starts(rest, ":2,")) {
		parts->info = slice_from(rest, 3);
		read_letters(parts->info, parts);
	}
	parts->has_size = size_of(parts->base, "S=", &parts->size);
	parts->has_wire_size = size_of(parts->base, "W=", &parts->wire_size);
	struct cursor c = cursor_over(name);
	if (!cursor_take_number(&c, INT64_MAX, &parts->time))
		parts->time = 0;
	return true;
}

/* Marks the letters that are neither flags nor keywords, and returns what stands behind a comma. */
static struct slice
other_letters(struct slice info, bool present[128])
{
	size_t end = slice_find(info, ',');
	for (size_t i = 0; i < end; i++) {
		int letter = (unsigned char)info.data[i];
		bool ours = strchr(flag_letters, letter) != NULL || (letter >= 'a' && letter <= 'z');
		if (letter > ' ' && letter < 127 && !ours)
			present[letter] = true;
	}
	return slice_from(info, end);
}

bool
name_build(char *into, struct slice base, struct slice info, uint8_t flags, uint32_t keywords)
{
	bool present[128] = {false};
	struct slice tail = other_letters(info, present);
	for (int i = 0; flag_letters[i] != '\0'; i++)
		present[(int)flag_letters[i]] = (flags & (1u << i)) != 0;
	for (int i = 0; i < KEYWORDS_MOST; i++)
		present['a' + i] = (keywords & (1u << i)) != 0;

	size_t len = 0, letters = 0;
	for (int i = 0; i < 128; i++)
		letters += present[i];
	if (base.len + 3 + letters + tail.len > NAME_MOST)
		return false;
	memcpy(into, base.data, base.len);
	len = base.len;
	memcpy(into + len, ":2,", 3);
	len += 3;
	for (int i = 0; i < 128; i++)
		if (present[i])
			into[len++] = (char)i;
	if (tail.len > 0)
		memcpy(into + len, tail.data, tail.len);
	into[len + tail.len] = '\0';
	return true;
}

void
name_unique(char into[NAME_MOST + 1])
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(into, NAME_MOST + 1, "%lld.M%06ldP%ldR%016llx.%s", (long long)now.tv_sec, now.tv_nsec / 1000,
	    (long)getpid(), (unsigned long long)random_number(), maildir_host());
}

/* "1700000000.M123456P4242R9f86d081884c7d65.host", with Q and a number before the R in a copy. */
static bool
own_identity(struct slice name, uint64_t *identity)
{
	struct cursor c = cursor_over(name);
	struct slice digits;
	uint64_t number;
	bool ok = cursor_take_number(&c, INT64_MAX, &number) && cursor_take(&c, '.') && cursor_take(&c, 'M') &&
	    cursor_take_number(&c, INT64_MAX, &number) && cursor_take(&c, 'P') && cursor_take_number(&c, INT64_MAX, &number);
	if (ok && cursor_take(&c, 'Q'))
		ok = cursor_take_number(&c, INT64_MAX, &number);
	if (!ok || !cursor_take(&c, 'R') || !cursor_take_bytes(&c, 16, &digits) || !cursor_take(&c, '.'))
		return false;
	*identity = 0;
	for (size_t i = 0; i < digits.len; i++) {
		const char *digit = digits.data[i] != '\0' ? strchr(hex_digits, digits.data[i]) : NULL;
		if (digit == NULL)
			return false;
		*identity = *identity << 4 | (uint64_t)(digit - hex_digits);
	}
	return true;
}

uint64_t
name_identity(struct slice name)
{
	const struct siphash_key key = {0, 0};
	uint64_t identity;
	if (own_identity(name, &identity))
		return identity;
	struct slice base = slice_first(name, slice_find(name, ':'));
	return siphash(&key, slice_first(base, slice_find(base, ',')));
}

void
name_unique_copy(char into[NAME_MOST + 1], uint64_t identity)
{
	static unsigned copies; /* of one process: two of one message may be made within a microsecond */
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(into, NAME_MOST + 1, "%lld.M%06ldP%ldQ%uR%016llx.%s", (long long)now.tv_sec, now.tv_nsec / 1000,
	    (long)getpid(), ++copies, (unsigned long long)identity, maildir_host());
}

void
name_add_sizes(char into[NAME_MOST + 1], uint64_t size, uint64_t wire_size)
{
	size_t len = strlen(into);
	snprintf(into + len, NAME_MOST + 1 - len, ",S=%llu,W=%llu", (unsigned long long)size,
	    (unsigned long long)wire_size);
}
