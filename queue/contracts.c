#include "queue/contracts.h"

const struct contract contract_intake = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_CONNECT | CALLS_READ_FILES | CALLS_WRITE_FILES | CALLS_FORK,
    .memory = 512u << 20,
    .descriptors = 8192,
    .processes = 1,
    .reaches = "the queue directory",
    .sockets = "listens: queue/intake, queue/submit",
    .compromise = "the mail that comes in and all that waits; no password, no Maildir, no program can be started",
};

const struct contract contract_sync = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_WRITE_FILES,
    .memory = 16u << 20,
    .descriptors = 64,
    .processes = 8,
    .reaches = "nothing but what is open: the parts of the queue directory",
    .sockets = "the intake's pair",
    .compromise = "that a message is called durable when it is not",
};

const struct contract contract_journal = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_READ_FILES | CALLS_WRITE_FILES,
    .memory = 16u << 20,
    .descriptors = 128,
    .processes = 8,
    .reaches = "the queue directory",
    .sockets = "the intake's pair",
    .compromise = "that a message is called durable when it is not; reading, changing and losing what waits in the queue",
};

const struct contract contract_bouncer = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_CONNECT | CALLS_READ_FILES,
    .memory = 256u << 20,
    .descriptors = 64,
    .processes = 1,
    .reaches = "the queue directory, for reading",
    .sockets = "connects: queue/submit",
    .compromise = "reading what waits in the queue, sending mail",
};

const struct contract contract_viewer = {
    .calls = CALLS_BASIC | CALLS_MESSAGES | CALLS_EVENTS | CALLS_READ_FILES | CALLS_WRITE_FILES, /* fsync; it can open nothing for writing */
    .memory = 256u << 20,
    .descriptors = 256,
    .processes = 1,
    .reaches = "the queue directory, for reading",
    .sockets = "listens: queue/show",
    .compromise = "reading what waits in the queue; that a change is called durable when it is not",
};
