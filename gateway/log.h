/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_LOG_H
#define GATEWAY_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Messages for people and the access log.  A message is a lower-case phrase without a newline;
 * peers' text goes through log_escape().  Until log_start(), and in the keeper, messages are
 * written at once; then one thread writes what bounded rings hold, and a full ring drops and
 * counts.
 */
enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_NOTICE, LEVEL_INFO, LEVEL_DEBUG };

enum sink { SINK_STDERR, SINK_STDOUT, SINK_SYSLOG, SINK_FILE };

struct log_target {
	enum sink kind;
	enum level level;
	int facility; /* SINK_SYSLOG */
	char *path;   /* SINK_FILE */
};

/* Where messages go from now on; until then to stderr from `notice` up.  `targets` must live on. */
void log_to(const struct log_target *targets, size_t count);
/*
 * Use this descriptor for the file target `index` (opened by the keeper); -1: open it by path.
 * Until then that target gets nothing.  0, or -1 with errno.
 */
int log_file(size_t index, int fd);
/* The access log's descriptor; -1: none. */
void log_access_file(int fd);

/* While somebody watches the start: if no target is stderr or stdout, copy to stderr what is at
 * least a notice. */
void log_echo(bool on);

/* Open a log file for appending, made with mode 0640.  The descriptor, or -1 with errno. */
int log_open(const char *path);

/* Start and stop the log's thread with one ring for each of `threads` writers.  After log_to(),
 * log_file() and log_access_file(); stop it when all other threads have ended. */
int log_start(unsigned threads);
void log_stop(void); /* writes what is left, bounded in time */
/* This thread's ring: 0 .. threads - 1.  Call once in each thread that logs. */
void log_thread(unsigned index);

bool log_wants(enum level level);
void log_message(enum level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_message(LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_message(LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_message(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LEVEL_DEBUG, __VA_ARGS__)

/* One finished line of the access log, without newline. */
void log_access(const char *line, size_t length);

/* Lines dropped so far because a ring was full or a write failed. */
unsigned long log_dropped(void);

/* Printable ASCII as it is but \ and "; all else as \xHH.  Cut to fit, always ended by NUL; returns
 * out. */
char *log_escape(char *out, size_t size, const char *text, size_t length);

#endif
