/* SPDX-License-Identifier: ISC */
/*
 * MD5-crypt (Kamp 1994) under Apache's prefix: a thousand rounds of MD5, which was slow once.  Each
 * step is as the algorithm has it, odd as it is.
 */
#include "config.h"

#include "auth/apr1.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#define SALT_MAX 8
#define MD5_LENGTH 16
#define HASH_LENGTH 22 /* 16 bytes, 6 bits a character */
#define ROUNDS 1000

static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool apr1_is_formed(const char *hash)
{
	const size_t prefix = strlen(APR1_PREFIX);
	size_t salt;

	if (strncmp(hash, APR1_PREFIX, prefix) != 0)
		return false;
	hash += prefix;
	salt = strcspn(hash, "$");
	return salt <= SALT_MAX && hash[salt] == '$' && strlen(hash + salt + 1) == HASH_LENGTH &&
	    strspn(hash + salt + 1, digits) == HASH_LENGTH;
}

struct md5 {
	EVP_MD_CTX *context;
	bool good;
};

static void begin(struct md5 *md5)
{
	md5->good = md5->good && EVP_DigestInit_ex(md5->context, EVP_md5(), NULL) == 1;
}

static void add(struct md5 *md5, const void *bytes, size_t length)
{
	md5->good = md5->good && EVP_DigestUpdate(md5->context, bytes, length) == 1;
}

static void end(struct md5 *md5, uint8_t sum[MD5_LENGTH])
{
	md5->good = md5->good && EVP_DigestFinal_ex(md5->context, sum, NULL) == 1;
}

struct secret {
	const char *password, *salt;
	size_t password_length, salt_length;
};

static void first_sum(struct md5 *md5, const struct secret *s, uint8_t sum[MD5_LENGTH])
{
	begin(md5);
	add(md5, s->password, s->password_length);
	add(md5, s->salt, s->salt_length);
	add(md5, s->password, s->password_length);
	end(md5, sum);
	begin(md5);
	add(md5, s->password, s->password_length);
	add(md5, APR1_PREFIX, strlen(APR1_PREFIX));
	add(md5, s->salt, s->salt_length);
	for (size_t left = s->password_length; left > 0;) {
		size_t n = left < MD5_LENGTH ? left : MD5_LENGTH;

		add(md5, sum, n);
		left -= n;
	}
	for (size_t bits = s->password_length; bits > 0; bits >>= 1)
		add(md5, bits & 1 ? "" : s->password, 1);
	end(md5, sum);
}

static void one_round(
    struct md5 *md5, unsigned round, const struct secret *s, uint8_t sum[MD5_LENGTH])
{
	begin(md5);
	if (round % 2 == 1)
		add(md5, s->password, s->password_length);
	else
		add(md5, sum, MD5_LENGTH);
	if (round % 3 != 0)
		add(md5, s->salt, s->salt_length);
	if (round % 7 != 0)
		add(md5, s->password, s->password_length);
	if (round % 2 == 1)
		add(md5, sum, MD5_LENGTH);
	else
		add(md5, s->password, s->password_length);
	end(md5, sum);
}

static void encode(const uint8_t sum[MD5_LENGTH], char text[HASH_LENGTH])
{
	static const uint8_t order[5][3] = {
	    {0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}};

	for (int i = 0; i < 5; i++) {
		unsigned bits = (unsigned)sum[order[i][0]] << 16 | (unsigned)sum[order[i][1]] << 8 |
		    sum[order[i][2]];

		for (int j = 0; j < 4; j++, bits >>= 6)
			*text++ = digits[bits & 63];
	}
	text[0] = digits[sum[11] & 63];
	text[1] = digits[sum[11] >> 6];
}

bool apr1_matches(const char *password, const char *hash)
{
	struct md5 md5 = {.context = EVP_MD_CTX_new(), .good = true};
	struct secret s = {.password = password, .password_length = strlen(password)};
	uint8_t sum[MD5_LENGTH];
	char text[HASH_LENGTH];

	if (md5.context == NULL || !apr1_is_formed(hash)) {
		EVP_MD_CTX_free(md5.context);
		return false;
	}
	s.salt = hash + strlen(APR1_PREFIX);
	s.salt_length = strcspn(s.salt, "$");
	first_sum(&md5, &s, sum);
	for (unsigned round = 0; round < ROUNDS; round++)
		one_round(&md5, round, &s, sum);
	EVP_MD_CTX_free(md5.context);
	encode(sum, text);
	OPENSSL_cleanse(sum, sizeof(sum));
	return md5.good && CRYPTO_memcmp(text, s.salt + s.salt_length + 1, HASH_LENGTH) == 0;
}
