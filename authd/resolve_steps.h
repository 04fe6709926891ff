/* The steps that the resolver's questions are made of. */
#ifndef AUTHD_RESOLVE_STEPS_H
#define AUTHD_RESOLVE_STEPS_H

#include "authd/resolve.h"

enum verdict ask(struct resolution *r, enum map map, struct slice key, struct slice *value);
void put_field(struct resolution *r, struct slice field);

/* The alias of the address; `user` is the key that it was found under. One that names only itself is none. */
enum verdict find_alias(struct resolution *r, struct slice *targets, struct slice *user);
enum verdict find_mailbox(struct resolution *r, struct slice *user, struct slice *maildir);
/* Postmaster, or else the catch-all of the domain. */
enum verdict find_fallback(struct resolution *r, struct slice *targets);
bool is_postmaster(const struct resolution *r);

/* Appends each target as a field: "@domain" with our local part, the extension of the address on it. */
enum verdict put_targets(struct resolution *r, struct slice targets, struct slice user);
/* Whether one of the targets is `login`. */
bool targets_name(struct resolution *r, struct slice targets, struct slice login);
/* Appends user, maildir and quota. */
enum verdict put_home(struct resolution *r, struct slice user, struct slice maildir);

#endif
