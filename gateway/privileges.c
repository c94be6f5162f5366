/* SPDX-License-Identifier: ISC */
/* From root to nobody in particular, and a proof that there is no way back. */
#include "config.h"

#include "gateway/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "gateway/log.h"
#include "gateway/orphan.h"

static const char *const default_users[] = {"hopgate", "nobody"};

struct ids {
	char name[64];
	uid_t uid;
	gid_t gid;
};

static int take_user(struct ids *id, const struct passwd *user)
{
	snprintf(id->name, sizeof(id->name), "%s", user->pw_name);
	id->uid = user->pw_uid;
	id->gid = user->pw_gid;
	return 0;
}

static int find_default(struct ids *id)
{
	for (size_t i = 0; i < sizeof(default_users) / sizeof(default_users[0]); i++) {
		const struct passwd *user = getpwnam(default_users[i]);

		if (user != NULL && user->pw_uid != 0)
			return take_user(id, user);
	}
	log_error("there is neither a user hopgate nor nobody: name one with `run-as`");
	return -1;
}

/* Names have to be looked up before the chroot. */
static int find_identity(struct ids *id, const struct conf *conf)
{
	const struct passwd *user;
	const struct group *group;

	if (conf->run_as_user == NULL)
		return find_default(id);
	user = getpwnam(conf->run_as_user);
	if (user == NULL) {
		log_error("run-as: there is no user '%s'", conf->run_as_user);
		return -1;
	}
	take_user(id, user);
	if (conf->run_as_group == NULL)
		return 0;
	group = getgrnam(conf->run_as_group);
	if (group == NULL) {
		log_error("run-as: there is no group '%s'", conf->run_as_group);
		return -1;
	}
	id->gid = group->gr_gid;
	return 0;
}

static int enter_chroot(const char *path)
{
	tzset(); /* for rows with times: the file of the time zone is not in there */
	if (path == NULL || (chroot(path) == 0 && chdir("/") == 0))
		return 0;
	log_error("cannot change the root directory to %s: %s", path, strerror(errno));
	return -1;
}

/* SO_MARK is the one thing that still needs a right: CAP_NET_ADMIN, kept only if a hop has a mark.
 */
static bool needs_marks(const struct conf *conf)
{
	const struct hop *hop;

	for (size_t i = 0; conf->hops != NULL && (hop = hops_each(conf->hops, i)) != NULL; i++)
		if (hop->mark != 0)
			return true;
	return false;
}

static int keep_only_marks(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
	    {.effective = 1u << CAP_NET_ADMIN, .permitted = 1u << CAP_NET_ADMIN}};

	if (syscall(SYS_capset, &header, data) == 0)
		return 0;
	log_error("cannot keep the right to mark packets: %s", strerror(errno));
	return -1;
}

static int become(const struct ids *id, bool marks)
{
	if (marks && prctl(PR_SET_KEEPCAPS, 1) != 0)
		return -1;
	/* In this order: the first two need the rights that the third gives away. */
	if (setgroups(1, &id->gid) != 0 || setresgid(id->gid, id->gid, id->gid) != 0 ||
	    setresuid(id->uid, id->uid, id->uid) != 0) {
		log_error("cannot become %s: %s", id->name, strerror(errno));
		return -1;
	}
	if (id->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) {
		log_error("root's rights would come back: refusing to serve");
		return -1;
	}
	return marks ? keep_only_marks() : 0;
}

static int renounce(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
	    orphan_watch() != 0) {
		log_error("cannot give up privileges: %s", strerror(errno));
		return -1;
	}
	return 0;
}

int privileges_drop(const struct conf *conf)
{
	struct ids id;

	if (geteuid() == 0) {
		if (find_identity(&id, conf) != 0 || enter_chroot(conf->chroot) != 0 ||
		    become(&id, id.uid != 0 && needs_marks(conf)) != 0)
			return -1;
		log_info("the gateway process runs as %s", id.name);
	} else if (conf->chroot != NULL || conf->run_as_user != NULL) {
		log_warning("not started as root: run-as and chroot have no effect");
	}
	return renounce();
}
