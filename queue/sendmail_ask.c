#include "queue/sendmail_ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/ipc/packet.h"
#include "lib/ipc/socket.h"

#define PATIENCE 30000 /* ms */

static struct packet p;

/* Asks what an address is. NULL: authd cannot be asked; else its status, with the packet behind the tag. */
static const char *
ask(int authd, const char *address)
{
	packet_begin(&p, "rcpt");
	packet_add_text(&p, "1");
	packet_add_text(&p, address);
	if (authd < 0 || !packet_call(authd, &p, PATIENCE))
		return NULL;
	packet_close_descriptors(&p);
	const char *status = packet_verb(&p);
	return packet_field(&p) != NULL ? status : NULL;
}

static const struct {
	const char *class, *words;
	int         code;
} classes[] = {
    {"mailbox", "deliverable: a mailbox here", EX_OK},
    {"alias", "deliverable: an alias", EX_OK},
    {"full", "deliverable when there is room again: the mailbox is full", EX_OK},
    {"relay", "deliverable: it is passed on to the host of its domain", EX_OK},
    {"foreign", "deliverable: it is sent to the host of its domain", EX_OK},
    {"unknown", "user unknown", EX_NOUSER},
};

/* The exit code of one answer, which is printed. */
static int
tell(const char *address, const char *status)
{
	const char *first = packet_field(&p);
	for (size_t i = 0; first != NULL && strcmp(status, "ok") == 0 && i < sizeof classes / sizeof *classes; i++)
		if (strcmp(first, classes[i].class) == 0) {
			printf("%s... %s\n", address, classes[i].words);
			return classes[i].code;
		}
	printf("%s... cannot be verified now%s%s\n", address, first != NULL ? ": " : "", first != NULL ? first : "");
	return EX_TEMPFAIL;
}

static int
cannot_ask(void)
{
	bool root = geteuid() == 0;
	fprintf(stderr, "postern-sendmail: addresses cannot be verified: %s\n",
	    root ? "postern-authd gives no answer; is it running?" : "only root may ask postern-authd");
	return root ? EX_TEMPFAIL : EX_NOPERM;
}

int
sendmail_verify(const struct recipients *r)
{
	int authd = socket_connect("authd/lookup", 2000), code = EX_OK;
	struct slice rest = str_slice(&r->texts), one;
	while (slice_split(&rest, '\0', &one)) {
		/* A NUL stands behind each. */
		const char *status = ask(authd, one.data);
		int now = status != NULL ? tell(one.data, status) : cannot_ask();
		if (status == NULL) {
			code = now;
			break;
		}
		code = now != EX_OK ? now : code;
	}
	if (authd >= 0)
		close(authd);
	return code;
}

/* Whether authd can use them: it says "later" for its own host's names while the file is broken. False: said. */
static bool
authd_is_well(const char *hostname)
{
	char address[1024];
	int authd = socket_connect("authd/lookup", 2000);
	snprintf(address, sizeof address, "postmaster@%s", hostname);
	const char *status = geteuid() == 0 ? ask(authd, address) : "ok";
	if (authd >= 0)
		close(authd);
	if (status != NULL && strcmp(status, "later") != 0)
		return true;
	const char *why = status != NULL ? packet_field(&p) : NULL;
	fprintf(stderr, "newaliases: postern-authd cannot say now what %s is: %s\n", address, why != NULL ? why : "it gives no answer");
	return false;
}

int
sendmail_aliases(const char *file, const char *hostname)
{
	if (file[0] == '\0') {
		puts("No file of aliases is set (local_aliases of postern-authd); those of the database are asked each time.");
		return EX_OK;
	}
	if (geteuid() == 0 && access(file, R_OK) < 0) {
		fprintf(stderr, "newaliases: %s: %s\n", file, strerror(errno));
		return EX_NOINPUT;
	}
	if (!authd_is_well(hostname))
		return EX_TEMPFAIL;
	printf("%s: nothing to do: postern-authd reads it as it stands, within two seconds after a change.\n", file);
	return EX_OK;
}
