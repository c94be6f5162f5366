/* SPDX-License-Identifier: ISC */
/* What a configuration says about the process: workers, rights, logs, timeouts, limits, sockets. */
#include "config.h"

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "gateway/conf_read.h"
#include "gateway/keepalive.h"
#include "gateway/value.h"

#define WORKERS_MAX 1024

static unsigned online_cpus(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

	return count > 0 ? (unsigned)count : 1;
}

void conf_read_workers(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	unsigned long number;

	if (value_is(&d->words[1], "auto"))
		conf->workers = online_cpus();
	else if (value_number(d->words[1].text, 1, WORKERS_MAX, &number))
		conf->workers = (unsigned)number;
	else
		conf_error(r, d, 1, "'%s' is not a number of threads, expected auto or 1 to %d",
		    d->words[1].text, WORKERS_MAX);
}

void conf_read_run_as(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;

	conf->run_as_user = d->words[1].text;
	conf->run_as_group = d->count > 2 ? d->words[2].text : NULL;
	if (r->sealed)
		return;
	if (getpwnam(conf->run_as_user) == NULL)
		conf_error(r, d, 1, "no user '%s' on this system", conf->run_as_user);
	if (conf->run_as_group != NULL && getgrnam(conf->run_as_group) == NULL)
		conf_error(r, d, 2, "no group '%s' on this system", conf->run_as_group);
}

void conf_read_chroot(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	struct stat status;

	conf->chroot = d->words[1].text;
	if (conf->chroot[0] != '/')
		conf_error(r, d, 1, "'%s' is not an absolute path", conf->chroot);
	else if (!r->sealed && (stat(conf->chroot, &status) != 0 || !S_ISDIR(status.st_mode)))
		conf_error(r, d, 1, "'%s' is not a directory on this system", conf->chroot);
}

void conf_read_pid_file(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;

	conf->pid_file = parse_path(r->parser->arena, d->at[1], d->words[1].text);
}

void conf_read_quota_file(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;

	conf->quota_path = parse_path(r->parser->arena, d->at[1], d->words[1].text);
}

/* --- logs ------------------------------------------------------------------------------------- */

static const char *const levels[] = {[LEVEL_ERROR] = "error",
    [LEVEL_WARNING] = "warning",
    [LEVEL_NOTICE] = "notice",
    [LEVEL_INFO] = "info",
    [LEVEL_DEBUG] = "debug",
    NULL};

static const char *const sinks[] = {[SINK_STDERR] = "stderr",
    [SINK_STDOUT] = "stdout",
    [SINK_SYSLOG] = "syslog",
    [SINK_FILE] = "file",
    NULL};

static const struct {
	const char *name;
	int number;
} facilities[] = {{"daemon", LOG_DAEMON}, {"auth", LOG_AUTH}, {"authpriv", LOG_AUTHPRIV},
    {"cron", LOG_CRON}, {"lpr", LOG_LPR}, {"mail", LOG_MAIL}, {"news", LOG_NEWS},
    {"syslog", LOG_SYSLOG}, {"user", LOG_USER}, {"uucp", LOG_UUCP}, {"local0", LOG_LOCAL0},
    {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
    {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7}};

static bool find_facility(const struct word *word, int *facility)
{
	for (size_t i = 0; i < sizeof facilities / sizeof facilities[0]; i++)
		if (value_is(word, facilities[i].name)) {
			*facility = facilities[i].number;
			return true;
		}
	return false;
}

/* The word after `file`; false after an error. */
static bool read_log_path(
    struct reader *r, const struct directive *d, size_t *index, const char **path)
{
	if (*index == d->count) {
		conf_error(r, d, *index, "'file' needs a path");
		return false;
	}
	*path = parse_path(r->parser->arena, d->at[*index], d->words[*index].text);
	++*index;
	return true;
}

static bool read_log(struct reader *r, const struct directive *d, struct log_target *target)
{
	int sink = schema_choose(r->complaints, d, 1, sinks), level = LEVEL_INFO;
	const char *path = NULL;
	size_t index = 2;

	if (sink < 0 || (sink == SINK_FILE && !read_log_path(r, d, &index, &path)))
		return false;
	target->kind = (enum sink)sink;
	target->path = path != NULL ? arena_string(r->parser->arena, path) : NULL;
	target->facility = LOG_DAEMON;
	if (sink == SINK_SYSLOG && index < d->count &&
	    find_facility(&d->words[index], &target->facility))
		index++;
	if (index < d->count)
		level = schema_choose(r->complaints, d, index++, levels);
	if (level < 0)
		return false;
	target->level = (enum level)level;
	if (index < d->count) {
		conf_error(r, d, index, "'%s' is one word too many, expected: log %s",
		    d->words[index].text, d->rule->usage);
		return false;
	}
	return true;
}

void conf_read_log(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	struct log_target target = {0};

	if (!read_log(r, d, &target))
		return;
	if (r->debug)
		target.level = LEVEL_DEBUG;
	/* A daemon has no terminal. */
	if (r->daemon && (target.kind == SINK_STDERR || target.kind == SINK_STDOUT))
		target.kind = SINK_SYSLOG;
	conf->logs = arena_push(r->parser->arena, conf->logs, &conf->log_count, sizeof *conf->logs);
	conf->logs[conf->log_count - 1] = target;
}

void conf_read_access_log(struct reader *r, const struct directive *d, void *object)
{
	static const char *const targets[] = {"off", "stderr", "file", NULL};
	static const char *const formats[] = {"logfmt", "json", NULL};
	enum { OFF, STDERR, TO_FILE };
	struct conf *conf = object;
	int target = schema_choose(r->complaints, d, 1, targets), format = 0;
	size_t index = 2;

	if (target < 0 || (target == TO_FILE && !read_log_path(r, d, &index, &conf->access_path)))
		return;
	if (index < d->count && target != OFF)
		format = schema_choose(r->complaints, d, index++, formats);
	if (index < d->count)
		conf_error(r, d, index, "'%s' is one word too many, expected: access-log %s",
		    d->words[index].text, d->rule->usage);
	conf->access_log = target == TO_FILE || (target == STDERR && !r->daemon);
	conf->access_json = format == 1;
}

/* --- timeouts and limits ---------------------------------------------------------------------- */

#define TIMEOUT(word, field, text) \
	{ \
		.name = word, .usage = "DURATION | off", .min = 1, .max = 1, \
		.value = value_duration_or_off, .offset = offsetof(struct timeouts, field), \
		.standard = text \
	}

const struct rule conf_timeouts_rules[] = {TIMEOUT("handshake", handshake, "30s"),
    TIMEOUT("auth", auth, "15s"), TIMEOUT("dial", dial, "30s"), TIMEOUT("connect", connect, "10s"),
    TIMEOUT("idle", idle, "2h5m"), TIMEOUT("half-close", half_close, "4m"),
    TIMEOUT("keep-alive", keep_alive, "60s"), TIMEOUT("close", close, "5s"),
    {.name = "bind", .flags = RULE_LATER}, {.name = "udp-idle", .flags = RULE_LATER}, {0}};

void conf_read_quota(struct reader *r, const struct directive *d, void *object)
{
	struct allotment *quota = object;
	const char *wrong = value_allotment_or_off(&d->words[1], quota);

	if (wrong != NULL)
		conf_error(r, d, 1, "'%s' %s", d->words[1].text, wrong);
	else if (quota->bytes > 0 && schema_lacks(r->tree, "quota-file"))
		conf_error(r, d, 0,
		    "'%s' has to outlive the process, expected also: quota-file PATH",
		    d->words[0].text);
}

static void read_quota(struct reader *r, const struct directive *d, void *object)
{
	struct limits *limits = object;

	conf_read_quota(r, d, &limits->quota_per_user);
}

#define LIMIT(word, field, words, reader) \
	{ \
		.name = word, .usage = words " | off", .min = 1, .max = 1, .value = reader, \
		.offset = offsetof(struct limits, field), .standard = "off" \
	}

#define CLIENT_LIMITS \
	LIMIT("sessions-per-client", sessions_per_client, "NUMBER", value_count_or_off), \
	    LIMIT("sessions-per-user", sessions_per_user, "NUMBER", value_count_or_off), \
	    LIMIT("handshakes-per-client", handshakes_per_client, "NUMBER", value_count_or_off), \
	    LIMIT("rate-per-client", rate_per_client, "RATE", value_rate_or_off), \
	    {.name = "auth-failures-per-client", \
	        .usage = "RATE | off", \
	        .min = 1, \
	        .max = 1, \
	        .value = value_times_or_off, \
	        .offset = offsetof(struct limits, auth_failures_per_client), \
	        .standard = "10/m"}, \
	    LIMIT("bandwidth-per-client", bandwidth_per_client, "BANDWIDTH", \
	        value_bandwidth_or_off), \
	    LIMIT("bandwidth-per-user", bandwidth_per_user, "BANDWIDTH", value_bandwidth_or_off), \
	    LIMIT("bandwidth-per-session", bandwidth_per_session, "BANDWIDTH", \
	        value_bandwidth_or_off), \
	{ \
		.name = "quota-per-user", .usage = "SIZE/day | SIZE/month | off", .min = 1, \
		.max = 1, .read = read_quota, .standard = "off" \
	}

const struct rule conf_limits_rules[] = {
    LIMIT("sessions", sessions, "NUMBER", value_count_or_off), CLIENT_LIMITS, {0}};

static void refuse_sessions(struct reader *r, const struct directive *d, void *object)
{
	(void)object;
	conf_error(r, d, 0, "'sessions' counts for the whole gateway, expected at the top level");
}

const struct rule conf_listen_limits_rules[] = {
    {.name = "sessions", .min = 1, .max = 1, .read = refuse_sessions}, CLIENT_LIMITS, {0}};

/* --- sockets ---------------------------------------------------------------------------------- */

/* TCP counts in seconds. */
static const char *value_keepalive(const struct word *word, void *field)
{
	static const char wrong[] =
	    "is not a time for keep-alive, expected 2s to 18h, system or off";
	int *keepalive = field;
	int64_t ms;

	if (value_is(word, "system")) {
		*keepalive = KEEPALIVE_SYSTEM;
		return NULL;
	}
	if (value_is(word, "off")) {
		*keepalive = KEEPALIVE_OFF;
		return NULL;
	}
	if (value_duration(word, &ms) != NULL || ms < KEEPALIVE_MIN * 1000 ||
	    ms > KEEPALIVE_MAX * 1000)
		return wrong;
	*keepalive = (int)(ms / 1000);
	return NULL;
}

/* The object is an int keepalive. */
const struct rule conf_socket_rules[] = {{.name = "keepalive",
                                             .usage = "DURATION | system | off",
                                             .min = 1,
                                             .max = 1,
                                             .value = value_keepalive,
                                             .standard = "system"},
    {.name = "nodelay", .flags = RULE_LATER}, {.name = "tos", .flags = RULE_LATER}, {0}};
