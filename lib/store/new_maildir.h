/* A Maildir that is made by the first message or the first login, with the folders that the administrator wants in it. */
#ifndef STORE_NEW_MAILDIR_H
#define STORE_NEW_MAILDIR_H

#include <stdbool.h>

#include "lib/base/settings.h"
#include "lib/store/folders.h"

/* Deliver and the sessions must read the same. */
#define NEW_FOLDERS_SETTING(text) \
	{"new_folders", SETTING_TEXT, "", "folders that a new Maildir gets, with commas between", &(text), 0, 0}

/*
 * maildir_open(), and where there is no Maildir yet (no cur/, which is made
 * last of all) it is made, with the folders of `list`: names in UTF-8 with
 * commas or line ends between, subscribed. What cannot be a folder's name is
 * passed over. All is durable. False with errno, nothing is open.
 */
bool new_maildir_open(struct maildir *m, int mail_root, const char *path, const char *list);
/* Makes and subscribes one folder. True as well when its name is wrong, which is no reason to hold mail up. */
bool new_maildir_folder(const struct maildir *m, struct slice name);

#endif
