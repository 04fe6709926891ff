/* What the settings say of how mail is put into Maildirs. */
#ifndef DELIVER_RULES_H
#define DELIVER_RULES_H

#include <stdbool.h>
#include <stdint.h>

enum extension_folders {
	EXTENSION_NO,       /* user+folder@ goes into INBOX */
	EXTENSION_EXISTING, /* into the folder when there is one */
	EXTENSION_CREATE,   /* and it is made when there is none */
};

struct rules {
	enum extension_folders extension_folders;
	const char            *new_folders;      /* names with commas or line ends between, made in a new Maildir */
	uint64_t               duplicate_window; /* seconds; 0: each message is delivered */
	bool                   share_files;      /* copies of one message share a file */
};

#endif
