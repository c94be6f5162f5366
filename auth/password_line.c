/* SPDX-License-Identifier: ISC */
/*
 * One line of a password file.  Which methods are good enough is our own list: libcrypt would
 * take a plaintext password for the salt of a DES hash.
 */
#include "config.h"

#include "auth/password_file.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "auth/apr1.h"

/* Costs above which one login takes seconds. */
#define YESCRYPT_COST_MAX 17 /* log2(N) - 1: crypt_gensalt(3)'s 11 */
#define SCRYPT_COST_MAX 18   /* log2(N) */
#define BCRYPT_COST_MAX 14
#define SHA_ROUNDS_MAX 5000000

/* A digit of crypt(5)'s own base 64; 64: none. */
static unsigned digit(char c)
{
	static const char digits[] =
	    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (unsigned)(at - digits) : 64;
}

static bool yescrypt_expensive(const char *parameters)
{
	return parameters[0] != '\0' && digit(parameters[1]) > YESCRYPT_COST_MAX;
}

static bool scrypt_expensive(const char *parameters)
{
	return digit(parameters[0]) > SCRYPT_COST_MAX;
}

static bool bcrypt_expensive(const char *parameters)
{
	return strtol(parameters, NULL, 10) > BCRYPT_COST_MAX;
}

static bool sha_expensive(const char *parameters)
{
	return strncmp(parameters, "rounds=", 7) == 0 &&
	    strtol(parameters + 7, NULL, 10) > SHA_ROUNDS_MAX;
}

static bool crypt_is_formed(const char *hash, size_t tail)
{
	return strlen(strrchr(hash, '$') + 1) == tail &&
	    crypt_checksalt(hash) != CRYPT_SALT_INVALID;
}

/* The strongest last. */
static const struct {
	const char *prefix;
	size_t tail; /* characters after the last $ */
	bool (*expensive)(const char *parameters);
} methods[] = {
    {APR1_PREFIX, 22, NULL},
    {"$5$", 43, sha_expensive},
    {"$6$", 86, sha_expensive},
    {"$2a$", 53, bcrypt_expensive},
    {"$2y$", 53, bcrypt_expensive},
    {"$2b$", 53, bcrypt_expensive},
    {"$7$", 43, scrypt_expensive},
    {"$gy$", 43, yescrypt_expensive},
    {"$y$", 43, yescrypt_expensive},
};

#define SET_AGAIN ": set the password again with `hopgate passwd`"

static const struct {
	const char *prefix, *wrong;
} refused[] = {
    {"$1$", "MD5 hashes are too weak" SET_AGAIN},
    {"$md5", "MD5 hashes are too weak" SET_AGAIN},
    {"$sha1$", "SHA-1 hashes are too weak" SET_AGAIN},
    {"$3$", "NT hashes are too weak" SET_AGAIN},
    {"{", "hashes of LDAP directories are too weak" SET_AGAIN},
    {"_", "DES hashes are too weak" SET_AGAIN},
};

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *parse_hash(struct password_line *entry)
{
	const char *hash = entry->hash;

	if (hash[0] == '*' || hash[0] == '!') /* shadow(5): locked */
		return NULL;
	for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!starts_with(hash, methods[i].prefix))
			continue;
		if (!(i == 0 ? apr1_is_formed(hash) : crypt_is_formed(hash, methods[i].tail)))
			return "the hash is malformed";
		entry->strength = i + 1;
		if (i == 0)
			entry->warning = "Apache's MD5 hashes are weak" SET_AGAIN;
		else if (methods[i].expensive(hash + strlen(methods[i].prefix)))
			entry->warning = "the hash is so costly that a login takes seconds";
		return NULL;
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (starts_with(hash, refused[i].prefix))
			return refused[i].wrong;
	if (hash[0] == '\0')
		return "the password hash is missing";
	if (hash[0] != '$')
		return "a plaintext password or a DES hash" SET_AGAIN;
	return "an unknown kind of hash" SET_AGAIN;
}

static const char *check_user(const char *user, size_t length)
{
	if (length == 0)
		return "the user name is empty";
	if (length > PASSWORD_USER_MAX)
		return "the user name is longer than 255 bytes";
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)user[i] < ' ' || user[i] == 0x7f)
			return "the user name holds a control byte";
	return NULL;
}

const char *password_user_check(const char *user)
{
	const char *wrong = check_user(user, strlen(user));

	if (wrong != NULL)
		return wrong;
	if (strchr(user, ':') != NULL)
		return "a user name cannot hold a colon";
	if (user[0] == '#')
		return "a user name cannot begin with #";
	return NULL;
}

const char *password_line_parse(struct password_line *entry, char *line)
{
	size_t length = strlen(line);
	char *colon;
	const char *wrong;

	*entry = (struct password_line){0};
	if (length > 0 && line[length - 1] == '\r')
		line[length - 1] = '\0';
	if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
		return NULL;
	colon = strchr(line, ':');
	if (colon == NULL)
		return "no colon: a line is user:hash";
	wrong = check_user(line, (size_t)(colon - line));
	if (wrong != NULL)
		return wrong;
	entry->user = line;
	entry->user_length = (size_t)(colon - line);
	entry->hash = colon + 1;
	entry->hash[strcspn(entry->hash, ":")] = '\0';
	return parse_hash(entry);
}
