/* SPDX-License-Identifier: ISC */
#ifndef BENCH_PXBENCH_H
#define BENCH_PXBENCH_H

/*
 * What the parts of pxbench share: the command line, the clock, the pattern that bulk data repeats,
 * and a histogram.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PATTERN_SIZE (1u << 20)
#define FLAG_SENDFILE 1 /* in the top byte of a length: generate with sendfile */
#define FLAG_CHECK 2    /* check what is sunk */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define SECOND 1000000000u

enum kind {
	KIND_NONE,
	KIND_SOCKS4,
	KIND_SOCKS4A,
	KIND_SOCKS5,
	KIND_SOCKS5H,
	KIND_SOCKS5_AUTH,
	KIND_HTTP,
	KIND_HTTP_AUTH,
	KIND_HTTP_FORWARD, /* no tunnel: GETs in absolute form */
	KIND_HTTP_REVERSE, /* in origin form */
	KIND_COUNT
};
enum mode { MODE_THROUGHPUT, MODE_RATE, MODE_HOLD, MODE_LATENCY, MODE_UDP, MODE_COUNT };
enum direction { DOWN = 1, UP = 2 };
enum closer { CLOSER_CLIENT, CLOSER_SERVER, CLOSER_RST };

#define PIDS_MAX 64

struct options {
	enum mode mode;
	enum kind kind;
	struct sockaddr_in proxy, target;
	int conns, threads, direction, sources, destinations, ramp, size, window, closer;
	bool json, verify, sendfile, reopen;
	uint64_t bytes;
	double seconds, warmup, timeout, settle, pps;
	const char *user, *password;
	int pids[PIDS_MAX], pid_count;
};
extern struct options opt;
extern const char *const kind_names[KIND_COUNT], *const mode_names[MODE_COUNT];

/* Says why and exits with 2. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
uint64_t now_ns(void);
void sleep_until(uint64_t t);

/* --- pattern.c: what bulk data repeats ---------------------------------------------------- */

extern uint8_t *pattern; /* PATTERN_SIZE bytes, twice in a row: any slice is contiguous */

void pattern_init(void);
/* How many bytes of b differ from the pattern at this offset of a stream. */
uint64_t pattern_diff(const uint8_t *b, size_t n, uint64_t offset);
/* Send the bytes [offset, length) of a stream, as much as the socket takes, up to PATTERN_SIZE. */
ssize_t pattern_send(int fd, uint64_t offset, uint64_t length, bool by_sendfile);
void put64(uint8_t *b, uint64_t v);
uint64_t get64(const uint8_t *b);

/* --- histogram.c: times, in steps of 1.6 % ------------------------------------------------ */

#define HISTOGRAM_STEPS (64 * 42)

struct histogram {
	uint64_t count, sum, max, steps[HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *a, const struct histogram *b);
double histogram_us(const struct histogram *h, double quantile);

/* --- usage.c: what the proxy and the machine use, from /proc ------------------------------ */

struct usage {
	double cpu;
	uint64_t rss_kb, pss_kb;
	int processes, threads, descriptors;
};
/* Of the processes of --pid and all below them, with children already waited for. */
struct usage usage_proxy(bool memory);

struct system_memory {
	uint64_t sock_kb, tcp_sockets, slab_kb, kstack_kb, pagetables_kb;
};
struct system_memory system_memory(void);
double self_cpu(void);
/* Seconds of CPU the machine was busy since start: all of it, not idle, not stolen. */
double machine_busy(void);

/* --- origin.c ------------------------------------------------------------------------------ */

/* Serve for ever on 127.0.0.1 and the addresses after it. */
void origin_serve(int port, int addresses) __attribute__((noreturn));

/* --- http_origin.c ------------------------------------------------------------------------- */

/* The same for HTTP. */
void http_origin_serve(int port, int addresses) __attribute__((noreturn));

/* --- head.c: heads of HTTP, as text that ends with NUL --------------------------------------- */

/* What follows the name of a field and its colon, up to the end of the head; NULL: no such field.
 */
const char *head_field(const char *head, const char *name);
/* Does the value of this field begin with the word? */
bool head_has(const char *head, const char *name, const char *word);

/* --- fetch.c -------------------------------------------------------------------------------- */

/* Is it GETs that are made, instead of tunnels? */
bool fetches(void);

/* --- report.c ------------------------------------------------------------------------------ */

/* Run the mode that was asked for and print the result: the exit status. */
int report_run(void);

#endif
