/* SPDX-License-Identifier: ISC */
/* Runs the load, measures around it, and prints the result as lines or as JSON. */
#include "config.h"

#include "tests/bench/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What was measured before and after, and the sum over all threads. */
struct result {
	struct histogram times;
	uint64_t failures[FAIL_COUNT], operations, bytes, first_done, last_done, started;
	uint64_t udp_sent, udp_received, udp_twice, udp_late, reopened;
	uint64_t wrong; /* everything that makes the exit status 1 */
	int failed;
	double opened_s, self, busy;
	struct usage before, held, after;
	struct system_memory memory_before, memory_held;
};

static bool windowed(void)
{
	return opt.mode == MODE_RATE || opt.mode == MODE_LATENCY || opt.mode == MODE_UDP;
}

/* --- printing ------------------------------------------------------------------------------- */

static void out(const char *key, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void out(const char *key, const char *format, ...)
{
	static bool more;
	va_list args;

	if (opt.json)
		printf("%s\"%s\": ", more ? ", " : "{", key);
	else
		printf("%-22s ", key);
	more = true;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	if (!opt.json)
		putchar('\n');
}

static void out_number(const char *key, uint64_t value)
{
	out(key, "%llu", (unsigned long long)value);
}

static void out_text(const char *key, const char *text)
{
	out(key, opt.json ? "\"%s\"" : "%s", text);
}

static void out_times(const struct histogram *h)
{
	static const struct {
		const char *key;
		double quantile;
	} rows[] = {{"p50_us", .5}, {"p90_us", .9}, {"p99_us", .99}, {"p99.9_us", .999}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		out(rows[i].key, "%.1f", histogram_us(h, rows[i].quantile));
	out("mean_us", "%.1f", h->count ? (double)h->sum / (double)h->count / 1e3 : 0);
	out("max_us", "%.1f", (double)h->max / 1e3);
}

static double bulk_seconds(const struct result *r)
{
	return r->last_done > r->started ? (double)(r->last_done - r->started) / 1e9 : 0;
}

static void print_throughput(const struct result *r)
{
	static const char *const names[] = {"", "down", "up", "both"};
	double seconds = bulk_seconds(r);
	bool done = r->last_done && r->first_done > r->started;

	out_text("dir", names[opt.direction]);
	out_text("sender", opt.sendfile ? "sendfile" : "write");
	out("verified_content", "%s", opt.verify ? "true" : "false");
	out_number("bytes", r->bytes);
	out("seconds", "%.4f", seconds);
	out("first_done_s", "%.4f", done ? (double)(r->first_done - r->started) / 1e9 : 0);
	out("gbit_per_s", "%.3f", seconds > 0 ? (double)r->bytes * 8 / seconds / 1e9 : 0);
}

static void print_window(const struct result *r)
{
	bool rate = opt.mode == MODE_RATE;

	out("seconds", "%.2f", opt.seconds);
	out_number(rate ? "connections" : "round_trips", r->operations);
	out(rate ? "conn_per_s" : "round_trips_per_s", "%.1f", (double)r->operations / opt.seconds);
	out_times(&r->times);
	if (opt.reopen)
		out_number("reopened", r->reopened);
}

static double growth(uint64_t before, uint64_t after, double per)
{
	return (double)((int64_t)after - (int64_t)before) * per;
}

static void print_hold(const struct result *r)
{
	const struct system_memory *m0 = &r->memory_before, *m1 = &r->memory_held;
	int up = opt.conns - r->failed;
	double per = up ? 1024.0 / up : 0;

	out("held", "%d", up);
	out("open_s", "%.3f", r->opened_s);
	out("open_p50_us", "%.1f", histogram_us(&r->times, .5));
	out("open_p99_us", "%.1f", histogram_us(&r->times, .99));
	out_number("proxy_rss_kb_before", r->before.rss_kb);
	out_number("proxy_rss_kb", r->held.rss_kb);
	out_number("proxy_pss_kb_before", r->before.pss_kb);
	out_number("proxy_pss_kb", r->held.pss_kb);
	out("rss_bytes_per_conn", "%.1f", growth(r->before.rss_kb, r->held.rss_kb, per));
	out("pss_bytes_per_conn", "%.1f", growth(r->before.pss_kb, r->held.pss_kb, per));
	out("proxy_procs", "%d", r->held.processes);
	out("proxy_threads", "%d", r->held.threads);
	out("proxy_fds", "%d", r->held.descriptors);
	out("sys_tcp_mem_kb", "%.0f", growth(m0->sock_kb, m1->sock_kb, 1));
	out("sys_tcp_sockets", "%.0f", growth(m0->tcp_sockets, m1->tcp_sockets, 1));
	out("sys_slab_bytes_per_conn", "%.1f", growth(m0->slab_kb, m1->slab_kb, per));
	out("sys_kstack_bytes_per_conn", "%.1f", growth(m0->kstack_kb, m1->kstack_kb, per));
	out("sys_pgtable_bytes_per_conn", "%.1f",
	    growth(m0->pagetables_kb, m1->pagetables_kb, per));
}

static void print_udp(const struct result *r)
{
	uint64_t lost = r->failures[FAIL_udp_lost];

	out("seconds", "%.2f", opt.seconds);
	out("packets_per_s", "%.1f", (double)r->operations / opt.seconds);
	out_number("sent", r->udp_sent);
	out_number("received", r->udp_received);
	out_number("lost", lost);
	out("loss_pct", "%.4f", r->udp_sent ? 100.0 * (double)lost / (double)r->udp_sent : 0);
	out_number("duplicated", r->udp_twice);
	out_number("late", r->udp_late);
	out_times(&r->times);
}

static void print_costs(const struct result *r)
{
	double cpu = r->after.cpu - r->before.cpu;

	if (opt.pid_count) {
		out("proxy_cpu_s", "%.2f", cpu);
		if (opt.mode == MODE_THROUGHPUT)
			out("proxy_cpu_s_per_gb", "%.4f",
			    r->bytes ? cpu / ((double)r->bytes / 1e9) : 0);
		else if (windowed())
			out("proxy_cpu_us_per_op", "%.2f",
			    r->operations ? cpu * 1e6 / (double)r->operations : 0);
	}
	out("bench_cpu_s", "%.2f", r->self);
	out("machine_busy_cpu_s", "%.2f", r->busy);
}

static void print(const struct result *r)
{
	static void (*const prints[MODE_COUNT])(const struct result *) = {
	    [MODE_THROUGHPUT] = print_throughput,
	    [MODE_RATE] = print_window,
	    [MODE_LATENCY] = print_window,
	    [MODE_HOLD] = print_hold,
	    [MODE_UDP] = print_udp,
	};
	char key[64];

	out_text("mode", mode_names[opt.mode]);
	out_text("proxy", kind_names[opt.kind]);
	out("conns", "%d", opt.conns);
	out("threads", "%d", opt.threads);
	prints[opt.mode](r);
	print_costs(r);
	out_number("failures", r->wrong);
	for (int i = 0; i < FAIL_COUNT; i++) {
		snprintf(key, sizeof(key), "err_%s", failure_names[i]);
		if (r->failures[i])
			out_number(key, r->failures[i]);
	}
	if (refusal[0])
		out_text("first_refusal", refusal);
	if (opt.json)
		puts("}");
}

/* --- running -------------------------------------------------------------------------------- */

static struct load *make_loads(void)
{
	struct load *loads = calloc((size_t)opt.threads, sizeof(*loads));

	if (!loads)
		die("out of memory");
	for (int i = 0; i < opt.threads; i++) {
		struct load *l = &loads[i];

		l->id = i;
		l->epoll = epoll_create1(EPOLL_CLOEXEC);
		l->scratch = malloc(PATTERN_SIZE + 16);
		l->count = opt.conns / opt.threads + (i < opt.conns % opt.threads);
		l->tunnels = calloc((size_t)l->count, sizeof(*l->tunnels));
		if (!l->scratch || !l->tunnels)
			die("out of memory");
		for (int k = 0; k < l->count; k++) {
			l->tunnels[k].fd = l->tunnels[k].udp = -1;
			l->tunnels[k].id = k * opt.threads + i;
		}
	}
	return loads;
}

static void collect(struct result *r, const struct load *l)
{
	histogram_merge(&r->times, &l->times);
	for (int i = 0; i < FAIL_COUNT; i++)
		r->failures[i] += l->failures[i];
	r->bytes += l->bytes;
	r->operations += l->operations;
	r->failed += l->failed;
	if (l->first_done && (!r->first_done || l->first_done < r->first_done))
		r->first_done = l->first_done;
	if (l->last_done > r->last_done)
		r->last_done = l->last_done;
	r->udp_sent += l->udp_sent;
	r->udp_received += l->udp_received;
	r->udp_twice += l->udp_twice;
	r->udp_late += l->udp_late;
	r->reopened += l->reopened;
}

static void judge(struct result *r)
{
	uint64_t streams = (uint64_t)(opt.conns - r->failed);
	uint64_t expected = streams * opt.bytes * (opt.direction == (UP | DOWN) ? 2 : 1);

	for (int i = 0; i < FAIL_COUNT; i++)
		if (i != FAIL_udp_lost || opt.pps <= 0) /* at a fixed rate, loss is the result */
			r->wrong += r->failures[i];
	r->wrong += opt.mode == MODE_THROUGHPUT && r->bytes != expected;
	r->wrong += windowed() && !r->operations;
}

static void begin_measuring(struct result *r)
{
	r->before = usage_proxy(false);
	r->self = self_cpu();
	r->busy = machine_busy();
}

static void end_measuring(struct result *r)
{
	r->after = usage_proxy(false);
	r->self = self_cpu() - r->self;
	r->busy = machine_busy() - r->busy;
}

/* From the moment when all tunnels are open until all work is done. */
static void measure(struct result *r)
{
	struct usage opened = r->before;

	if (opt.mode == MODE_HOLD) {
		sleep_until(now_ns() + (uint64_t)(opt.settle * 1e9));
		r->held = usage_proxy(true);
		r->memory_held = system_memory();
	}
	window_begin = now_ns() + (windowed() ? (uint64_t)(opt.warmup * 1e9) : 0);
	window_end = window_begin + (uint64_t)(opt.seconds * 1e9);
	begin_measuring(r);
	running = true;
	r->started = now_ns();
	pthread_barrier_wait(&barrier);
	if (windowed()) {
		sleep_until(window_begin);
		begin_measuring(r);
		sleep_until(window_end);
		end_measuring(r);
	}
	pthread_barrier_wait(&barrier);
	if (!windowed())
		end_measuring(r);
	if (opt.mode == MODE_HOLD)
		r->before = opened;
}

int report_run(void)
{
	static struct result r;
	struct load *loads = make_loads();

	pthread_barrier_init(&barrier, NULL, (unsigned)opt.threads + 1);
	r.before = usage_proxy(true);
	r.memory_before = system_memory();
	uint64_t began = now_ns();
	for (int i = 0; i < opt.threads; i++)
		pthread_create(&loads[i].thread, NULL, load_run, &loads[i]);
	pthread_barrier_wait(&barrier); /* all tunnels are open */
	r.opened_s = (double)(now_ns() - began) / 1e9;
	measure(&r);
	for (int i = 0; i < opt.threads; i++) {
		pthread_join(loads[i].thread, NULL);
		collect(&r, &loads[i]);
	}
	judge(&r);
	print(&r);
	return r.wrong ? 1 : 0;
}
