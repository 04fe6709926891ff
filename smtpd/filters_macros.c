/* The macros of milters, as Postfix gives them (MILTER_README). What we do not know has no value, and is left out. */
#include <stdio.h>
#include <string.h>

#include "lib/base/paths.h"
#include "lib/mail/address.h"
#include "smtpd/filters_state.h"

/* Room for a value that is put together; valid until the next one. */
static char made[1024];

static struct slice
host(const struct session *s)
{
	return slice_of(s->config->hostname);
}

static struct slice
server(const struct session *s)
{
	return slice_of(s->peer.local);
}

static struct slice
version(const struct session *s)
{
	(void)s;
	snprintf(made, sizeof made, "Postern %s", paths_version);
	return slice_of(made);
}

static struct slice
client_name(const struct session *s)
{
	return slice_of(s->peer.name[0] != '\0' ? s->peer.name : "unknown");
}

static struct slice
client_address(const struct session *s)
{
	return slice_of(s->peer.text);
}

/* "mx.example.org [192.0.2.1]" */
static struct slice
client_both(const struct session *s)
{
	snprintf(made, sizeof made, "%s [%s]", client_name(s).data, s->peer.text);
	return slice_of(made);
}

static struct slice
client_port(const struct session *s)
{
	snprintf(made, sizeof made, "%u", (unsigned)s->peer.port);
	return slice_of(s->peer.port != 0 ? made : "");
}

static struct slice
tls_version(const struct session *s)
{
	return slice_of(s->encrypted ? s->tls.version : "");
}

static struct slice
tls_cipher(const struct session *s)
{
	return slice_of(s->encrypted ? s->tls.cipher : "");
}

/* What the names of TLS 1.2's and 1.3's ciphers say. */
static struct slice
tls_bits(const struct session *s)
{
	if (!s->encrypted)
		return slice_of("");
	if (strstr(s->tls.cipher, "256") != NULL || strstr(s->tls.cipher, "CHACHA20") != NULL)
		return slice_of(strstr(s->tls.cipher, "AES_128") != NULL || strstr(s->tls.cipher, "AES128") != NULL ? "128" : "256");
	return slice_of(strstr(s->tls.cipher, "128") != NULL ? "128" : "");
}

/* The name in a certificate that tlsd has verified. */
static struct slice
certificate(const struct session *s)
{
	return slice_of(s->encrypted ? s->tls.client_name : "");
}

static struct slice
login(const struct session *s)
{
	return slice_of(s->login_name);
}

static struct slice
mechanism(const struct session *s)
{
	return slice_of(session_logged_in(s) ? s->mechanism : "");
}

static struct slice
sender(const struct session *s)
{
	return str_slice(&s->envelope.sender);
}

static struct slice
domain_of(struct slice address)
{
	struct slice local, domain;
	address_split(address, &local, &domain);
	return domain;
}

static struct slice
sender_domain(const struct session *s)
{
	return domain_of(sender(s));
}

static struct slice
recipient(const struct session *s)
{
	return s->filters->rcpt;
}

static struct slice
recipient_domain(const struct session *s)
{
	return domain_of(recipient(s));
}

static struct slice
queue_id(const struct session *s)
{
	return slice_of(s->envelope.queue_id);
}

static const struct {
	const char *name;
	struct slice (*value)(const struct session *s);
} macros[] = {
	{"j", host},
	{"v", version},
	{"_", client_both},
	{"i", queue_id},
	{"daemon_name", host},
	{"daemon_addr", server},
	{"if_addr", server},
	{"client_addr", client_address},
	{"client_name", client_name},
	{"client_ptr", client_name},
	{"client_port", client_port},
	{"tls_version", tls_version},
	{"cipher", tls_cipher},
	{"cipher_bits", tls_bits},
	{"cert_subject", certificate},
	{"auth_type", mechanism},
	{"auth_authen", login},
	{"mail_addr", sender},
	{"mail_host", sender_domain},
	{"rcpt_addr", recipient},
	{"rcpt_host", recipient_domain},
};

struct slice
filters_macro(void *context, struct slice name)
{
	if (slice_starts(name, "{") && slice_ends(name, "}"))
		name = slice_make(name.data + 1, name.len - 2);
	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
		if (slice_is(name, macros[i].name))
			return macros[i].value(context);
	return slice_of("");
}
