/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_IDENTITY_H
#define GATEWAY_IDENTITY_H

#include "auth/auth.h"
#include "gateway/reason.h"
#include "routes/routes.h"

/*
 * Who is let in, and as whom: the one gate that every protocol passes.  Pure: it is told what is
 * known of a client and says what the client may do about it.
 */
enum identity_kind {
	IDENTITY_PASSWORD, /* by password file, PAM or program: the keeper is asked */
	IDENTITY_UNIX_PEER,
	IDENTITY_SOURCE,
	IDENTITY_IDENT
};

/* One `auth NAME { … }`. */
struct identity_block {
	const char *name;
	enum identity_kind kind;
	uint16_t check; /* PASSWORD: its index in conf.auths, by which the keeper knows it */
	struct prefix *prefixes; /* SOURCE: where its clients come from */
	size_t prefix_count;
	const char *user; /* SOURCE: who they are */
	bool required;    /* IDENT: no answer, nobody let in */
};

#define IDENTITY_PARTS_MAX 8

/* One word after a listener's `auth`, as `lan+staff`: all must hold, the last names the user. */
struct identity_choice {
	const struct identity_block *parts[IDENTITY_PARTS_MAX]; /* at most one PASSWORD */
	size_t part_count;                                      /* 0: `none` */
};

struct identity_gate {
	struct identity_choice *choices; /* in order of preference */
	size_t choice_count;             /* 0: nothing was said, as `none` */
};

/* What is known of a client without its help. */
struct identity_facts {
	const struct in6_addr *address; /* NULL: on a unix socket */
	const char *unix_user;          /* then: the owner of its process; NULL: unknown */
	bool ident_asked;               /* its identd was asked, and has answered or never will */
	const char *ident_user;         /* NULL: it named nobody */
};

struct identity {
	const char *user;                       /* NULL: nobody; as long as facts and choices */
	const char *proven[IDENTITY_PARTS_MAX]; /* the names of the blocks that let the user in */
	size_t proven_count;
};

/* Does it depend on the client's identd?  Then that is asked first. */
bool identity_wants_ident(const struct identity_gate *gate, const struct identity_facts *facts);

struct identity_offer {
	uint8_t methods[2]; /* of SOCKS5, as for handshake_serve() */
	size_t method_count;
	enum reason refusal; /* what a client that can do none of them is told */
};
void identity_offer(struct identity_offer *offer, const struct identity_gate *gate,
    const struct identity_facts *facts);

/*
 * A client that sent no password.  `claim` is the user id of SOCKS4, which must be what the
 * client's identd says (NULL: the protocol knows no such thing).  REASON_OK with *who, or why not.
 */
enum reason identity_admit(struct identity *who, const struct identity_gate *gate,
    const struct identity_facts *facts, const char *claim);

/* Which of the keeper's blocks judge a password, in this order; returns how many. */
size_t identity_checks(uint16_t checks[AUTH_BLOCKS_MAX], const struct identity_gate *gate,
    const struct identity_facts *facts);
/* One of those let `user` in. */
void identity_accept(struct identity *who, const struct identity_gate *gate,
    const struct identity_facts *facts, uint16_t check, const char *user);

/* Can nobody come in without a password? */
bool identity_demands_password(const struct identity_gate *gate);
/* Does any word of it ask for one? */
bool identity_takes_password(const struct identity_gate *gate);

#endif
