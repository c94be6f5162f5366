/* SPDX-License-Identifier: ISC */
/* Pluggable authentication modules: one transaction, without a session and without delays. */
#include "config.h"

#include "auth/pam.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TTY "hopgate" /* pam_time(8), pam_access(8): what others call their service or port */

/* --- what modules ask ------------------------------------------------------------------------ */

struct conversation {
	const struct message *question;
	bool password_told; /* a second secret nobody has typed in */
};

static int answer(struct conversation *c, int style, char **text)
{
	const char *source = NULL;

	switch (style) {
	case PAM_PROMPT_ECHO_OFF:
		if (c->password_told)
			return PAM_CONV_ERR;
		c->password_told = true;
		source = c->question->password;
		break;
	case PAM_PROMPT_ECHO_ON:
		source = c->question->user;
		break;
	case PAM_ERROR_MSG:
	case PAM_TEXT_INFO:
		return PAM_SUCCESS;
	default:
		return PAM_CONV_ERR;
	}
	*text = strdup(source);
	return *text != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void wipe(struct pam_response *responses, int count)
{
	for (int i = 0; i < count; i++) {
		if (responses[i].resp != NULL)
			OPENSSL_cleanse(responses[i].resp, strlen(responses[i].resp));
		free(responses[i].resp);
	}
	free(responses);
}

static int converse(
    int count, const struct pam_message **messages, struct pam_response **responses, void *arg)
{
	struct pam_response *texts;
	int result = PAM_SUCCESS;

	if (count <= 0 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	texts = calloc((size_t)count, sizeof(*texts));
	if (texts == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < count && result == PAM_SUCCESS; i++)
		result = answer(arg, messages[i]->msg_style, &texts[i].resp);
	if (result == PAM_SUCCESS)
		*responses = texts;
	else
		wipe(texts, count);
	return result;
}

/* --- one transaction ------------------------------------------------------------------------- */

/* Whoever fails is slowed down by the worker, which has better things to wait for. */
static void no_delay(int result, unsigned usec, void *arg)
{
	(void)result;
	(void)usec;
	(void)arg;
}

static bool is_in(const char *directory, const char *service)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s", directory, service);

	if (length < 0 || (size_t)length >= sizeof(path))
		return false;
	for (char *c = path + strlen(directory); *c != '\0'; c++) /* as libpam does */
		*c = (char)tolower((unsigned char)*c);
	return access(path, F_OK) == 0;
}

bool auth_pam_knows(const char *service, const char *confdir)
{
	static const char *const places[] = {"/etc/pam.d", "/usr/etc/pam.d", "/usr/lib/pam.d"};
	bool any = false;

	if (confdir != NULL)
		return is_in(confdir, service);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (is_in(places[i], service))
			return true;
		any |= access(places[i], F_OK) == 0;
	}
	return !any; /* pam.conf(5) then, with all of them in one file */
}

static int begin(
    const struct inquiry *inquiry, const struct pam_conv *conversation, pam_handle_t **handle)
{
	const struct auth_block *block = inquiry->block;
	const char *user = inquiry->question->user;

	if (!auth_pam_knows(block->service, block->confdir))
		return PAM_ABORT;
	if (block->confdir == NULL)
		return pam_start(block->service, user, conversation, handle);
#ifdef HAVE_PAM_START_CONFDIR
	return pam_start_confdir(block->service, user, conversation, block->confdir, handle);
#else
	return PAM_ABORT;
#endif
}

static int describe(pam_handle_t *handle, const struct message *question)
{
	int result = pam_set_item(handle, PAM_TTY, TTY);

	if (result == PAM_SUCCESS && question->rhost_length > 0)
		result = pam_set_item(handle, PAM_RHOST, question->rhost);
	if (result == PAM_SUCCESS)
		result = pam_set_item(handle, PAM_FAIL_DELAY, (const void *)no_delay);
	return result;
}

/* By another name than it came with, if a module says so. */
static bool read_back(pam_handle_t *handle, char user[MESSAGE_TEXT_MAX + 1])
{
	const void *item = NULL;
	size_t length;

	if (pam_get_item(handle, PAM_USER, &item) != PAM_SUCCESS || item == NULL)
		return false;
	length = strlen(item);
	if (length == 0 || length > MESSAGE_TEXT_MAX)
		return false;
	memcpy(user, item, length + 1);
	return true;
}

static enum auth_verify meaning(int result)
{
	switch (result) {
	case PAM_SUCCESS:
		return AUTH_VERIFY_RIGHT;
	case PAM_USER_UNKNOWN:
		return AUTH_VERIFY_UNKNOWN;
	case PAM_AUTH_ERR:
	case PAM_PERM_DENIED:
	case PAM_CRED_INSUFFICIENT:
	case PAM_MAXTRIES:
	case PAM_ACCT_EXPIRED:
	case PAM_AUTHTOK_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_SYSTEM_ERR: /* pam_exec(8) when its program says no */
		return AUTH_VERIFY_WRONG;
	default:
		return AUTH_VERIFY_FAILED;
	}
}

/* Authentication decides whether the user is known, account management only whether it may. */
static enum auth_verify transact(pam_handle_t *handle, struct inquiry *inquiry, int *result)
{
	const int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
	enum auth_verify verify;

	*result = describe(handle, inquiry->question);
	if (*result != PAM_SUCCESS)
		return AUTH_VERIFY_FAILED;
	*result = pam_authenticate(handle, flags);
	if (*result != PAM_SUCCESS)
		return meaning(*result);
	*result = pam_acct_mgmt(handle, flags);
	verify = *result == PAM_USER_UNKNOWN ? AUTH_VERIFY_WRONG : meaning(*result);
	if (verify == AUTH_VERIFY_RIGHT && !read_back(handle, inquiry->user))
		return AUTH_VERIFY_FAILED;
	return verify;
}

enum auth_verify pam_verify(struct inquiry *inquiry)
{
	struct conversation told = {.question = inquiry->question};
	const struct pam_conv conversation = {.conv = converse, .appdata_ptr = &told};
	pam_handle_t *handle = NULL;
	enum auth_verify verify;
	int result;

	if (inquiry->question->user_length == 0)
		return AUTH_VERIFY_UNKNOWN;
	/* RFC 4513, 5.1.2: to a directory no password is a login as nobody, and a success. */
	if (inquiry->question->password_length == 0)
		return AUTH_VERIFY_WRONG;
	if (begin(inquiry, &conversation, &handle) != PAM_SUCCESS)
		return AUTH_VERIFY_FAILED;
	verify = transact(handle, inquiry, &result);
	pam_end(handle, result);
	return verify;
}
