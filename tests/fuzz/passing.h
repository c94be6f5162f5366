/* SPDX-License-Identifier: ISC */
#ifndef TESTS_FUZZ_PASSING_H
#define TESTS_FUZZ_PASSING_H

#include <string.h>

#include "gateway/http_fields.h"
#include "tests/fuzz/promise.h"

/* What holds of every head that a proxy passes on, requests and responses alike. */
#define PSEUDONYM "proxy"

static inline bool same_bytes(struct span one, struct span other)
{
	return one.length == other.length &&
	    (one.length == 0 || memcmp(one.text, other.text, one.length) == 0);
}

static inline struct http_field only_field(const struct http_head *head, const char *name)
{
	bool several;
	const struct http_field *field = http_head_field(head, name, &several);

	PROMISE(field && !several);
	return *field;
}

static inline bool has_field(const struct http_head *head, const char *name)
{
	bool several;

	return http_head_field(head, name, &several) != NULL;
}

/* Those that a proxy may touch. */
static inline bool is_special(struct span name)
{
	static const char *const special[] = {"Connection", "Content-Length", "Date", "Expect",
	    "Forwarded", "HTTP2-Settings", "Host", "Keep-Alive", "Max-Forwards", "TE",
	    "Transfer-Encoding", "Upgrade", "Via"};

	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (span_is(name, special[i]))
			return true;
	return span_starts(name, "Proxy-") || span_starts(name, "X-Forwarded-");
}

/* The next one from *i on that nobody may touch; NULL: there is none. */
static inline const struct http_field *next_plain(
    const struct http_head *head, const struct http_options *dropped, size_t *i)
{
	while (*i < head->field_count) {
		const struct http_field *field = &head->fields[(*i)++];

		if (!is_special(field->name) &&
		    !(dropped && http_options_name(dropped, field->name)))
			return field;
	}
	return NULL;
}

/* All others come out as they went in, but for those that Connection names. */
static inline void check_plain_fields(const struct http_head *in, const struct http_head *out)
{
	const struct http_field *one, *other;
	struct http_options options;
	size_t i = 0, n = 0;

	PROMISE(http_options_read(&options, in));
	do {
		one = next_plain(in, &options, &i);
		other = next_plain(out, NULL, &n);
		PROMISE(!one == !other);
		PROMISE(!one ||
		    (same_bytes(one->name, other->name) && same_bytes(one->value, other->value)));
	} while (one);
}

/* Nothing that was for the other connection; Connection names what else is for this one. */
static inline void check_hop_by_hop(const struct http_head *out)
{
	static const char *const never[] = {"Keep-Alive", "TE", "Proxy-Connection",
	    "Proxy-Authenticate", "Proxy-Authentication-Info"};
	struct http_options options;

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		PROMISE(!has_field(out, never[i]));
	PROMISE(http_options_read(&options, out));
	PROMISE(options.count == 0 && !options.strange);
	PROMISE(options.upgrade == has_field(out, "Upgrade"));
}

/* We are the last in a list of one line. */
static inline void check_via(const struct http_head *in, const struct http_head *out)
{
	struct span list = only_field(out, "Via").value, member, last = {NULL, 0};

	while (span_member(&list, &member))
		last = member;
	PROMISE(span_equal(last, in->minor > 0 ? "1.1 " PSEUDONYM : "1.0 " PSEUDONYM));
}

/*
 * Transparent: what comes out went in before, in that order; `host` and more may have got another
 * value.  Proxy-Connection may have become Connection.
 */
static inline bool may_become(const struct http_field *in, const struct http_field *out)
{
	struct span name = in->name;

	if (span_is(name, "Proxy-Connection") && span_is(out->name, "Connection")) {
		name.text += 6;
		name.length -= 6;
	}
	return same_bytes(name, out->name) &&
	    (is_special(name) || same_bytes(in->value, out->value));
}

static inline void check_nothing_added(
    const struct http_head *in, const struct http_head *out, size_t first)
{
	size_t n = 0;

	for (size_t i = first; i < out->field_count; i++) {
		while (n < in->field_count && !may_become(&in->fields[n], &out->fields[i]))
			n++;
		PROMISE(n++ < in->field_count);
	}
}

#endif
