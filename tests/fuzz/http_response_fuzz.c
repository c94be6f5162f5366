/* SPDX-License-Identifier: ISC */
/* Responses passed on: what comes out is a response again, the same one, ending where the client
 * will see its end. */
#include "config.h"

#include "gateway/http_response.h"
#include "tests/fuzz/passing.h"

#define MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The client reads it as we mean it. */
static void check_end(const struct http_response_plan *plan, const struct http_head *out)
{
	enum http_framing framing = http_response_framing(plan->response, plan->request);
	bool last = !plan->response->interim && !plan->response->upgraded;
	bool length = has_field(out, "Content-Length");
	struct http_response again;

	PROMISE(http_response_read(&again, out, plan->request) == REASON_OK);
	PROMISE(again.framing == framing && again.interim == plan->response->interim);
	PROMISE(again.upgraded == plan->response->upgraded && again.pins == plan->response->pins);
	PROMISE(has_field(out, "Transfer-Encoding") == (framing == HTTP_BODY_CHUNKED));
	PROMISE(framing != HTTP_BODY_LENGTH || length);
	if (length) {
		PROMISE(only_field(out, "Content-Length").value.length > 0);
		PROMISE(again.length == plan->response->length);
		PROMISE(out->status / 100 != 1 && out->status != 204);
	}
	PROMISE(http_head_lists(out, "Connection", "close") == (last && !plan->persists));
	if (last && plan->persists && framing != HTTP_BODY_CLOSE)
		PROMISE(again.persists);
}

static void check(
    const struct http_response_plan *plan, const struct http_head *in, const struct buffer *bytes)
{
	struct http_head out;

	/* What is added may be too much for a reader of our own limits. */
	if (in->field_count + 5 > HTTP_FIELDS_MAX)
		return;
	PROMISE(http_head_response(&out, buffer_bytes(bytes), buffer_length(bytes), MAX) == 1);
	PROMISE(out.length == buffer_length(bytes) && out.minor == 1);
	PROMISE(out.status == in->status && same_bytes(out.phrase, in->phrase));
	check_end(plan, &out);
	check_hop_by_hop(&out);
	PROMISE(out.status == 101 || out.status == 426 || !has_field(&out, "Upgrade"));
	check_plain_fields(in, &out);
	if (plan->pseudonym) {
		check_via(in, &out);
		PROMISE(out.status < 200 || has_field(&out, "Date"));
	} else if (plan->persists && plan->response->framing == HTTP_BODY_NONE &&
	    !plan->response->upgraded && out.status != 426) {
		check_nothing_added(in, &out, 0);
	}
}

/* One octet for what was asked and how it is passed on, then the head. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request request = {0};
	struct http_response response;
	struct http_head head;
	struct http_response_plan plan;
	struct buffer bytes;

	if (size < 2 || http_head_response(&head, data + 1, size - 1, MAX) != 1)
		return 0;
	request.old = data[0] & 1;
	request.head = data[0] & 2;
	request.upgrade = !request.old && data[0] & 4;
	if (http_response_read(&response, &head, &request) != REASON_OK)
		return 0;
	plan = (struct http_response_plan){.head = &head,
	    .request = &request,
	    .response = &response,
	    .pseudonym = data[0] & 8 ? PSEUDONYM : NULL,
	    .persists = !request.old && data[0] & 16};
	buffer_init(&bytes, NULL, HTTP_RESPONSE_MAX(head.length));
	PROMISE(http_response_write(&bytes, &plan));
	check(&plan, &head, &bytes);
	buffer_clear(&bytes);
	return 0;
}
