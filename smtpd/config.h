/* The settings of postern-smtpd; the table that fills them is in postern-smtpd.c, their meaning in postern-smtpd.8. */
#ifndef SMTPD_CONFIG_H
#define SMTPD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "smtpd/rules_config.h"

enum mode {
	MODE_SMTP,       /* port 25: mail from other servers */
	MODE_SUBMISSION, /* port 587: mail from users, who log in */
	MODE_SMTPS,      /* port 465: the same, TLS from the first byte */
};

enum bare_newline {
	BARE_NEWLINE_REFUSE,
	BARE_NEWLINE_NORMALIZE,
};

/* Who may have the queue started for a domain. */
enum etrn {
	ETRN_PERMITTED, /* clients of permitted_networks, RELAYCLIENT, users */
	ETRN_ALL,
	ETRN_NO,
};

struct config {
	enum mode   mode;
	const char *hostname;
	const char *permitted_networks;
	const char *proxy_networks;
	const char *xclient_networks;
	uint64_t    timeout; /* seconds */
	uint64_t    lookup_timeout, queue_timeout; /* seconds that authd and queued have for an answer */
	uint64_t    message_size;
	uint64_t    recipients_limit;
	uint64_t    error_limit;
	uint64_t    commands_limit;
	bool        starttls;
	bool        plain_without_tls;
	bool        auth_on_25;
	bool        vrfy;
	bool        binarymime;
	bool        broken_auth_clients;
	bool        received_client;
	bool        authenticated_sender;
	enum bare_newline bare_newline;
	enum etrn         etrn;

	struct rules_config rules; /* restrictions and limits */
	const char *milters, *submission_milters, *policy_servers, *submission_policy_servers; /* lists (lib/filter/endpoint.h) */
	uint64_t    milter_connect_timeout, milter_command_timeout, milter_content_timeout, policy_timeout; /* seconds */
};

#endif
