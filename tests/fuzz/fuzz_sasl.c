/*
 * What a client says in a mechanism. The first byte says which mechanism and
 * what rows the user has; then each line is one message, that goes to the
 * exchange in base64. No client that does not know the password gets an ok
 * (but by EXTERNAL, whose certificate is the proof).
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/hasher_worker.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/ipc/socket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hashers all = {.rules = {.default_scheme = "PLAIN", .weak = "CRAM-MD5"}};
static struct hasher hasher;
static struct dialogues *dialogues;
static int loop_end;
static struct packet row;

static const char *const rows[] = {
    "correct horse battery staple",
    "{SCRAM-SHA-256}1,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    "{CRAM-MD5}e0fc54020091abfcdc44542e94fe832d83a86b88a9af15ca3ffcdffb0b7200a2",
    "{SSHA256}o9IViyggo0jx1J4boCEfLjWKW6uG5sp/2npR7/+SJDlQENEm\x1e{PLAIN}x\x1f",
};

static void
begin(void)
{
	int pair[2];
	log_set_level(LOG_ERROR + 1);
	if (!socket_pair(pair) || !hash_key_begin(&all.key) || !hasher_begin(&hasher, pair[0], &all))
		abort();
	/* A model that costs nothing. */
	str_set(&hasher.model, slice_of("{PLAIN}model"));
	dialogues = dialogues_make(&hasher);
	loop_end = pair[1];
	if (dialogues == NULL)
		abort();
}

/* The row for the one question that may come. */
static void
prepare(unsigned which)
{
	packet_begin(&row, "row");
	packet_add_text(&row, which == 4 ? "none" : "found");
	packet_add_text(&row, which == 4 ? "" : rows[which]);
	packet_add_text(&row, "");
	assert(packet_send(loop_end, &row) == PACKET_OK);
}

/* What nobody asked for stays for nobody else. */
static void
clear_sockets(void)
{
	while (packet_receive(loop_end, &row) == PACKET_OK)
		assert(strcmp(packet_verb(&row), "need") == 0);
	while (packet_receive(hasher.socket, &row) == PACKET_OK)
		;
}

static bool
goes_on(bool may_be_right)
{
	const char *verb = packet_verb(hasher.packet);
	assert(!hasher.packet->failed);
	if (strcmp(verb, "more") == 0)
		return true;
	assert(strcmp(verb, "no") == 0 || strcmp(verb, "later") == 0 || (may_be_right && strcmp(verb, "ok") == 0));
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (dialogues == NULL)
		begin();
	if (size == 0)
		return 0;
	const struct mechanism *m = mechanism_at(data[0] % 9);
	struct slice input = slice_make((const char *)data + 1, size - 1), line = slice_of("");
	bool begun = false, more = true;
	prepare(data[0] / 9 % 5);
	while (more && (slice_split(&input, '\n', &line) || !begun)) {
		struct str text = STR_MOST(20000);
		base64_encode(&text, line);
		if (begun)
			sasl_step(dialogues, 1, str_text(&text));
		else
			sasl_begin(dialogues, 1, m->name, "tls-exporter=AAAA tls-unique=", "ann@example.test",
			    data[0] & 128 ? str_text(&text) : NULL);
		begun = true;
		str_free(&text);
		more = goes_on(m->certificate);
	}
	sasl_drop(dialogues, 1);
	clear_sockets();
	return 0;
}
