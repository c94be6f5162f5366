/* SPDX-License-Identifier: ISC */
/* Fields that mean something to a proxy, and lines of heads. */
#include "config.h"

#include "gateway/http_fields.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "gateway/digits.h"

/* --- Connection ------------------------------------------------------------------------------- */

static bool add(struct http_options *options, struct span option)
{
	if (span_is(option, "close"))
		options->close = true;
	else if (span_is(option, "keep-alive"))
		options->keep_alive = true;
	else if (span_is(option, "upgrade"))
		options->upgrade = true;
	else if (!span_is_token(option) || span_is(option, "connection"))
		options->strange = true;
	else if (options->count == HTTP_OPTIONS_MAX)
		return false;
	else
		options->names[options->count++] = option;
	return true;
}

bool http_options_read(struct http_options *options, const struct http_head *head)
{
	struct http_list list = {.head = head, .name = SPAN("Connection")};
	struct span option;

	*options = (struct http_options){.count = 0};
	while (http_list_next(&list, &option))
		if (!add(options, option))
			return false;
	return true;
}

bool http_options_name(const struct http_options *options, struct span name)
{
	for (size_t i = 0; i < options->count; i++)
		if (span_same(options->names[i], name))
			return true;
	return false;
}

/* --- protocols and schemes -------------------------------------------------------------------- */

/* protocol-name ["/" protocol-version]; "h2c" and its drafts, "h2c-14", are HTTP as well. */
bool http_is_foreign(struct span protocol)
{
	struct span name;

	if (!span_cut(&protocol, '/', &name))
		name = protocol;
	return span_is_token(name) && span_is_token(protocol) && !span_is(name, "HTTP") &&
	    !span_starts(name, "h2");
}

/* One line may hold several challenges (RFC 9110, 11.6.1), each begins with its scheme. */
bool http_logs_in(const struct http_head *head, const char *name)
{
	static const char *const schemes[] = {"NTLM", "Negotiate", "Nego2", "Kerberos"};
	struct http_list list = {.head = head, .name = {name, strlen(name)}};
	struct span member;

	while (http_list_next(&list, &member)) {
		struct span scheme = span_word(&member);

		for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
			if (span_is(scheme, schemes[i]))
				return true;
	}
	return false;
}

/* --- lines ------------------------------------------------------------------------------------ */

bool http_write_field(struct buffer *out, const struct http_field *field)
{
	const char *colon = field->name.text + field->name.length;

	if (*colon != ':') /* an origin's blanks before it (RFC 9112, 5.1) */
		return http_write_line(out, field->name, field->value);
	return buffer_add(out, field->name.text,
	           (size_t)(field->value.text + field->value.length - field->name.text)) &&
	    buffer_add(out, "\r\n", 2);
}

bool http_write_line(struct buffer *out, struct span name, struct span value)
{
	return buffer_add(out, name.text, name.length) && buffer_add(out, ": ", 2) &&
	    buffer_add(out, value.text, value.length) && buffer_add(out, "\r\n", 2);
}

bool http_write_number(struct buffer *out, struct span name, uint64_t number)
{
	char digits[DIGITS_MAX];
	size_t n = digits_write(digits, number);

	return http_write_line(out, name, (struct span){digits, n});
}

bool http_write_date(struct buffer *out, int64_t now)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)now;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return false;
	return buffer_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
	    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool separate(struct buffer *out, bool *begun, struct span name)
{
	bool first = !*begun;

	*begun = true;
	if (first && !buffer_add(out, name.text, name.length))
		return false;
	return buffer_add(out, first ? ": " : ", ", 2);
}

bool http_write_members(struct buffer *out, const struct http_field *field, struct span name,
    http_stays *stays, unsigned which)
{
	struct span list = field->value, member;
	bool some = false, all = true, begun = false;

	while (all && span_member(&list, &member)) {
		some = true;
		all = stays(member, which);
	}
	if (some && all)
		return http_write_line(out, name, field->value);
	list = field->value;
	while (span_member(&list, &member))
		if (stays(member, which) &&
		    !(separate(out, &begun, name) && buffer_add(out, member.text, member.length)))
			return false;
	return !begun || buffer_add(out, "\r\n", 2);
}

bool http_write_list(struct buffer *out, const struct http_head *head, struct span name,
    struct span ours, bool (*sound)(struct span value))
{
	bool begun = false;

	for (size_t i = 0; head && i < head->field_count; i++) {
		struct span value = head->fields[i].value;

		if (!span_same(head->fields[i].name, name) || value.length == 0 ||
		    (sound && !sound(value)))
			continue;
		if (!separate(out, &begun, name) || !buffer_add(out, value.text, value.length))
			return false;
	}
	return separate(out, &begun, name) && buffer_add(out, ours.text, ours.length) &&
	    buffer_add(out, "\r\n", 2);
}

bool http_write_via(struct buffer *out, const struct http_head *head,
    const struct http_options *options, struct span name, const char *pseudonym)
{
	char ours[4 + 255];
	size_t n = strlen(pseudonym);

	assert(n <= sizeof(ours) - 4);
	memcpy(ours, head->minor > 0 ? "1.1 " : "1.0 ", 4);
	memcpy(ours + 4, pseudonym, n);
	return http_write_list(out, http_options_name(options, name) ? NULL : head, name,
	    (struct span){ours, 4 + n}, NULL);
}
