/* SPDX-License-Identifier: ISC */
/*
 * A PAM module that plays what modules do, good and bad.  Its words in a service file:
 *     auth    required pam_actor.so ask [echo-on] [ask] … password=WORD | return=NUMBER
 *     account required pam_actor.so return=NUMBER
 * and `items=FILE`, `user=NAME`, `print`, `fork`, `mask`, `sleep`, `crash`, `delay` in between.
 */
#include <limits.h>
#include <security/pam_appl.h>
#include <security/pam_modules.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The last answer; NULL: none was given. */
static int ask(pam_handle_t *handle, int style, char **text)
{
	const struct pam_message message = {.msg_style = style, .msg = "?"}, *messages = &message;
	const struct pam_conv *conversation = NULL;
	struct pam_response *responses = NULL;
	int result = pam_get_item(handle, PAM_CONV, (const void **)&conversation);

	if (result != PAM_SUCCESS)
		return result;
	result = conversation->conv(1, &messages, &responses, conversation->appdata_ptr);
	if (result != PAM_SUCCESS)
		return result;
	free(*text);
	*text = responses->resp;
	free(responses);
	return PAM_SUCCESS;
}

static const char *item(pam_handle_t *handle, int type)
{
	const void *text = NULL;

	return pam_get_item(handle, type, &text) == PAM_SUCCESS && text != NULL ? text : "-";
}

static int write_items(pam_handle_t *handle, const char *path)
{
	FILE *file = fopen(path, "we");

	if (file == NULL)
		return PAM_SYSTEM_ERR;
	fprintf(file, "%s %s %s %s\n", item(handle, PAM_SERVICE), item(handle, PAM_USER),
	    item(handle, PAM_RHOST), item(handle, PAM_TTY));
	return fclose(file) == 0 ? PAM_SUCCESS : PAM_SYSTEM_ERR;
}

/* Everything that outlives its turn. */
static void misbehave(const char *word)
{
	sigset_t all;

	if (strcmp(word, "crash") == 0)
		__builtin_trap(); /* no mask keeps it from dying */
	else if (strcmp(word, "print") == 0)
		fputs("what a module prints\n", stdout), fflush(stdout);
	else if (strcmp(word, "sleep") == 0)
		sleep(60);
	else if (strcmp(word, "fork") == 0 && fork() == 0)
		for (;;)
			pause();
	sigfillset(&all);
	if (strcmp(word, "mask") == 0)
		sigprocmask(SIG_SETMASK, &all, NULL);
}

static int obey(pam_handle_t *handle, const char *word, char **text)
{
	if (strcmp(word, "ask") == 0)
		return ask(handle, PAM_PROMPT_ECHO_OFF, text);
	if (strcmp(word, "echo-on") == 0)
		return ask(handle, PAM_PROMPT_ECHO_ON, text);
	if (strcmp(word, "info") == 0)
		return ask(handle, PAM_TEXT_INFO, text);
	if (strcmp(word, "delay") == 0)
		return pam_fail_delay(handle, 30000000);
	if (strncmp(word, "return=", 7) == 0)
		return atoi(word + 7);
	if (strncmp(word, "text=", 5) == 0)
		return *text != NULL && strcmp(*text, word + 5) == 0 ? PAM_SUCCESS : PAM_AUTH_ERR;
	if (strncmp(word, "user=", 5) == 0)
		return pam_set_item(handle, PAM_USER, word + 5);
	if (strncmp(word, "items=", 6) == 0)
		return write_items(handle, word + 6);
	misbehave(word);
	return PAM_SUCCESS;
}

static int play(pam_handle_t *handle, int argc, const char **argv)
{
	char *text = NULL;
	int result = PAM_SUCCESS;

	for (int i = 0; i < argc && result == PAM_SUCCESS; i++)
		result = obey(handle, argv[i], &text);
	free(text);
	return result;
}

int pam_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv)
{
	if (flags != (PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK))
		return PAM_ABORT;
	return play(handle, argc, argv);
}

int pam_sm_setcred(pam_handle_t *handle, int flags, int argc, const char **argv)
{
	(void)handle;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_ABORT;
}

int pam_sm_acct_mgmt(pam_handle_t *handle, int flags, int argc, const char **argv)
{
	(void)flags;
	return play(handle, argc, argv);
}
