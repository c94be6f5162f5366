/* SPDX-License-Identifier: ISC */
/* Records of a fixed length, each with a sum over the rest. */
#include "config.h"

#include "gateway/quota_record.h"

#include <string.h>
#include <time.h>

#include <openssl/sha.h>

static const uint8_t mark[4] = {'h', 'g', 'q', '1'};

enum { MARK = 0, USER = 4, PERIOD = 20, BYTES = 24, SUM = 32 };
#define MONTHLY UINT32_C(0x80000000) /* the highest bit of the period */

uint32_t quota_period(bool monthly, int64_t seconds)
{
	const time_t at = (time_t)seconds;
	struct tm tm;

	localtime_r(&at, &tm);
	if (monthly)
		return (uint32_t)(tm.tm_year + 1900) * 12 + (uint32_t)tm.tm_mon;
	return (uint32_t)((seconds + tm.tm_gmtoff) / 86400);
}

void quota_user(uint8_t user[QUOTA_USER], const char *name)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)name, strlen(name), digest);
	memcpy(user, digest, QUOTA_USER);
}

static void put(uint8_t *out, uint64_t number, size_t length)
{
	for (size_t i = length; i > 0; i--, number >>= 8)
		out[i - 1] = (uint8_t)number;
}

static uint64_t get(const uint8_t *bytes, size_t length)
{
	uint64_t number = 0;

	for (size_t i = 0; i < length; i++)
		number = number << 8 | bytes[i];
	return number;
}

void quota_record_write(uint8_t out[QUOTA_RECORD], const struct quota_record *r)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	memcpy(out + MARK, mark, sizeof mark);
	memcpy(out + USER, r->user, QUOTA_USER);
	put(out + PERIOD, r->period | (r->monthly ? MONTHLY : 0), BYTES - PERIOD);
	put(out + BYTES, r->bytes, SUM - BYTES);
	SHA256(out, SUM, digest);
	memcpy(out + SUM, digest, QUOTA_RECORD - SUM);
}

bool quota_record_read(struct quota_record *r, const uint8_t bytes[QUOTA_RECORD])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint32_t period = (uint32_t)get(bytes + PERIOD, BYTES - PERIOD);

	SHA256(bytes, SUM, digest);
	if (memcmp(bytes + MARK, mark, sizeof mark) != 0 ||
	    memcmp(bytes + SUM, digest, QUOTA_RECORD - SUM) != 0)
		return false;
	memcpy(r->user, bytes + USER, QUOTA_USER);
	r->monthly = period & MONTHLY;
	r->period = period & ~MONTHLY;
	r->bytes = get(bytes + BYTES, SUM - BYTES);
	return true;
}
