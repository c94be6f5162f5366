/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_FIELDS_H
#define GATEWAY_HTTP_FIELDS_H

#include "gateway/buffer.h"
#include "gateway/http_head.h"

/* What requests and responses share when their fields are passed on (RFC 9110, 7.6). */

/* --- Connection (7.6.1) ------------------------------------------------------------------------
 */

#define HTTP_OPTIONS_MAX 32 /* names of fields, in all lines together */

struct http_options {
	bool close, keep_alive, upgrade;
	bool strange; /* one is no token, or names Connection itself */
	struct span names[HTTP_OPTIONS_MAX];
	size_t count; /* of the names: all others */
};

/* False: more names than fit. */
bool http_options_read(struct http_options *options, const struct http_head *head);
/* Is this field for the connection only? */
bool http_options_name(const struct http_options *options, struct span name);

/* --- Upgrade (7.8) -----------------------------------------------------------------------------
 */

/*
 * Is it another protocol than what is forwarded here?  HTTP itself is not, in any version: its
 * requests would pass unseen from then on.
 */
bool http_is_foreign(struct span protocol);

/* --- logins ------------------------------------------------------------------------------------
 */

/* Do the fields of that name hold credentials or a challenge of a scheme that logs the connection
 * in and not the request: NTLM, Negotiate and its kin? */
bool http_logs_in(const struct http_head *head, const char *name);

/* --- lines: false if they do not fit -----------------------------------------------------------
 */

/* A field as it stands, to the blanks after its colon. */
bool http_write_field(struct buffer *out, const struct http_field *field);
bool http_write_line(struct buffer *out, struct span name, struct span value);
bool http_write_number(struct buffer *out, struct span name, uint64_t number);
/* IMF-fixdate (RFC 9110, 5.6.7); `now` in seconds since 1970. */
bool http_write_date(struct buffer *out, int64_t now);

/*
 * Only the members that stay, in their order and spelling; all stay: the value as it is; none: no
 * line.  `which` is handed through.
 */
typedef bool http_stays(struct span member, unsigned which);
bool http_write_members(struct buffer *out, const struct http_field *field, struct span name,
    http_stays *stays, unsigned which);

/*
 * One line for all of that name in `head` (may be NULL), `ours` as its last member: who looks at
 * the first line only, or at the last, sees the whole list.  `sound` (may be NULL) leaves out
 * lines.
 */
bool http_write_list(struct buffer *out, const struct http_head *head, struct span name,
    struct span ours, bool (*sound)(struct span value));
/* The list of those that a message went through (7.6.3), and we; without the others if the options
 * name it. */
bool http_write_via(struct buffer *out, const struct http_head *head,
    const struct http_options *options, struct span name, const char *pseudonym);

#endif
