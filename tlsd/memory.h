/*
 * OpenSSL's memory. A child that is forked for one handshake shares the
 * acceptor's heap until it writes there, and each page that it writes to is
 * copied for it, the dearest step of a short session: malloc(3) alone writes to
 * 60, to keep its lists of what was free before the fork. So what a child
 * takes comes from pages of its own, and what it gives back of the acceptor's
 * is left alone: it goes with the child.
 */
#ifndef TLSD_MEMORY_H
#define TLSD_MEMORY_H

/* Before anything else of OpenSSL is called. */
void memory_install(void);
/* In a fresh child. Where there is no room for such pages, malloc(3) goes on. */
void memory_begin_child(void);

#endif
