/* SPDX-License-Identifier: ISC */
/* SipHash-2-4, a keyed hash for tables whose keys come from strangers. */
#include "config.h"

#include "resolver/hash.h"

#include <endian.h>
#include <string.h>
#include <unistd.h>

int resolver_hash_key_make(struct resolver_hash_key *key)
{
	return getentropy(key, sizeof(*key));
}

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void mix(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static inline void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v, 2);
	v[0] ^= word;
}

uint64_t resolver_hash(const struct resolver_hash_key *key, const void *data, size_t length)
{
	const unsigned char *p = data;
	size_t left = length;
	uint64_t word,
	    v[4] = {
	        key->k0 ^ UINT64_C(0x736f6d6570736575),
	        key->k1 ^ UINT64_C(0x646f72616e646f6d),
	        key->k0 ^ UINT64_C(0x6c7967656e657261),
	        key->k1 ^ UINT64_C(0x7465646279746573),
	    };

	for (; left >= sizeof(word); left -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		absorb(v, le64toh(word));
	}
	word = 0;
	memcpy(&word, p, left);
	absorb(v, le64toh(word) | (uint64_t)length << 56);
	v[2] ^= 0xff;
	mix(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
