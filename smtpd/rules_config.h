/* The settings of restrictions and limits; their meaning is in postern-smtpd.8. */
#ifndef SMTPD_RULES_CONFIG_H
#define SMTPD_RULES_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct rules_config {
	/* rules.h */
	bool        helo_required, helo_qualified, helo_resolvable;
	bool        sender_qualified, sender_resolvable;
	bool        recipient_qualified, recipient_resolvable;
	bool        restrict_users;
	uint64_t    unresolvable_code; /* 450 or 550 */
	const char *resolver;
	uint64_t    dns_timeout; /* seconds */
	uint64_t    over_quota_code; /* 452 or 552 */
	const char *over_quota_text;
	/* early.h */
	const char *banner;       /* what the greeting says behind the host's name */
	const char *early_talker; /* "ignore" or "refuse" */
	uint64_t    greet_delay;  /* seconds */
	bool        strict_pipelining;
	/* limits.h */
	uint64_t line_length_limit;
	uint64_t session_time; /* seconds, 0: any */
	uint64_t data_rate;    /* bytes a second, 0: any */
	uint64_t messages_limit, unknown_recipients_limit; /* of a session, 0: any */
};

/*
 * RFC 5321 section 4.5.3.1.4 asks for 512 octets a command line; what the
 * parameters of MAIL may add by their RFCs (1870, 3461, 4954, 6152, 6531, 8689) comes to less than 700.
 */
#define LINE_LENGTH_LEAST 1200
#define LINE_LENGTH_MOST  12288

/* Rows of the table of settings. `r`: where the values go, a struct rules_config. */
#define RULES_SETTINGS(r)                                                                                          \
	{"helo_required", SETTING_FLAG, "yes", "demand EHLO or HELO before MAIL", &(r).helo_required, 0, 0},       \
	{"helo_qualified", SETTING_FLAG, "no", "strangers must say a fully qualified name in HELO",                \
	    &(r).helo_qualified, 0, 0},                                                                            \
	{"helo_resolvable", SETTING_FLAG, "no", "strangers must say a name in HELO that DNS knows",                \
	    &(r).helo_resolvable, 0, 0},                                                                           \
	{"sender_qualified", SETTING_FLAG, "no", "the sender's domain must be fully qualified",                    \
	    &(r).sender_qualified, 0, 0},                                                                          \
	{"sender_resolvable", SETTING_FLAG, "no", "DNS must know the sender's domain", &(r).sender_resolvable, 0, 0}, \
	{"recipient_qualified", SETTING_FLAG, "no", "a recipient's domain must be fully qualified",                \
	    &(r).recipient_qualified, 0, 0},                                                                       \
	{"recipient_resolvable", SETTING_FLAG, "no", "DNS must know a recipient's domain that is not ours",        \
	    &(r).recipient_resolvable, 0, 0},                                                                      \
	{"restrict_users", SETTING_FLAG, "no", "these are for permitted networks and logged-in users too",         \
	    &(r).restrict_users, 0, 0},                                                                            \
	{"unresolvable_code", SETTING_NUMBER, "450", "the answer when DNS does not know a name: 450 or 550",       \
	    &(r).unresolvable_code, 450, 550},                                                                     \
	{"resolver", SETTING_TEXT, "", "DNS server as address:port; empty: as /etc/resolv.conf says", &(r).resolver, 0, 0}, \
	{"dns_timeout", SETTING_SECONDS, "5", "seconds that DNS has for a name", &(r).dns_timeout, 1, 120},        \
	{"over_quota_code", SETTING_NUMBER, "452", "the answer for a full mailbox: 452 or 552",                    \
	    &(r).over_quota_code, 452, 552},                                                                       \
	{"over_quota_text", SETTING_TEXT, "Mailbox full", "the text of that answer", &(r).over_quota_text, 0, 0},  \
	{"banner", SETTING_TEXT, "ESMTP Postern", "what the greeting says behind the host's name", &(r).banner, 0, 0}, \
	{"early_talker", SETTING_TEXT, "ignore", "a stranger who speaks before the greeting on port 25: ignore or refuse", \
	    &(r).early_talker, 0, 0},                                                                              \
	{"greet_delay", SETTING_SECONDS, "0", "seconds to wait for early talkers where they are refused",          \
	    &(r).greet_delay, 0, 60},                                                                              \
	{"strict_pipelining", SETTING_FLAG, "no", "close the session of a stranger who does not wait where RFC 2920 demands it", \
	    &(r).strict_pipelining, 0, 0},                                                                         \
	{"line_length_limit", SETTING_NUMBER, "2048", "octets of a command line", &(r).line_length_limit,          \
	    LINE_LENGTH_LEAST, LINE_LENGTH_MOST},                                                                  \
	{"session_time", SETTING_SECONDS, "2h", "how long a session may last, looked at before each command; 0: any time", \
	    &(r).session_time, 0, 7 * 86400},                                                                      \
	{"data_rate", SETTING_NUMBER, "100", "bytes a second at which a message must come at least; 0: any",       \
	    &(r).data_rate, 0, 1000000},                                                                           \
	{"messages_limit", SETTING_NUMBER, "0", "messages of one session; 0: any", &(r).messages_limit, 0, 0},     \
	{"unknown_recipients_limit", SETTING_NUMBER, "0",                                                          \
	    "unknown recipients after which the session is closed; 0: error_limit alone counts them",              \
	    &(r).unknown_recipients_limit, 0, 0}

#endif
