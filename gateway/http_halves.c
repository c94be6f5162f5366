/* SPDX-License-Identifier: ISC */
/* The two halves of an exchange: the request on its way, and the response on its way back. */
#include "config.h"

#include "gateway/http_halves.h"

#include <errno.h>
#include <time.h>

void http_halves_fail(struct http_exchange *x, enum reason reason)
{
	if (x->outcome.reason == REASON_OK)
		x->outcome.reason = reason;
}

/* A turn of content.  False: the receiver has gone. */
static bool pump(
    struct http_exchange *x, struct flow *flow, const struct http_coder *coder, enum reason ended)
{
	struct meter *meter = x->plan.meter;
	size_t n, most = meter_ask(meter);
	enum flow_state state = flow_pump(flow, most, &n);
	enum reason wrong = coder->body.reason;

	meter_spend(meter, n);
	if (most == 0 && meter->reason != REASON_OK)
		http_halves_fail(x, meter->reason);
	else if (state == FLOW_REFUSED && wrong != REASON_OK)
		http_halves_fail(x, flow == &x->down ? http_response_refusal(wrong) : wrong);
	else if (state == FLOW_REFUSED)
		http_halves_fail(x, ended);
	else if (state == FLOW_FROM_LOST)
		http_halves_fail(x, flow == &x->up ? reason_of_client(flow->error) : ended);
	else if (state == FLOW_OUT_OF_MEMORY)
		http_halves_fail(x, REASON_RESOURCES);
	return state != FLOW_TO_LOST;
}

bool http_halves_asked(const struct http_exchange *x)
{
	return x->asked.body.ended && x->sent == buffer_length(x->plan.out) && !flow_holds(&x->up);
}

/* --- the request ----------------------------------------------------------------------------- */

static void lose_origin(struct http_exchange *x)
{
	/* What it has said before is still there to be read. */
	x->deaf = true;
	flow_drop(&x->up);
	x->up.ended = true;
}

bool http_halves_send(struct http_exchange *x)
{
	const struct buffer *out = x->plan.out;

	while (x->sent < buffer_length(out) && !x->deaf) {
		ssize_t n = stream_write(
		    x->plan.origin, buffer_bytes(out) + x->sent, buffer_length(out) - x->sent);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			lose_origin(x);
		if (n < 0)
			return false;
		x->sent += (size_t)n;
		meter_spend(x->plan.meter, (size_t)n);
	}
	return !x->deaf;
}

bool http_halves_asking(const struct http_exchange *x)
{
	return !x->deaf && (!x->up.ended || flow_holds(&x->up));
}

void http_halves_ask(struct http_exchange *x)
{
	if (http_halves_send(x) && http_halves_asking(x) &&
	    !pump(x, &x->up, &x->asked, REASON_CLIENT_GONE))
		lose_origin(x);
}

void http_halves_overhear(struct http_exchange *x)
{
	struct buffer *in = x->plan.in;
	size_t room;
	uint8_t *to = buffer_room(in, BUFFER_BLOCK, &room);
	ssize_t n;

	if (to == NULL)
		return;
	n = stream_read(x->plan.client, to, room);
	if (n > 0)
		buffer_commit(in, (size_t)n);
	else if (n == 0)
		x->plan.client_ended = true; /* RFC 9112, 9.6: it may still listen */
	else if (errno != EAGAIN && errno != EINTR)
		http_halves_fail(x, reason_of_client(errno));
}

/* --- the response ---------------------------------------------------------------------------- */

static bool write_head(struct http_exchange *x, const struct http_head *head)
{
	const struct http_response_plan plan = {
	    .head = head,
	    .request = &x->request,
	    .response = &x->response,
	    .pseudonym = x->plan.pseudonym,
	    .persists = x->outcome.client_persists,
	    .now = time(NULL),
	};

	return http_response_write(&x->reply, &plan);
}

/* The final head; `bytes` follow it. */
static void answer(struct http_exchange *x, const struct http_head *head, uint8_t *bytes, size_t n)
{
	const struct http_response *response = &x->response;
	struct http_coder *c = &x->answered;
	ssize_t used = 0;

	http_coder_init(
	    c, response->framing, response->length, http_response_framing(response, &x->request));
	x->outcome.status = response->status;
	x->outcome.pins = x->request.pins || response->pins;
	x->outcome.upgraded = response->upgraded;
	x->outcome.unframed = c->framing == HTTP_BODY_CLOSE;
	x->outcome.client_persists =
	    x->plan.goes_on && x->request.persists && !x->outcome.unframed && x->asked.body.ended;
	if (!write_head(x, head)) {
		http_halves_fail(x, REASON_RESPONSE_TOO_LARGE);
		return;
	}
	if (!response->upgraded)
		used = http_coder_begin(c, bytes, n, &x->reply);
	if (used < 0) {
		http_halves_fail(x, http_response_refusal(c->body.reason));
		return;
	}
	if (response->upgraded && stream_unread(x->plan.origin, bytes, n) != 0)
		http_halves_fail(x, REASON_RESOURCES);
	x->answering = true;
	x->down.ended = c->body.ended;
}

static void interim(struct http_exchange *x, const struct http_head *head)
{
	if (++x->interim > HTTP_INTERIM_MAX)
		http_halves_fail(x, REASON_BAD_RESPONSE);
	else if (!x->request.old && !write_head(x, head))
		http_halves_fail(x, REASON_RESPONSE_TOO_LARGE);
}

/* A login that is demanded of us is nobody's business but ours and the hop's; another protocol does
 * not begin within the request (RFC 9110, 7.8). */
static enum reason judge(struct http_exchange *x, const struct http_head *head)
{
	enum reason reason = http_response_read(&x->response, head, &x->request);

	if (reason == REASON_OK && x->response.status == 407)
		reason = x->plan.to_proxy ? REASON_HOP_AUTH : REASON_BAD_RESPONSE;
	if (reason == REASON_OK && x->response.upgraded && !http_halves_asked(x))
		reason = REASON_BAD_RESPONSE;
	return reason;
}

/* Every head among these bytes, and the content after the last.  How many need not be kept. */
static size_t understand(struct http_exchange *x, uint8_t *bytes, size_t n)
{
	struct http_head head;
	size_t used = 0;
	enum reason reason;
	int got;

	while (used < n && !x->answering && x->outcome.reason == REASON_OK) {
		got = http_head_response(&head, bytes + used, n - used, x->plan.max_head);
		if (got == 0)
			break;
		reason = got < 0 ? http_response_refusal(head.reason) : judge(x, &head);
		if (reason != REASON_OK)
			http_halves_fail(x, reason);
		else if (x->response.interim)
			interim(x, &head);
		else
			answer(x, &head, bytes + used + head.length, n - used - head.length);
		used += head.length;
	}
	return x->answering ? n : used;
}

/* The origin said nothing, or stopped before its response was whole. */
enum reason http_halves_unanswered(const struct http_exchange *x)
{
	return x->outcome.first_byte == 0 ? REASON_ORIGIN_CLOSED : REASON_RESPONSE_INCOMPLETE;
}

/* Heads, and what comes with them, are read as they are, and made up for afterwards. */
static bool may_hear(struct http_exchange *x)
{
	struct meter *meter = x->plan.meter;

	if (meter_ask(meter) > 0)
		return true;
	if (meter->reason != REASON_OK)
		http_halves_fail(x, meter->reason);
	return false;
}

void http_halves_hear(struct http_exchange *x)
{
	struct buffer *heard = &x->heard;
	uint8_t *bytes = x->plan.loop->scratch;
	size_t before = buffer_length(heard), used;
	ssize_t n;

	if (!may_hear(x))
		return;
	n = stream_read(x->plan.origin, bytes, HTTP_READ_MAX);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			http_halves_fail(x, http_halves_unanswered(x));
		return;
	}
	meter_spend(x->plan.meter, (size_t)n);
	if (x->outcome.first_byte == 0)
		x->outcome.first_byte = loop_now();
	if (before == 0) {
		used = understand(x, bytes, (size_t)n);
		if (used < (size_t)n && !buffer_add(heard, bytes + used, (size_t)n - used))
			http_halves_fail(x, REASON_RESPONSE_TOO_LARGE);
		return;
	}
	if (!buffer_add(heard, bytes, (size_t)n))
		http_halves_fail(x, REASON_RESPONSE_TOO_LARGE);
	else if (http_head_news(
	             buffer_bytes(heard), before, buffer_length(heard), x->plan.max_head))
		buffer_consume(heard, understand(x, buffer_bytes(heard), buffer_length(heard)));
}

/* To the client: heads first. */
static bool send_reply(struct http_exchange *x)
{
	struct buffer *reply = &x->reply;

	while (buffer_length(reply) > 0) {
		ssize_t n = stream_write(x->plan.client, buffer_bytes(reply), buffer_length(reply));

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			http_halves_fail(x, reason_of_client(errno));
		if (n < 0)
			return false;
		buffer_consume(reply, (size_t)n);
		x->outcome.said = x->answering || buffer_length(reply) > 0;
		x->outcome.down += (uint64_t)n;
	}
	return true;
}

void http_halves_reply(struct http_exchange *x)
{
	if (send_reply(x) && x->answering && (!x->down.ended || flow_holds(&x->down)) &&
	    !pump(x, &x->down, &x->answered, REASON_RESPONSE_INCOMPLETE))
		http_halves_fail(x, reason_of_client(x->down.error));
}
