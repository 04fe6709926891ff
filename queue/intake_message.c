#include "queue/intake_message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "queue/checksum.h"
#include "queue/file.h"
#include "queue/id.h"

#define DATA_KEPT    65536 /* bytes that wait in memory before they are written: most messages are one write */
#define HEADER_KEPT  16384 /* room that is kept for the next envelope */
#define ADDRESS_MOST 1024  /* octets; what is longer than any address can be */
#define KEY_MOST     2048

void
intake_message_begin(struct intake_message *m, const struct queue_directory *directory, uint64_t id, uint64_t size_most)
{
	struct str header = m->header, data = m->data;
	memset(m, 0, sizeof *m);
	m->header = header;
	m->header.limit = FILE_HEADER_MOST;
	m->data = data.limit != 0 ? data : STR_MOST(DATA_KEPT + PACKET_MOST);
	str_clear(&m->header);
	str_clear(&m->data);
	m->directory = directory;
	m->id = id;
	m->fd = -1;
	m->size_most = size_most;
	m->trouble = outcome_done();
}

/* errno, about this message. */
static void
log_trouble(const struct intake_message *m, const char *event)
{
	char id[ID_LETTERS + 1];
	id_print(m->id, id);
	log_error(event, log_text("queue", id), log_errno());
}

static bool
is_key(struct slice s)
{
	return s.len <= KEY_MOST && slice_has(s, '=') && s.data[0] != '=' && !ascii_has_control(s);
}

/* What the intake itself wants of the keys of `mail`. */
static void
note_key(struct intake_message *m, struct slice key)
{
	if (slice_starts(key, "size=") && !number_parse(slice_from(key, 5), INT64_MAX / 2, &m->size_said))
		m->size_said = 0;
	if (slice_starts(key, "client="))
		snprintf(m->client, sizeof m->client, "%s", key.data + 7);
}

/* "uid" is the intake's own: what the kernel says of the peer. That a login's mail is held is for smtpd to say. */
static bool
is_allowed(struct slice key, bool from_smtpd)
{
	bool holds = slice_starts(key, "hold=") || slice_starts(key, "hold-notice=");
	return !slice_starts(key, "uid=") && (from_smtpd || !holds);
}

bool
intake_message_take_sender(struct intake_message *m, struct packet *p, bool from_smtpd)
{
	const char *sender = packet_field(p);
	if (sender == NULL || strlen(sender) > ADDRESS_MOST || ascii_has_control(slice_of(sender)))
		return false;
	snprintf(m->sender, sizeof m->sender, "%s", sender);
	queue_file_build_begin(&m->header, m->id, slice_of(sender));
	const char *field;
	while ((field = packet_field(p)) != NULL) {
		struct slice key = slice_of(field);
		if (!is_key(key))
			return false;
		note_key(m, key);
		if (is_allowed(key, from_smtpd))
			queue_file_build_with(&m->header, key);
	}
	return true;
}

void
intake_message_add_key(struct intake_message *m, const char *key, uint64_t value)
{
	char text[64];
	snprintf(text, sizeof text, "%s=%llu", key, (unsigned long long)value);
	queue_file_build_with(&m->header, slice_of(text));
}

bool
intake_message_take_recipient(struct intake_message *m, struct packet *p)
{
	const char *address = packet_field(p);
	if (address == NULL || address[0] == '\0' || strlen(address) > ADDRESS_MOST || ascii_has_control(slice_of(address)))
		return false;
	if (m->recipients == FILE_RECIPIENTS_MOST)
		m->trouble = outcome_make("5.5.3", "too many recipients");
	if (!outcome_is_done(&m->trouble))
		return true;
	m->recipients++;
	queue_file_build_recipient(&m->header, slice_of(address));
	const char *field;
	while ((field = packet_field(p)) != NULL) {
		struct slice key = slice_of(field);
		if (!is_key(key))
			return false;
		/* "final" is the manager's own. */
		if (!slice_starts(key, "final="))
			queue_file_build_key(&m->header, key);
	}
	queue_file_build_recipient_end(&m->header);
	return true;
}

struct outcome
intake_message_disk_trouble(int error)
{
	if (error == ENOSPC || error == EDQUOT)
		return outcome_make("4.3.1", "the queue's disk is full");
	return outcome_make("4.3.1", "the queue's disk failed: %s", strerror(error));
}

struct outcome
intake_message_open(struct intake_message *m, struct room *room)
{
	queue_file_build_end(&m->header);
	if (m->header.failed && outcome_is_done(&m->trouble))
		m->trouble = outcome_make("4.3.0", "no memory for the envelope");
	if (m->size_said > m->size_most)
		m->trouble = outcome_make("5.3.4", "the message is larger than %llu bytes", (unsigned long long)m->size_most);
	if (!outcome_is_done(&m->trouble))
		return m->trouble;
	if (!room_take(room, m->size_said))
		return m->trouble = outcome_make("4.3.1", "there is not enough room in the queue");
	m->fd = queue_directory_create(m->directory, m->id);
	if (m->fd < 0) {
		log_trouble(m, "queue-file-not-made");
		m->trouble = intake_message_disk_trouble(errno);
	}
	return m->trouble;
}

/* Writes two parts one behind the other at the file's position. */
static bool
write_both(int fd, struct slice one, struct slice other)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)one.data, one.len}, {(void *)(uintptr_t)other.data, other.len}};
	ssize_t n;
	do
		n = writev(fd, parts, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	size_t done = (size_t)n;
	if (done < one.len)
		return file_write_all(fd, one.data + done, one.len - done) && file_write_all(fd, other.data, other.len);
	done -= one.len;
	return file_write_all(fd, other.data + done, other.len - done);
}

/* Writes what waits, with the header before it the first time. */
static void
write_out(struct intake_message *m)
{
	bool ok = m->written ? file_write_all(m->fd, m->data.data, m->data.len)
			     : write_both(m->fd, str_slice(&m->header), str_slice(&m->data));
	if (!ok) {
		log_trouble(m, "queue-write-failed");
		m->trouble = intake_message_disk_trouble(errno);
	}
	m->written = true;
}

static void
flush(struct intake_message *m)
{
	write_out(m);
	str_clear(&m->data);
}

void
intake_message_data(struct intake_message *m, struct slice bytes)
{
	m->size += bytes.len;
	if (!outcome_is_done(&m->trouble))
		return;
	if (m->size > m->size_most) {
		m->trouble = outcome_make("5.3.4", "the message is larger than %llu bytes", (unsigned long long)m->size_most);
		return;
	}
	m->sum = checksum_add(m->sum, bytes.data, bytes.len);
	if (!str_append_slice(&m->data, bytes)) {
		m->trouble = outcome_make("4.3.0", "no memory for the message");
		return;
	}
	if (m->data.len >= DATA_KEPT)
		flush(m);
}

/* Part of it is in the file already: the rest, then the mark over the blank one, as one that may be offered. */
static void
complete_large(struct intake_message *m, char mark[FILE_MARK_LEN])
{
	mark[FILE_WORD_AT] = FILE_OFFERED;
	if (m->data.len > 0)
		flush(m);
	if (!outcome_is_done(&m->trouble) || file_write_at(m->fd, mark, FILE_MARK_LEN, 0))
		return;
	log_trouble(m, "queue-write-failed");
	m->trouble = intake_message_disk_trouble(errno);
}

struct outcome
intake_message_complete(struct intake_message *m)
{
	if (!outcome_is_done(&m->trouble))
		return m->trouble;
	char mark[FILE_MARK_LEN];
	queue_file_build_mark(mark, str_slice(&m->header), m->size, m->sum);
	if (m->written) {
		complete_large(m, mark);
		return m->trouble;
	}
	memcpy(m->header.data, mark, sizeof mark);
	write_out(m);
	m->small = true;
	return m->trouble;
}

bool
intake_message_commit(struct intake_message *m)
{
	if (m->small || queue_file_commit(m->fd))
		return true;
	int saved = errno;
	log_trouble(m, "queue-write-failed");
	errno = saved;
	return false;
}

bool
intake_message_is_small(const struct intake_message *m)
{
	return m->small;
}

void
intake_message_end(struct intake_message *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	/* The buffers serve the next message, unless this one was out of the common. */
	if (m->header.room > HEADER_KEPT)
		str_free(&m->header);
}

void
intake_message_free(struct intake_message *m)
{
	str_free(&m->header);
	str_free(&m->data);
}

void
intake_message_abort(struct intake_message *m)
{
	if (m->fd >= 0 && !queue_directory_remove(m->directory, m->id))
		log_trouble(m, "queue-file-not-removed");
	intake_message_end(m);
}
