/* SPDX-License-Identifier: ISC */
/* Hashes as `openssl passwd -apr1` and htpasswd make them. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "auth/apr1.h"

static const struct {
	const char *password, *hash;
} rows[] = {
    {"secret", "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/"},
    {"", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie."},
    {"x", "$apr1$12$7dSatJfVtxyiY22qN7shy/"},
    {"exactly 16 bytes", "$apr1$Z$1g.UEADriSvvpfQfTk6o8/"},
    {"seventeen bytes !", "$apr1$./././.A$ywt7OUP.OHDPsV2QhyS/s."},
    {"ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
     "ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
     "ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
        "$apr1$a1$W0LxNelu6oqJt7Ciecxr21"},
    {"ünïcödé: p w", "$apr1$q9q9q9q9$Vw1I0F41VtWfxgZCIEBdc1"},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void test_vectors(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0; j < ROWS; j++)
			assert_int_equal(apr1_matches(rows[i].password, rows[j].hash),
			    strcmp(rows[i].password, rows[j].password) == 0);
}

/* Whichever character is another, it is another hash. */
static void test_every_character(void **unused)
{
	char hash[64];

	(void)unused;
	for (size_t i = 6; rows[0].hash[i] != '\0'; i++) {
		strcpy(hash, rows[0].hash);
		hash[i] = hash[i] == 'x' ? 'y' : 'x';
		assert_false(apr1_matches(rows[0].password, hash));
	}
}

static void test_malformed(void **unused)
{
	static const char *const hashes[] = {"", "$", "$apr1$", "$apr1$$", "$apr1$salt",
	    "$apr1$salt$", "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ", "$apr1$salt$abc",
	    "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/x", "$apr1$abcdefghi$h9FWgUz3n9YxylKLlR5SQ/",
	    "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5S!/", "$1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/"};

	(void)unused;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		assert_false(apr1_is_formed(hashes[i]));
		assert_false(apr1_matches("secret", hashes[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_every_character),
	    cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
