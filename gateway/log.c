/* SPDX-License-Identifier: ISC */
/*
 * Messages and the access log.  Workers put records into rings; one thread lays them out and
 * writes them.  Without a ring (at the start, in the keeper) a message is written on the spot.
 */
#include "config.h"

#include "gateway/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "gateway/outlet.h"
#include "gateway/writer.h"

#define MESSAGE_MAX 4096
#define PREFIX_MAX 48 /* time, level and blanks */
#define RING_SIZE (256 * 1024)
#define DIRECT_WAIT_MS 200 /* for a reader of stderr that is slow */

enum { RECORD_MESSAGE, RECORD_ACCESS };

static const struct {
	const char *name;
	int priority; /* of syslog(3) */
} levels[] = {
    [LEVEL_ERROR] = {"error", LOG_ERR},
    [LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LEVEL_NOTICE] = {"notice", LOG_NOTICE},
    [LEVEL_INFO] = {"info", LOG_INFO},
    [LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

static const struct log_target fallback = {.kind = SINK_STDERR, .level = LEVEL_NOTICE};

/* A target and how its lines leave. */
struct way {
	const struct log_target *target;
	bool journal; /* the journal reads it: a priority in front, no time */
	struct outlet outlet;
};

static struct way fallback_way = {.target = &fallback, .outlet = {.fd = STDERR_FILENO}};

static struct {
	struct way *ways;
	size_t count;
	struct outlet access;
	bool echo;
	atomic_ulong dropped;    /* of those written on the spot, and before the last log_stop() */
	struct writer *writer;   /* NULL: everything is written on the spot */
	struct outlet **outlets; /* the writer's list */
} state = {.ways = &fallback_way, .count = 1, .access = {.fd = -1}};

static _Thread_local struct ring *my_ring;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- where messages go ----------------------------------------------------------------------- */

/* systemd tells device and inode of the stream that the journal reads; it may be redirected. */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    fstat(fd, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static void way_init(struct way *way, const struct log_target *target)
{
	int fd = -1;

	way->target = target;
	if (target->kind == SINK_STDERR)
		fd = STDERR_FILENO;
	else if (target->kind == SINK_STDOUT)
		fd = STDOUT_FILENO;
	else if (target->kind == SINK_SYSLOG) /* connected now: later there may be a chroot */
		openlog("hopgate", LOG_PID | LOG_NDELAY, target->facility);
	way->journal = fd >= 0 && is_journal(fd);
	outlet_init(&way->outlet, fd);
}

void log_to(const struct log_target *targets, size_t count)
{
	struct way *ways = NULL;
	size_t i;

	if (state.ways != &fallback_way) {
		for (i = 0; i < state.count; i++)
			outlet_clear(&state.ways[i].outlet);
		free(state.ways);
	}
	if (count > 0)
		ways = calloc(count, sizeof(*ways));
	state.ways = ways != NULL ? ways : &fallback_way;
	state.count = ways != NULL ? count : 1;
	if (ways == NULL)
		way_init(&fallback_way, &fallback);
	for (i = 0; ways != NULL && i < count; i++)
		way_init(&ways[i], &targets[i]);
}

int log_open(const char *path)
{
	/* Non-blocking for the sake of a FIFO: without a reader it is an error, not a hang. */
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

int log_file(size_t index, int fd)
{
	if (index >= state.count || state.ways[index].target->kind != SINK_FILE) {
		errno = EINVAL;
		return -1;
	}
	if (fd < 0)
		fd = log_open(state.ways[index].target->path);
	if (fd < 0)
		return -1;
	outlet_clear(&state.ways[index].outlet);
	outlet_init(&state.ways[index].outlet, fd);
	return 0;
}

void log_access_file(int fd)
{
	outlet_clear(&state.access);
	outlet_init(&state.access, fd);
}

void log_echo(bool on)
{
	state.echo = on;
}

/* Does a message of this level need the echo, because no target is the terminal's? */
static bool needs_echo(enum level level)
{
	size_t i;

	for (i = 0; i < state.count; i++)
		if (state.ways[i].target->kind <= SINK_STDOUT)
			return false;
	return state.echo && level <= LEVEL_NOTICE;
}

bool log_wants(enum level level)
{
	size_t i;

	for (i = 0; i < state.count; i++)
		if (level <= state.ways[i].target->level)
			return true;
	return needs_echo(level);
}

/* --- how a line looks ------------------------------------------------------------------------ */

static size_t format_prefix(char out[PREFIX_MAX], bool journal, enum level level, int64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;
	size_t n;

	if (journal)
		return (size_t)snprintf(out, PREFIX_MAX, "<%d>", levels[level].priority);
	gmtime_r(&seconds, &tm);
	n = strftime(out, PREFIX_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	return n +
	    (size_t)snprintf(
	        out + n, PREFIX_MAX - n, ".%03dZ %s ", (int)(time_ms % 1000), levels[level].name);
}

static size_t format_line(char out[PREFIX_MAX + MESSAGE_MAX], const struct ring_record *record,
    const char *text, bool journal)
{
	size_t n = format_prefix(out, journal, record->level, record->time_ms);

	memcpy(out + n, text, record->length);
	return n + record->length;
}

static void write_directly(const struct ring_record *record, const char *text)
{
	char line[PREFIX_MAX + MESSAGE_MAX];
	size_t i;

	for (i = 0; i < state.count; i++) {
		const struct way *way = &state.ways[i];

		if (record->level > way->target->level)
			continue;
		if (way->target->kind == SINK_SYSLOG)
			syslog(way->target->facility | levels[record->level].priority, "%s", text);
		else if (way->outlet.fd >= 0 &&
		    !outlet_write_line(way->outlet.fd, line,
		        format_line(line, record, text, way->journal), DIRECT_WAIT_MS))
			atomic_fetch_add(&state.dropped, 1);
	}
	if (needs_echo(record->level))
		outlet_write_line(
		    STDERR_FILENO, line, format_line(line, record, text, false), DIRECT_WAIT_MS);
}

/* --- the log's thread ------------------------------------------------------------------------ */

static void take_message(const struct ring_record *record, const char *text)
{
	char line[PREFIX_MAX + MESSAGE_MAX];
	size_t i;

	for (i = 0; i < state.count; i++) {
		struct way *way = &state.ways[i];

		if (record->level > way->target->level)
			continue;
		if (way->target->kind == SINK_SYSLOG)
			syslog(way->target->facility | levels[record->level].priority, "%.*s",
			    (int)record->length, text);
		else
			outlet_add(
			    &way->outlet, line, format_line(line, record, text, way->journal));
	}
}

static void take(const struct ring_record *record, const char *bytes)
{
	if (record->kind == RECORD_ACCESS)
		outlet_add(&state.access, bytes, record->length);
	else
		take_message(record, bytes);
}

static void tell_dropped(unsigned long lines)
{
	struct ring_record record = {.level = LEVEL_WARNING};
	char text[96];

	record.time_ms = now_ms();
	record.length = (uint32_t)snprintf(text, sizeof(text), "%lu log lines were dropped", lines);
	take_message(&record, text);
}

int log_start(unsigned threads)
{
	struct writer_plan plan = {
	    .threads = threads, .ring_size = RING_SIZE, .take = take, .tell_dropped = tell_dropped};
	size_t i;

	free(state.outlets);
	state.outlets = calloc(state.count + 1, sizeof(struct outlet *));
	if (state.outlets == NULL)
		return -1;
	for (i = 0; i < state.count; i++)
		state.outlets[i] = &state.ways[i].outlet;
	state.outlets[i] = &state.access;
	plan.outlets = state.outlets;
	plan.outlet_count = state.count + 1;
	state.writer = writer_start(&plan);
	return state.writer != NULL ? 0 : -1;
}

void log_stop(void)
{
	struct writer *writer = state.writer;

	if (writer == NULL)
		return;
	state.writer = NULL;
	my_ring = NULL;
	atomic_fetch_add(&state.dropped, writer_stop(writer));
}

void log_thread(unsigned index)
{
	my_ring = state.writer != NULL ? writer_ring(state.writer, index) : NULL;
}

/* --- what everybody calls -------------------------------------------------------------------- */

void log_message(enum level level, const char *format, ...)
{
	struct ring_record record = {.kind = RECORD_MESSAGE, .level = (uint16_t)level};
	char text[MESSAGE_MAX];
	va_list ap;
	int n, i, error = errno;

	if (!log_wants(level))
		return;
	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (n >= MESSAGE_MAX)
		n = MESSAGE_MAX - 1;
	for (i = 0; i < n; i++) /* one event, one line, whatever got in */
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	record.length = (uint32_t)n;
	record.time_ms = now_ms();
	if (my_ring != NULL)
		writer_put(state.writer, my_ring, &record, text, true);
	else
		write_directly(&record, text);
	errno = error;
}

void log_access(const char *line, size_t length)
{
	const struct ring_record record = {.kind = RECORD_ACCESS, .length = (uint32_t)length};

	if (my_ring != NULL)
		writer_put(state.writer, my_ring, &record, line, false);
	else if (state.access.fd >= 0 &&
	    !outlet_write_line(state.access.fd, line, length, DIRECT_WAIT_MS))
		atomic_fetch_add(&state.dropped, 1);
}

unsigned long log_dropped(void)
{
	return atomic_load(&state.dropped) +
	    (state.writer != NULL ? writer_dropped(state.writer) : 0);
}

char *log_escape(char *out, size_t size, const char *text, size_t length)
{
	static const char hex[] = "0123456789abcdef";
	size_t i, n = 0;

	if (size == 0)
		return out;
	for (i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = c >= ' ' && c < 0x7f && c != '\\' && c != '"';

		if (n + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
	return out;
}
