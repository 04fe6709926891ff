/* An alias's targets: a list with commas (or white space, in a setting) between, as tables and settings have it. */
#ifndef AUTHD_TARGETS_H
#define AUTHD_TARGETS_H

#include "authd/resolve.h"

/* The next target, without white space around it; quoted local parts may hold commas. False: no more. */
bool next_target(struct slice *rest, struct slice *target);
/* Whether there is a target and all are this address. */
bool targets_name_only(struct slice targets, struct slice address);
/* Whether the only target is an "@domain". */
bool targets_are_one_domain(struct slice targets, struct slice *domain);

/*
 * Appends one target of the address as the address that it stands for: a name
 * alone is one of this host's, "@domain" keeps the local part, and with
 * `extend` the extension goes on to it.
 */
void target_append(struct str *into, const struct resolution *r, const struct parts *p, struct slice target, bool extend);
/* Appends each target as a field. `user`: the key that the alias was found under. */
enum verdict targets_put(struct resolution *r, const struct parts *p, struct slice targets, struct slice user);
/* Whether one of the targets stands for this login. */
bool targets_name(const struct resolution *r, const struct parts *p, struct slice targets, struct slice login);

#endif
