/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_ACCOUNT_H
#define GATEWAY_ACCOUNT_H

#include "gateway/backoff.h"
#include "gateway/bucket.h"
#include "gateway/conf.h"
#include "gateway/reason.h"

/*
 * How much each client and user has of the gateway at this moment: the one table that all workers
 * share.  A client is an IPv4 address or an IPv6 /64; clients on unix sockets are one client.
 */
struct account;
struct holder; /* one client or user */

struct account *account_new(void);
void account_free(struct account *account);

/*
 * A connection came.  REASON_OK with *holder to be released by account_leave(), or NULL if nothing
 * is limited; REASON_LIMIT and *holder NULL if it is one too many.  `address` NULL: a unix socket.
 */
enum reason account_enter(struct account *account, const struct limits *limits,
    const struct in6_addr *address, int64_t now_ms, struct holder **holder);
/* Its handshake is over. */
void account_served(struct account *account, struct holder *holder);
/* It has ended; `served` as it was said.  NULL is allowed. */
void account_leave(struct account *account, struct holder *holder, bool served);

/*
 * May a login be checked that comes from there?  BACKOFF_CHECK with *holder, for which one of the
 * others is called once; BACKOFF_CHECK and NULL if nothing is limited, or memory is out.
 */
struct login {
	const struct times *most; /* wrong ones */
	const struct in6_addr *address;
	uid_t uid; /* on a unix socket, address is NULL */
	int64_t now_ms;
};
enum backoff_verdict account_attempt(
    struct account *account, const struct login *login, struct holder **holder);
/* As backoff_fail(). */
bool account_failed(
    struct account *account, struct holder *holder, const struct login *login, int64_t *delay_ms);
/* It was right, or nobody knows. */
void account_attempted(struct account *account, struct holder *holder, bool right);

/* As bucket_take() and bucket_give_back(), of what the holder's sessions have together. */
int64_t account_take(
    struct account *account, struct holder *holder, uint64_t rate, uint64_t bytes, int64_t now_ns);
void account_give_back(
    struct account *account, struct holder *holder, uint64_t rate, uint64_t bytes);

/* The same for the user that a session has turned out to be; released by account_leave(…, true). */
enum reason account_login(
    struct account *account, const struct limits *limits, const char *user, struct holder **holder);

#endif
