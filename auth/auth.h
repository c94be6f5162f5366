/* SPDX-License-Identifier: ISC */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

/*
 * Who is it?  Credentials are checked in children of the keeper process; a worker asks over a
 * SOCK_SEQPACKET socket and never sees a path or a service name.  Never logs; codes and texts.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct event_base;
struct sockaddr;

enum auth_kind { AUTH_PASSWORD_FILE, AUTH_PAM, AUTH_EXEC };

#define AUTH_CHECKS 32 /* unless a block says otherwise */
#define AUTH_CACHE_MS 60000

/* One `auth NAME { … }`. */
struct auth_block {
	const char *name;
	enum auth_kind kind;
	const char *path;    /* password file */
	const char *service; /* PAM */
	const char *confdir; /* where PAM services are described; NULL: where the system has them */
	const char *const *command; /* program: its path, its arguments, NULL; see program.h */
	unsigned checks;  /* other than password files: under way at once; 0: AUTH_CHECKS */
	int64_t cache_ms; /* how long a worker may repeat a positive answer; 0: not at all */
};

enum auth_result {
	AUTH_UNAVAILABLE, /* the source cannot be used, no time, child lost: a denial */
	AUTH_WRONG,       /* wrong password, or nobody knows the user */
	AUTH_ACCEPTED     /* not 0: what was forgotten lets nobody in */
};

/* --- the worker's side (link.c) ------------------------------------------------------------- */

struct auth_link;
struct auth_check;

/*
 * A worker's connection to the keeper; takes over fd.  If the keeper has gone, lost() is called
 * once and the checks under way end as unavailable.
 */
struct auth_link *auth_link_new(
    struct event_base *base, int fd, void (*lost)(void *arg), void *arg);
/* Pending checks are dropped without a call; their handles are freed. */
void auth_link_free(struct auth_link *link);

struct auth_question {
	const uint16_t
	    *blocks; /* indices, in the order to be asked: the next only if the user is unknown */
	size_t block_count;
	const char *user, *password; /* copied; one with a NUL or over 255 bytes is wrong */
	size_t user_length, password_length;
	const char *rhost;   /* the client's address as text, at most 63 bytes; NULL: it has none */
	int64_t deadline_ms; /* for the whole check, from now */
};
#define AUTH_BLOCKS_MAX 32 /* of one question, so of one listener; more are unavailable */
struct auth_answer {
	enum auth_result result;
	uint16_t block;   /* the index that accepted */
	const char *user; /* who it is: by another name than asked, if PAM says so; "" if nobody */
};
/*
 * done() comes once, from the loop, never before this returns; the answer lives as long as the
 * call, the handle is freed before it.  auth_check_free() cancels.  A yes may be one that the link
 * remembers, for the block's cache_ms.  NULL: out of memory or the link is lost.
 */
struct auth_check *auth_link_ask(struct auth_link *link, const struct auth_question *question,
    void (*done)(void *arg, const struct auth_answer *answer), void *arg);
void auth_check_free(struct auth_check *check);

/* --- ident (ident.c) ------------------------------------------------------------------------- */

/*
 * Whom the client's own machine says it is (RFC 1413): a claim of whoever runs that machine.  One
 * question, from the address that the client came to, to the address that it came from.
 */
struct auth_ident;

#define AUTH_IDENT_PORT 113
#define AUTH_IDENT_USER_MAX 512 /* RFC 1413, 6, note 2 */

struct auth_ident_plan {
	struct event_base *base;
	const struct sockaddr *ours, *theirs; /* the ends of the client's connection; copied */
	uint16_t port;                        /* AUTH_IDENT_PORT, but in tests */
	int64_t deadline_ms;                  /* for all of it, from now */
};
/*
 * done() comes once, from the loop, never before this returns and never after auth_ident_free(),
 * which cancels; the handle is freed when it is called.  `user` is 1 to AUTH_IDENT_USER_MAX bytes
 * without control characters, and lives until done() returns; NULL: nobody knows, for whatever
 * reason.  NULL is returned if memory is out.
 */
struct auth_ident *auth_ident_start(
    const struct auth_ident_plan *plan, void (*done)(void *arg, const char *user), void *arg);
void auth_ident_free(struct auth_ident *ident);

/* --- the keeper's side (checks.c) ------------------------------------------------------------ */

struct auth_checks;

/*
 * Serves links with forked children at nice 10: at most cores-1 (at least 1) hash at once, other
 * blocks have their own `checks`.  More wait, client addresses in turn, until their deadline or
 * until 1024 wait.  The blocks must outlive it.
 */
struct auth_checks *auth_checks_new(
    struct event_base *base, const struct auth_block *blocks, size_t count);
void auth_checks_free(struct auth_checks *checks); /* ends the children by their pid */
/* Serve one more link; takes over fd.  An fd whose peer has gone is dropped. */
int auth_checks_serve(struct auth_checks *checks, int fd);

/*
 * Whether the service has a description of its own.  Without one nobody is asked: libpam would take
 * the service `other`, with which Debian lets in whoever has a password of the system.
 */
bool auth_pam_knows(const char *service, const char *confdir);

/* --- password files (password_file.c, passwd.c) ---------------------------------------------- */

/*
 * Look at every line: complain(arg, line, is_error, text) for each that is malformed or hashed with
 * a method that is not allowed (plaintext, DES, $1$, {SHA}), with a warning for weak or very costly
 * ones.  About the file itself, line 0: that everybody can read it, or others than its owner write
 * it, is an error, another owner than root and this process a warning; its group may read it.  -1
 * with errno if it cannot be read; else the number of users.
 */
long auth_password_file_check(const char *path,
    void (*complain)(void *arg, unsigned line, bool error, const char *text), void *arg);
/* Set or replace one user's password (yescrypt), atomically, mode 0600 if new.  NULL or what is
 * wrong. */
const char *auth_password_file_set(const char *path, const char *user, const char *password);

#endif
