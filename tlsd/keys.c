#include "tlsd/keys.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/loop.h"
#include "tlsd/authorities.h"
#include "tlsd/path.h"
#include "tlsd/profile.h"
#include "tlsd/reach.h"
#include "tlsd/stamp.h"
#include "tlsd/retired.h"
#include "tlsd/stock.h"

#define PIECE        PAIR_CHAIN_MOST
#define OLD_PATIENCE (2 * 3600 * 1000) /* ms that a replaced key is kept: twice the longest handshake_timeout */

static const struct contract contract = {
	.calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_READ_FILES,
	.memory = (size_t)512 << 20,
	.descriptors = 4096,
	.reaches = "the settings, and the directories of certificate, private_key, certificates and client_ca, to read them again",
	.sockets = "none but socket pairs of its parent and siblings",
	.compromise = "the private keys",
};

struct keys_settings keys_settings;

static const struct setting reloaded[] = {KEYS_SETTINGS};

static struct {
	struct watch          control, news;
	const struct profile *profile;
	struct authorities    authorities;
	struct stamp          authorities_seen;
	const char           *authorities_file; /* of the setting that it was read for */
	bool                  authorities_settled;
	bool                  told;   /* the acceptor has not said `taken` yet */
	bool                  wanted; /* a reload was asked for meanwhile */
	struct timer          timer;
	struct packet         packet;
} keys;

/* --- telling ---------------------------------------------------------------------- */

static void
send_news(void)
{
	if (packet_send_wait(keys.news.fd, &keys.packet, -1) != PACKET_OK)
		log_error("news-lost", log_errno());
}

static void
tell_authorities(void)
{
	size_t piece;
	for (size_t at = 0; at < keys.authorities.len; at += piece) {
		size_t left = keys.authorities.len - at;
		piece = left < PIECE ? left : PIECE;
		packet_begin(&keys.packet, "authorities");
		packet_add_rest(&keys.packet, slice_make(keys.authorities.pem + at, piece));
		send_news();
	}
}

static void
tell_response(const struct pair *pair)
{
	packet_begin(&keys.packet, "response");
	packet_add_number(&keys.packet, (uint64_t)pair->response_ends);
	packet_add_rest(&keys.packet, slice_make(pair->response, pair->response_len));
	send_news();
}

static void
tell_certificate(const struct entry *e)
{
	packet_begin(&keys.packet, "certificate");
	packet_add_number(&keys.packet, e->id);
	packet_add_text(&keys.packet, e->files[ENTRY_CERTIFICATE]);
	packet_add_text(&keys.packet, e->pair.kind);
	packet_add_number(&keys.packet, e->pair.ends > 0 ? (uint64_t)e->pair.ends : 0);
	packet_add_rest(&keys.packet, slice_make(e->pair.chain, e->pair.chain_len));
	send_news();
	packet_begin(&keys.packet, "names");
	packet_add_rest(&keys.packet, str_slice(&e->pair.names));
	send_news();
	if (e->pair.response != NULL)
		tell_response(&e->pair);
}

static void
tell_all(size_t unfit)
{
	packet_begin(&keys.packet, "profile");
	packet_add_text(&keys.packet, keys.profile->name);
	send_news();
	tell_authorities();
	for (size_t i = 0; i < stock_count(); i++)
		if (stock_entry(i)->id != 0)
			tell_certificate(stock_entry(i));
	packet_begin(&keys.packet, "end");
	packet_add_number(&keys.packet, unfit);
	send_news();
	keys.told = true;
}

/* --- looking ----------------------------------------------------------------------- */

/* Whether client_ca is another one now. `unfit` counts it when it cannot be used; then the one before goes on. */
static bool
look_at_authorities(bool aloud, size_t *unfit)
{
	struct path file = path_of(keys_settings.client_ca);
	struct stamp now = stamp_of(file.text);
	bool same = keys.authorities_file == keys_settings.client_ca && stamp_equal(&now, &keys.authorities_seen);
	if (same && keys.authorities_settled && !aloud)
		return false;
	bool again = same && !aloud; /* read once more, because it was young: what was said of it need not be said again */
	keys.authorities_settled = stamp_settled(&now);
	keys.authorities_seen = now;
	keys.authorities_file = keys_settings.client_ca;
	struct authorities new;
	if (!authorities_load(&new, file.text, again)) {
		++*unfit;
		return false;
	}
	bool changed = !slice_equal(slice_make(new.pem, new.len), slice_make(keys.authorities.pem, keys.authorities.len));
	authorities_free(&keys.authorities);
	keys.authorities = new;
	return changed;
}

/* Looks at everything. `again`: whatever was read is read anew; `aloud`: what was said is said anew. */
static struct stock_look
look(bool again, bool aloud)
{
	struct path certificate = path_of(keys_settings.certificate), key = path_of(keys_settings.private_key),
	    directory = path_of(keys_settings.certificates);
	struct stock_places places = {certificate.text, key.text, directory.text};
	struct stock_look result = stock_look(&places, keys.profile, again, aloud);
	result.changed = look_at_authorities(aloud, &result.unfit) || result.changed;
	stock_note_times();
	retired_forget();
	return result;
}

static bool
use_profile(void)
{
	const struct profile *profile = profile_find(keys_settings.profile);
	if (profile == NULL) {
		log_error("setting-wrong", log_text("file", "tls_profile"), log_text("reason", "the value does not fit"),
		    log_text("hint", "write modern, intermediate or old there; or delete the file for the default modern"));
		return false;
	}
	keys.profile = profile;
	keys_allow_old_hashes(profile->old_hashes);
	return true;
}

/* --- the loop ------------------------------------------------------------------------- */

static bool
read_settings(void)
{
	struct keys_settings before = keys_settings;
	if (settings_load(reloaded, sizeof reloaded / sizeof *reloaded) && use_profile())
		return true;
	keys_settings = before;
	return false;
}

static void
reload(void)
{
	const struct profile *before = keys.profile;
	bool fit = read_settings();
	struct stock_look seen = look(keys.profile != before, true);
	tell_all(seen.unfit + !fit);
}

static void
look_again(struct timer *t)
{
	timer_set(t, (int64_t)keys_settings.interval * 1000);
	if (keys.told)
		return;
	struct stock_look seen = look(false, false);
	if (seen.changed)
		tell_all(seen.unfit);
}

static void
news_ready(struct watch *w, uint32_t events)
{
	(void)events;
	enum packet_result r = packet_receive(w->fd, &keys.packet);
	if (r == PACKET_WAIT)
		return;
	if (r == PACKET_END)
		_exit(EXIT_DONE); /* the acceptor has ended */
	packet_close_descriptors(&keys.packet);
	if (strcmp(packet_verb(&keys.packet), "reload") == 0) {
		keys.wanted = true;
	} else {
		const char *answer = packet_field(&keys.packet);
		keys.told = false;
		if (answer != NULL && strcmp(answer, "yes") == 0)
			retired_taken(OLD_PATIENCE);
	}
	if (!keys.wanted || keys.told)
		return;
	keys.wanted = false;
	reload();
}

static void
control_ready(struct watch *w, uint32_t events)
{
	(void)events;
	enum packet_result r = packet_receive(w->fd, &keys.packet);
	if (r == PACKET_WAIT)
		return;
	if (r == PACKET_END)
		_exit(EXIT_DONE);
	if (r != PACKET_OK) /* no descriptor was free for the child's channel: its handshake fails, the next may not */
		log_error("channel-lost", log_text("hint", "too many handshakes at a time; lower tls_sessions"));
	else if (strcmp(packet_verb(&keys.packet), "child") == 0)
		keys_add_channel(packet_take_descriptor(&keys.packet));
	packet_close_descriptors(&keys.packet);
}

/* The default pair and client_ca must be fit; what else is not was said, and others go on without it. */
static bool
first_look(size_t *unfit)
{
	if (!use_profile())
		return false;
	struct stock_look seen = look(true, true);
	*unfit = seen.unfit;
	bool authorities = keys_settings.client_ca[0] == '\0' || keys.authorities.pem != NULL;
	return authorities && stock_count() > 0 && stock_entry(0)->id != 0;
}

_Noreturn void
keys_run(int control, int news)
{
	size_t unfit;
	keys.control = (struct watch){.fd = control, .ready = control_ready};
	keys.news = (struct watch){.fd = news, .ready = news_ready};
	keys.timer.fire = look_again;
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_IGN); /* the acceptor says when to reload */
	if (!first_look(&unfit))
		_exit(EXIT_MISUSE);
	if (!loop_begin() || !loop_add(&keys.control, EPOLLIN) || !loop_add(&keys.news, EPOLLIN) ||
	    !timer_set(&keys.timer, (int64_t)keys_settings.interval * 1000)) {
		log_error("start-failed", log_errno());
		_exit(EXIT_TEMPORARY);
	}
	if (!reach_enter(&contract))
		_exit(EXIT_TEMPORARY);
	tell_all(unfit);
	loop_run();
	_exit(EXIT_DONE);
}
