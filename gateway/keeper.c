/* SPDX-License-Identifier: ISC */
/*
 * The first process: what it holds (listeners, log files, the pid file) outlives the gateway
 * process, which it starts, and starts again, and stops.
 */
#include "config.h"

#include "gateway/keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway/daemon.h"
#include "gateway/listen.h"
#include "gateway/loop.h"
#include "gateway/pid_file.h"
#include "gateway/process.h"
#include "gateway/quota.h"
#include "gateway/shape.h"

enum { EXIT_GOOD = 0, EXIT_CONFIGURATION = 1, EXIT_FAILED = 3 };

#define DESCRIPTORS_MAX 1048576 /* more cost memory in the kernel and in every process */
#define DELAY_FIRST_MS 100      /* the second time; the first is at once */
#define DELAY_MAX_MS 5000
#define GOOD_LIFE_MS 10000 /* after that a crash counts as the first again */
#define STOP_MS 5000       /* from a stop, or the end of a drain, to a kill */

enum stage { SERVING, DRAINING, STOPPING };

struct keeper {
	const struct keeper_options *options;
	const struct conf *conf;
	int ready_fd;
	struct bound_set set;
	struct pid_file pid_file;
	int *log_fds;            /* of file targets; others -1 */
	int access_fd, quota_fd; /* -1: none */
	int report;              /* to the process that waits for a daemon; -1 */

	struct event_base *base;
	struct event *signals[6];
	struct auth_checks *checks;
	struct process *process; /* NULL: between two */
	struct event *restart;
	int64_t started_ms, delay_ms;
	bool announced;
	enum stage stage;
	int status;
};

/* --- what the gateway process gets ----------------------------------------------------------- */

static int give_sockets(struct keeper *k)
{
	for (size_t i = 0; i < k->set.count; i++) {
		const struct bound *bound = &k->set.sockets[i];
		const struct channel_message message = {.kind = CHANNEL_SOCKET,
		    .listener = (int32_t)bound->listener,
		    .worker = (int32_t)bound->worker,
		    .value = bound->shared};

		if (process_give(k->process, &message, bound->fd, false) != 0)
			return -1;
	}
	return 0;
}

/* New links each time: the old ones end with the old process. */
static int give_auth_links(struct keeper *k)
{
	for (unsigned i = 0; i < k->conf->workers; i++) {
		const struct channel_message message = {.kind = CHANNEL_AUTH, .worker = (int32_t)i};
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) !=
		    0)
			return -1;
		if (auth_checks_serve(k->checks, ends[0]) != 0) {
			close(ends[1]);
			return -1;
		}
		if (process_give(k->process, &message, ends[1], true) != 0)
			return -1;
	}
	return 0;
}

static int give_logs(struct keeper *k)
{
	struct channel_message message = {.kind = CHANNEL_LOG};

	for (size_t i = 0; i < k->conf->log_count; i++) {
		message.listener = (int32_t)i;
		if (k->log_fds[i] >= 0 &&
		    process_give(k->process, &message, k->log_fds[i], false) != 0)
			return -1;
	}
	message.listener = -1;
	return k->access_fd >= 0 ? process_give(k->process, &message, k->access_fd, false) : 0;
}

static int give_quota(struct keeper *k)
{
	const struct channel_message message = {.kind = CHANNEL_QUOTA};

	return k->quota_fd >= 0 ? process_give(k->process, &message, k->quota_fd, false) : 0;
}

static int give_all(struct keeper *k)
{
	const struct channel_message go = {.kind = CHANNEL_GO, .value = (int64_t)shape_of(k->conf)};

	if (give_sockets(k) == 0 && give_auth_links(k) == 0 && give_logs(k) == 0 &&
	    give_quota(k) == 0 && process_give(k->process, &go, -1, false) == 0)
		return 0;
	log_error("cannot hand over to the gateway process: %s", strerror(errno));
	return -1;
}

/* --- its life, again and again --------------------------------------------------------------- */

static void finish(struct keeper *k, int status)
{
	k->status = status;
	event_base_loopbreak(k->base);
}

static void ready(void *arg)
{
	struct keeper *k = arg;

	if (k->announced) {
		log_notice(
		    "the gateway process serves again (pid %ld)", (long)process_pid(k->process));
		return;
	}
	k->announced = true;
	listen_announce(k->conf, &k->set, k->ready_fd);
	k->ready_fd = -1;
	log_echo(false);
	if (k->report >= 0)
		daemon_report(k->report, EXIT_GOOD);
	k->report = -1;
}

static const char *meaning(int status)
{
	static const char *const meanings[] = {
	    [EXIT_CONFIGURATION] = ": the configuration is wrong now, hopgate check tells where",
	    [PROCESS_OUTDATED] = ": workers, listeners, auth or logs have changed in the "
	                         "configuration, start hopgate anew",
	};

	if ((size_t)status >= sizeof(meanings) / sizeof(meanings[0]) || meanings[status] == NULL)
		return "";
	return meanings[status];
}

static void tell_end(pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		log_error("the gateway process (pid %ld) was ended by signal %d, %s", (long)pid,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_error("the gateway process (pid %ld) ended with status %d%s", (long)pid,
		    WEXITSTATUS(status), meaning(WEXITSTATUS(status)));
}

static void start_later(struct keeper *k)
{
	struct timeval tv;

	if (loop_now() - k->started_ms >= GOOD_LIFE_MS)
		k->delay_ms = 0;
	tv = (struct timeval){.tv_sec = (time_t)(k->delay_ms / 1000),
	    .tv_usec = (suseconds_t)(k->delay_ms % 1000 * 1000)};
	evtimer_add(k->restart, &tv);
	k->delay_ms = k->delay_ms == 0 ? DELAY_FIRST_MS : 2 * k->delay_ms;
	if (k->delay_ms > DELAY_MAX_MS)
		k->delay_ms = DELAY_MAX_MS;
}

static void ended(void *arg, int status)
{
	struct keeper *k = arg;
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_GOOD;
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; /* by us, as was told */

	if (k->stage == SERVING || !(clean || killed))
		tell_end(process_pid(k->process), status);
	process_free(k->process);
	k->process = NULL;
	if (k->stage != SERVING)
		finish(k, EXIT_GOOD);
	else if (k->announced)
		start_later(k);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIGURATION)
		finish(k, EXIT_CONFIGURATION);
	else
		finish(k, EXIT_FAILED);
}

static void start_process(struct keeper *k)
{
	const struct process_plan plan = {.base = k->base,
	    .argv = k->options->argv,
	    .silent = k->options->daemon,
	    .ready = ready,
	    .ended = ended,
	    .arg = k};

	k->started_ms = loop_now();
	k->process = process_start(&plan);
	if (k->process != NULL) {
		if (give_all(k) != 0)
			process_kill_after(k->process, 0);
		return;
	}
	log_error("cannot start the gateway process: %s", strerror(errno));
	if (k->announced)
		start_later(k);
	else
		finish(k, EXIT_FAILED);
}

static void restart(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	start_process(arg);
}

/* --- stopping -------------------------------------------------------------------------------- */

/* Nobody waits in a queue that is served no more: the listeners are closed here too. */
static void leave(struct keeper *k, enum stage stage, int64_t drain_ms)
{
	const struct channel_message message = {
	    .kind = stage == DRAINING ? CHANNEL_DRAIN : CHANNEL_STOP, .value = drain_ms};

	k->stage = stage;
	event_del(k->restart);
	listen_close(&k->set);
	if (k->process == NULL) {
		finish(k, EXIT_GOOD);
		return;
	}
	if (!process_is_ready(k->process) || process_give(k->process, &message, -1, false) != 0) {
		process_kill_after(k->process, 0);
		return;
	}
	if (stage == STOPPING || drain_ms > 0)
		process_kill_after(k->process, drain_ms + STOP_MS);
}

static void on_stop(struct keeper *k, int signal)
{
	if (k->stage == STOPPING) {
		log_warning("%s once more: the gateway process is killed", strsignal(signal));
		if (k->process != NULL)
			process_kill_after(k->process, 0);
	} else if (signal == SIGTERM && k->conf->drain_ms > 0 && k->stage == SERVING) {
		log_notice("stopping once the sessions have ended (%s)", strsignal(signal));
		leave(k, DRAINING, k->conf->drain_ms);
	} else {
		log_notice("stopping (%s)", strsignal(signal));
		leave(k, STOPPING, 0);
	}
}

static void on_drain(struct keeper *k, int signal)
{
	if (k->stage != SERVING)
		return;
	log_notice("stopping once the sessions have ended (%s)", strsignal(signal));
	leave(k, DRAINING, k->conf->drain_ms);
}

static void on_reload(struct keeper *k, int signal)
{
	(void)k;
	log_warning(
	    "%s: reloading is not in this version of hopgate, start it anew", strsignal(signal));
}

static void on_list_listeners(struct keeper *k, int signal)
{
	(void)signal;
	listen_announce(k->conf, &k->set, -1);
}

static void on_list_sessions(struct keeper *k, int signal)
{
	(void)k;
	log_warning("%s: listing sessions is not in this version of hopgate", strsignal(signal));
}

static const struct {
	int signal;
	void (*act)(struct keeper *k, int signal);
} actions[] = {
    {SIGTERM, on_stop},
    {SIGINT, on_stop},
    {SIGQUIT, on_drain},
    {SIGHUP, on_reload},
    {SIGUSR1, on_list_listeners},
    {SIGUSR2, on_list_sessions},
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static void signalled(evutil_socket_t signal, short events, void *arg)
{
	(void)events;
	for (size_t i = 0; i < ACTIONS; i++)
		if (actions[i].signal == signal)
			actions[i].act(arg, signal);
}

/* --- getting ready --------------------------------------------------------------------------- */

/* The standard descriptors exist, or the first sockets would become them. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Not passed on; and if it is a standard one, that becomes free of it. */
static int take_ready_fd(int fd)
{
	int taken = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), null;

	if (taken < 0)
		return -1;
	close(fd);
	if (fd <= STDERR_FILENO) {
		null = open("/dev/null", O_RDWR);
		if (null >= 0 && null != fd) {
			dup2(null, fd);
			close(null);
		}
	}
	return taken;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warning("cannot raise the limit of descriptors: %s", strerror(errno));
}

static int open_log(const char *path)
{
	int fd = log_open(path);

	if (fd < 0)
		log_error("cannot open the log %s: %s", path, strerror(errno));
	return fd;
}

static int open_logs(struct keeper *k)
{
	const struct conf *conf = k->conf;

	log_to(conf->logs, conf->log_count);
	k->log_fds = calloc(conf->log_count + 1, sizeof(*k->log_fds));
	if (k->log_fds == NULL)
		return -1;
	for (size_t i = 0; i < conf->log_count; i++)
		k->log_fds[i] = -1;
	for (size_t i = 0; i < conf->log_count; i++) {
		if (conf->logs[i].kind != SINK_FILE)
			continue;
		k->log_fds[i] = open_log(conf->logs[i].path);
		if (k->log_fds[i] < 0)
			return -1;
		log_file(i, k->log_fds[i]);
	}
	if (!conf->access_log)
		return 0;
	k->access_fd = conf->access_path != NULL ? open_log(conf->access_path) : STDERR_FILENO;
	return k->access_fd < 0 ? -1 : 0;
}

static int make_events(struct keeper *k)
{
	k->base = event_base_new();
	if (k->base == NULL)
		return -1;
	k->restart = evtimer_new(k->base, restart, k);
	k->checks = auth_checks_new(k->base, k->conf->auths, k->conf->auth_count);
	if (k->restart == NULL || k->checks == NULL)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ACTIONS; i++) {
		k->signals[i] = evsignal_new(k->base, actions[i].signal, signalled, k);
		if (k->signals[i] == NULL || event_add(k->signals[i], NULL) != 0)
			return -1;
	}
	return 0;
}

static void release(struct keeper *k)
{
	process_free(k->process);
	auth_checks_free(k->checks);
	for (size_t i = 0; i < ACTIONS; i++)
		if (k->signals[i] != NULL)
			event_free(k->signals[i]);
	if (k->restart != NULL)
		event_free(k->restart);
	if (k->base != NULL)
		event_base_free(k->base);
	listen_close(&k->set);
	pid_file_remove(&k->pid_file);
	free(k->log_fds); /* what they stand for is open to the last line */
	if (k->report >= 0)
		daemon_report(k->report, k->status);
}

static int open_quota(struct keeper *k)
{
	if (k->conf->quota_path == NULL)
		return 0;
	k->quota_fd = quota_open(k->conf->quota_path, time(NULL));
	return k->quota_fd < 0 ? -1 : 0;
}

/* What has to be told to somebody's face: it is done before the terminal is left. */
static int prepare(struct keeper *k)
{
	raise_descriptor_limit();
	if (open_logs(k) != 0 || pid_file_open(&k->pid_file, k->conf->pid_file) != 0 ||
	    open_quota(k) != 0)
		return -1;
	return listen_bind(k->conf, &k->set);
}

static void serve(struct keeper *k)
{
	if (pid_file_write(&k->pid_file) != 0)
		return;
	if (make_events(k) != 0) {
		log_error("cannot start: %s", strerror(errno));
		return;
	}
	start_process(k);
	if (k->process != NULL)
		event_base_dispatch(k->base);
}

int keeper_run(const struct keeper_options *options)
{
	struct keeper k = {.options = options,
	    .conf = options->conf,
	    .access_fd = -1,
	    .quota_fd = -1,
	    .report = -1,
	    .pid_file = {.fd = -1},
	    .status = EXIT_FAILED};
	int waited = 0;

	fill_standard_descriptors();
	k.ready_fd = take_ready_fd(options->ready_fd);
	log_echo(true);
	if (prepare(&k) == 0) {
		if (options->daemon)
			waited = daemon_fork(&k.report, &k.status);
		if (waited < 0)
			log_error("cannot go to the background: %s", strerror(errno));
		if (waited == 1) /* all of it is the daemon's now */
			_exit(k.status);
		if (waited == 0)
			serve(&k);
	}
	release(&k);
	log_echo(false);
	return k.status;
}
