#include "tlsd/check.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/program.h"
#include "lib/ipc/socket.h"
#include "tlsd/authorities.h"
#include "tlsd/keys.h"
#include "tlsd/path.h"
#include "tlsd/stock.h"

#define DAY  (24 * 3600)
#define SOON 14 /* days */

/* --- one certificate in words ------------------------------------------------------------ */

static int64_t
days_left(const struct entry *e, int64_t now)
{
	int64_t left = e->pair.ends - now;
	return left >= 0 ? left / DAY : -1 - -left / DAY;
}

static const char *
state_of(const struct entry *e, int64_t now)
{
	if (e->id == 0)
		return "refused";
	if (e->pair.ends <= now)
		return "expired";
	if (e->pair.begins > now)
		return "not-yet-valid";
	return days_left(e, now) < SOON ? "expires-soon" : "fit";
}

static bool
is_fit(const struct entry *e, int64_t now)
{
	return e->id != 0 && e->pair.ends > now && e->pair.begins <= now;
}

static const char *
response_state(const struct entry *e)
{
	if (e->pair.response != NULL)
		return "good";
	return e->pair.response_fault != NULL ? e->pair.response_fault : "none";
}

static const char *
date(int64_t when)
{
	static char text[32];
	time_t seconds = (time_t)when;
	struct tm parts;
	if (gmtime_r(&seconds, &parts) == NULL || strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts) == 0)
		return "?";
	return text;
}

static void
print_text(const struct entry *e, int64_t now)
{
	printf("%s\n  state  %s\n", e->files[ENTRY_CERTIFICATE], state_of(e, now));
	if (e->id == 0) {
		printf("  why    %s\n", e->refused);
		return;
	}
	printf("  names  %s\n  key    %s\n", str_text(&e->pair.names), e->pair.kind);
	printf("  ends   %s (%lld days)\n", date(e->pair.ends), (long long)days_left(e, now));
	printf("  ocsp   %s\n", response_state(e));
}

/* --- JSON (RFC 8259) --------------------------------------------------------------------- */

/* A file name may hold any byte; one beyond ASCII is written as if it were Latin-1, which JSON can hold whatever it is. */
static void
print_string(struct slice text)
{
	putchar('"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c == '"' || c == '\\' || c < ' ' || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
print_names(const struct entry *e)
{
	struct slice rest = str_slice(&e->pair.names), name;
	const char *separator = "";
	putchar('[');
	while (slice_split(&rest, ' ', &name)) {
		fputs(separator, stdout);
		print_string(name);
		separator = ",";
	}
	putchar(']');
}

static void
print_member(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	print_string(slice_of(value));
}

static void
print_json(const struct entry *e, int64_t now)
{
	printf("{\"names\":");
	print_names(e);
	print_member("file", e->files[ENTRY_CERTIFICATE]);
	print_member("state", state_of(e, now));
	print_member("reason", e->refused);
	print_member("key", e->pair.kind);
	print_member("ocsp", response_state(e));
	printf(",\"begins\":%lld,\"ends\":%lld,\"days\":%lld,\"ocsp_ends\":%lld}", (long long)e->pair.begins,
	    (long long)e->pair.ends, (long long)(e->id != 0 ? days_left(e, now) : 0), (long long)e->pair.response_ends);
}

/* --- all of them --------------------------------------------------------------------------- */

static void
become(const char *name)
{
	const struct passwd *user = getpwnam(name);
	if (user == NULL || initgroups(name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0) {
		log_error("check-failed", log_text("reason", "root cannot become the user whom the program runs as"),
		    log_text("user", name), log_text("hint", "conf/install makes him"));
		exit(EXIT_TEMPORARY);
	}
}

static bool
look(void)
{
	struct path certificate = path_of(keys_settings.certificate), key = path_of(keys_settings.private_key),
	    directory = path_of(keys_settings.certificates);
	struct stock_places places = {certificate.text, key.text, directory.text};
	const struct profile *profile = profile_find(keys_settings.profile);
	struct authorities authorities;
	if (profile == NULL) {
		log_error("setting-wrong", log_text("file", "tls_profile"), log_text("hint", "write modern, intermediate or old there"));
		return false;
	}
	bool fit = stock_look(&places, profile, true, true).unfit == 0;
	return authorities_load(&authorities, path_of(keys_settings.client_ca).text, false) && fit;
}

_Noreturn void
check_run(const char *user, bool json)
{
	int64_t now = clock_unix();
	if (geteuid() == 0 && !socket_one_identity)
		become(user);
	bool fit = look();
	for (size_t i = 0; i < stock_count(); i++) {
		const struct entry *e = stock_entry(i);
		if (json) {
			fputs(i == 0 ? "[" : ",\n ", stdout);
			print_json(e, now);
		} else {
			print_text(e, now);
		}
		fit = is_fit(e, now) && fit;
	}
	if (json)
		puts(stock_count() > 0 ? "]" : "[]");
	exit(fit && fflush(stdout) == 0 ? EXIT_DONE : EXIT_MISUSE);
}
