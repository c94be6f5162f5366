/* SPDX-License-Identifier: ISC */
/* Requests passed on: what comes out is a request again, the same one, for the same target. */
#include "config.h"

#include "gateway/http_request.h"
#include "tests/fuzz/passing.h"

#define MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path is as it was, with the slash that it may have lacked. */
static void check_origin_form(const struct http_head *in, struct span uri)
{
	bool bare = in->path.length == 0 || in->path.text[0] == '?';

	PROMISE(uri.length > 0 && uri.text[0] == '/');
	if (bare) {
		uri.text++;
		uri.length--;
	}
	PROMISE(same_bytes(in->path, uri));
}

static void check_target(
    const struct http_request_plan *plan, const struct http_head *in, const struct http_head *out)
{
	struct span host = only_field(out, "Host").value;
	struct target target;

	PROMISE(same_bytes(in->method, out->method));
	PROMISE(same_bytes(host, in->authority));
	PROMISE(target_parse_authority(&target, host.text, host.length, 80) == REASON_OK);
	PROMISE(target.port == in->target.port && host_equal(&target.host, &in->target.host));
	if (plan->absolute)
		PROMISE(out->form == HTTP_ABSOLUTE && same_bytes(in->uri, out->uri));
	else if (out->form == HTTP_ASTERISK)
		PROMISE(in->path.length == 0 && span_equal(in->method, "OPTIONS"));
	else
		check_origin_form(in, out->uri);
}

/* Of the connection to the next recipient nothing is said but what the client asked for. */
static void check_options(const struct http_request_plan *plan, const struct http_head *out)
{
	struct http_list protocols = {.head = out, .name = "Upgrade"};
	struct http_options options;
	struct span protocol;

	check_hop_by_hop(out);
	PROMISE(!has_field(out, "HTTP2-Settings"));
	PROMISE(http_options_read(&options, out));
	PROMISE(!options.close && options.upgrade == plan->request->upgrade);
	PROMISE(!options.keep_alive || !plan->pseudonym);
	while (http_list_next(&protocols, &protocol))
		PROMISE(http_is_foreign(protocol));
	PROMISE(!plan->request->old || !has_field(out, "Expect"));
	PROMISE(has_field(out, "Proxy-Authorization") == (plan->absolute && plan->proxy));
}

static bool ends_with(const struct http_head *out, const char *name, const char *text)
{
	struct span value = only_field(out, name).value;
	size_t n = strlen(text);

	return value.length >= n && memcmp(value.text + value.length - n, text, n) == 0;
}

static void check_forwarded(const struct http_request_plan *plan, const struct http_head *out)
{
	if (plan->forwarded == HTTP_FORWARDED_APPEND) {
		PROMISE(ends_with(out, "Forwarded", ";proto=http"));
		PROMISE(ends_with(out, "X-Forwarded-For", plan->client ? "192.0.2.1" : "unknown"));
	}
	if (plan->forwarded == HTTP_FORWARDED_STRIP)
		for (size_t i = 0; i < out->field_count; i++)
			PROMISE(!span_is(out->fields[i].name, "Forwarded") &&
			    !span_starts(out->fields[i].name, "X-Forwarded-"));
}

static void check_facts(
    const struct http_request_plan *plan, const struct http_head *in, const struct http_head *out)
{
	struct http_request again;
	struct http_head absolute = *out;

	PROMISE(has_field(in, "Max-Forwards") == has_field(out, "Max-Forwards"));
	/* Read as the next proxy would. */
	absolute.form = HTTP_ABSOLUTE;
	absolute.scheme = (struct span)SPAN("http");
	PROMISE(http_request_read(&again, &absolute, NULL) == REASON_OK);
	if (plan->request->max_forwards > 0)
		PROMISE(again.max_forwards == plan->request->max_forwards - 1);
	else
		PROMISE(again.max_forwards == -1);
	PROMISE(again.upgrade == plan->request->upgrade && again.head == plan->request->head);
	PROMISE(again.may_repeat == plan->request->may_repeat && !again.old && again.persists);
	PROMISE(again.expects == plan->request->expects);
	PROMISE(plan->request->pins || !again.pins);
	if (plan->pseudonym)
		PROMISE(http_request_read(&again, &absolute, plan->pseudonym) == REASON_LOOP);
}

static void check(
    const struct http_request_plan *plan, const struct http_head *in, const struct buffer *bytes)
{
	struct http_head out;

	/* What is added may be too much for a reader of our own limits. */
	if (in->field_count + 5 > HTTP_FIELDS_MAX)
		return;
	PROMISE(http_head_request(&out, buffer_bytes(bytes), buffer_length(bytes), MAX) == 1);
	PROMISE(out.length == buffer_length(bytes) && out.minor == 1);
	PROMISE(out.framing == in->framing && out.body_length == in->body_length);
	check_target(plan, in, &out);
	check_options(plan, &out);
	check_plain_fields(in, &out);
	check_forwarded(plan, &out);
	check_facts(plan, in, &out);
	if (plan->pseudonym)
		check_via(in, &out);
	else if (plan->forwarded == HTTP_FORWARDED_OFF && !plan->proxy)
		check_nothing_added(in, &out, has_field(in, "Host") ? 0 : 1);
}

static void echo(const struct http_head *in, const struct http_request *request)
{
	struct http_head out;
	struct buffer bytes;

	buffer_init(&bytes, NULL, HTTP_ECHO_MAX(in->length));
	PROMISE(http_request_echo(&bytes, in, request, true, 0));
	PROMISE(http_head_response(&out, buffer_bytes(&bytes), buffer_length(&bytes), MAX) == 1);
	if (request->trace) {
		struct span length = only_field(&out, "Content-Length").value;
		size_t n = buffer_length(&bytes) - out.length;

		PROMISE(strtoul(length.text, NULL, 10) == n);
		PROMISE(http_head_request(&out, buffer_bytes(&bytes) + out.length, n, MAX) == 1);
		PROMISE(out.length == n && same_bytes(out.uri, in->uri));
		PROMISE(!has_field(&out, "Cookie") && !has_field(&out, "Authorization"));
	}
	buffer_clear(&bytes);
}

/* One octet for how it is passed on, then the head. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct credentials login = {
	    .user = "u", .user_length = 1, .password = "p", .password_length = 1};
	static const struct endpoint client = {
	    .address = {.s6_addr = {[10] = 0xff, 0xff, 192, 0, 2, 1}}};
	struct http_request request;
	struct http_head head;
	struct http_request_plan plan;
	struct buffer bytes;

	if (size < 2 || http_head_request(&head, data + 1, size - 1, MAX) != 1)
		return 0;
	plan = (struct http_request_plan){.head = &head,
	    .request = &request,
	    .pseudonym = data[0] & 1 ? PSEUDONYM : NULL,
	    .absolute = data[0] & 2,
	    .proxy = (data[0] & 6) == 6 ? &login : NULL,
	    .client = data[0] & 8 ? &client : NULL,
	    .forwarded = (data[0] >> 4) % 3};
	if (http_request_read(&request, &head, plan.pseudonym) != REASON_OK)
		return 0;
	if (request.receiver == HTTP_TO_US) {
		echo(&head, &request);
		return 0;
	}
	buffer_init(&bytes, NULL, HTTP_REQUEST_MAX(head.length));
	PROMISE(http_request_write(&bytes, &plan));
	check(&plan, &head, &bytes);
	buffer_clear(&bytes);
	return 0;
}
