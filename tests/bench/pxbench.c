/* SPDX-License-Identifier: ISC */
/* Load generator and origin server for TCP and UDP proxies: the command line. */
#include "config.h"

#include "tests/bench/pxbench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct options opt = {.conns = 16,
    .threads = 1,
    .direction = DOWN,
    .ramp = 64,
    .size = 64,
    .window = 16,
    .bytes = 1u << 30,
    .seconds = 5,
    .warmup = 0.5,
    .timeout = 10,
    .settle = 1,
    .user = "user1",
    .password = "pass1"};

const char *const kind_names[KIND_COUNT] = {"none", "socks4", "socks4a", "socks5", "socks5h",
    "socks5-auth", "http-connect", "http-auth", "http-forward", "http-reverse"};
const char *const mode_names[MODE_COUNT] = {"throughput", "rate", "hold", "latency", "udp"};

static bool have_proxy;
static int addresses = 8; /* of the origin */

static const char usage_text[] =
    "pxbench serve PORT [--addrs K=8] [--threads T=1]   origin on 127.0.0.1..K: TCP and UDP\n"
    "pxbench serve-http PORT [...]   the same for HTTP: GET /LENGTH/OFFSET\n"
    "pxbench MODE --proxy KIND HOST:PORT [options]\n"
    "  MODE   throughput rate hold latency udp\n"
    "  KIND   socks5 socks5h socks5-auth socks4 socks4a http-connect http-auth (IPv4 HOST), or\n"
    "         none: HOST:PORT is then the origin or a plain TCP relay to it, or\n"
    "         http-forward http-reverse: no tunnel, GETs of a serve-http over kept\n"
    "         connections, in absolute or origin form (throughput, latency, hold)\n"
    "  --target IP:PORT     origin as the proxy sees it (127.0.0.1:9000)\n"
    "  --conns C (16)  --threads T (1)  --pid P[,P] of the proxy, descendants included  --json\n"
    "  --timeout S (10)     stall of one connection\n"
    "  --ramp N (64)        unfinished openings at once, per thread\n"
    "  --src-addrs K  --dst-addrs K   use 127.0.0.1..K as source, target.. as destination\n"
    "                       (rate, hold: 8; else 1)\n"
    "  --user U --pass P    (user1, pass1)\n"
    "throughput: --bytes N[k|m|g] per connection and direction (1g)  --dir down|up|both\n"
    "            --verify (content, not only counts)  --sendfile (instead of write)\n"
    "rate:       --seconds T (5)  --warmup S (0.5)  --close client|server|rst (client)\n"
    "hold:       --settle S (1)   wait before reading memory\n"
    "latency:    --seconds --warmup --size N (64)\n"
    "            --reopen (http: the proxy may close a connection after an answer)\n"
    "udp:        --seconds --warmup --size N (64)\n"
    "            --window W (16) packets in flight per association, or --pps R in all\n"
    "Exit status: 0 all correct, 1 any failure (also UDP loss unless --pps), 2 usage.\n";

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("pxbench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

void sleep_until(uint64_t t)
{
	struct timespec when = {(time_t)(t / SECOND), (long)(t % SECOND)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
		;
}

/* --- words ---------------------------------------------------------------------------------- */

static struct sockaddr_in parse_address(const char *text)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	char host[64];
	const char *colon = text ? strrchr(text, ':') : NULL;
	int port = colon ? atoi(colon + 1) : 0;

	if (!colon || (size_t)(colon - text) >= sizeof(host) || port < 1 || port > 65535)
		die("not HOST:PORT: %s", text ? text : "(nothing)");
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (!inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &a.sin_addr))
		die("not an IPv4 address: %s", host);
	a.sin_port = htons((uint16_t)port);
	return a;
}

static uint64_t parse_size(const char *text)
{
	char *unit;
	double v = strtod(text, &unit);

	switch (*unit) {
	case 'k':
		return (uint64_t)(v * 1024.0);
	case 'm':
		return (uint64_t)(v * 1048576.0);
	case 'g':
		return (uint64_t)(v * 1073741824.0);
	default:
		return (uint64_t)v;
	}
}

static int lookup(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	die("unknown: %s (try --help)", name);
}

/* --- options -------------------------------------------------------------------------------- */

static void set_proxy(char **argv, const char *kind)
{
	opt.kind = (enum kind)lookup(kind_names, KIND_COUNT, kind);
	opt.proxy = parse_address(argv[optind] ? argv[optind++] : NULL);
	have_proxy = true;
}

static void set_pids(char *list)
{
	for (char *p = strtok(list, ","); p && opt.pid_count < PIDS_MAX; p = strtok(NULL, ","))
		opt.pids[opt.pid_count++] = atoi(p);
}

/* Options that are one number or one text. */
static const struct value {
	const char *name;
	int *number;
	double *real;
	const char **text;
	bool *flag;
} values[] = {
    {.name = "conns", .number = &opt.conns},
    {.name = "threads", .number = &opt.threads},
    {.name = "timeout", .real = &opt.timeout},
    {.name = "ramp", .number = &opt.ramp},
    {.name = "src-addrs", .number = &opt.sources},
    {.name = "dst-addrs", .number = &opt.destinations},
    {.name = "user", .text = &opt.user},
    {.name = "pass", .text = &opt.password},
    {.name = "seconds", .real = &opt.seconds},
    {.name = "warmup", .real = &opt.warmup},
    {.name = "settle", .real = &opt.settle},
    {.name = "size", .number = &opt.size},
    {.name = "window", .number = &opt.window},
    {.name = "pps", .real = &opt.pps},
    {.name = "addrs", .number = &addresses},
    {.name = "json", .flag = &opt.json},
    {.name = "verify", .flag = &opt.verify},
    {.name = "sendfile", .flag = &opt.sendfile},
    {.name = "reopen", .flag = &opt.reopen},
};
#define VALUES (sizeof(values) / sizeof(values[0]))

enum { OPTION_PROXY = VALUES, OPTION_TARGET, OPTION_PID, OPTION_BYTES, OPTION_DIR, OPTION_CLOSE };
static const char *const others[] = {"proxy", "target", "pid", "bytes", "dir", "close"};
#define OTHERS (sizeof(others) / sizeof(others[0]))

static void set_value(const struct value *v, const char *text)
{
	if (v->number)
		*v->number = atoi(text);
	else if (v->real)
		*v->real = atof(text);
	else if (v->text)
		*v->text = text;
	else
		*v->flag = true;
}

/* False: not an option. */
static bool set_option(int which, char **argv)
{
	static const char *const directions[] = {"", "down", "up", "both"};
	static const char *const closers[] = {"client", "server", "rst"};

	switch (which) {
	case OPTION_PROXY:
		set_proxy(argv, optarg);
		return true;
	case OPTION_TARGET:
		opt.target = parse_address(optarg);
		return true;
	case OPTION_PID:
		set_pids(optarg);
		return true;
	case OPTION_BYTES:
		opt.bytes = parse_size(optarg);
		return true;
	case OPTION_DIR:
		opt.direction = lookup(directions, 4, optarg);
		return true;
	case OPTION_CLOSE:
		opt.closer = lookup(closers, 3, optarg);
		return true;
	default:
		if (which < 0 || which >= (int)VALUES)
			return false;
		set_value(&values[which], optarg);
		return true;
	}
}

static bool read_options(int argc, char **argv)
{
	struct option longs[VALUES + OTHERS + 1] = {{0}};

	for (int i = 0; i < (int)VALUES; i++)
		longs[i] = (struct option){values[i].name, !values[i].flag, NULL, 256 + i};
	for (int i = 0; i < (int)OTHERS; i++)
		longs[VALUES + i] = (struct option){others[i], 1, NULL, 256 + (int)VALUES + i};
	for (int o; (o = getopt_long(argc, argv, "+", longs, NULL)) != -1;)
		if (!set_option(o - 256, argv))
			return false;
	return true;
}

static void check_options(int argc, char **argv)
{
	bool udp = opt.mode == MODE_UDP;

	if (!have_proxy && !(udp && opt.kind == KIND_NONE))
		die("--proxy KIND HOST:PORT is missing");
	if (optind < argc)
		die("what is %s?", argv[optind]);
	if (opt.kind == KIND_NONE || opt.kind == KIND_HTTP_REVERSE)
		opt.destinations = 1;
	if (fetches() && (udp || opt.mode == MODE_RATE || opt.direction != DOWN))
		die("http-forward and http-reverse need throughput down, latency or hold");
	if (udp && opt.kind != KIND_NONE && opt.kind != KIND_SOCKS5 && opt.kind != KIND_SOCKS5_AUTH)
		die("udp needs socks5, socks5-auth or none");
	if (opt.conns < 1 || opt.bytes < 1 || opt.bytes >> 56 || opt.sources < 1 ||
	    opt.destinations < 1 || opt.ramp < 1)
		die("a number is out of range");
	if (opt.size < (udp ? 12 : 1) || opt.size > (udp ? 1400 : 65536))
		die("--size is out of range");
	if (opt.window < 1 || opt.window > 8192 || strlen(opt.user) > 60 ||
	    strlen(opt.password) > 60)
		die("--window or a credential is out of range");
	if (opt.threads > opt.conns)
		opt.threads = opt.conns;
}

/* --- main ----------------------------------------------------------------------------------- */

static void raise_limit(void)
{
	struct rlimit most = {1048576, 1048576}, now;

	getrlimit(RLIMIT_NOFILE, &now);
	if (setrlimit(RLIMIT_NOFILE, &most) == 0)
		return;
	now.rlim_cur = now.rlim_max;
	setrlimit(RLIMIT_NOFILE, &now);
}

static int usage(FILE *to, int status)
{
	fputs(usage_text, to);
	return status;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr, 2);
	if (strcmp(argv[1], "--help") == 0)
		return usage(stdout, 0);
	bool web = strcmp(argv[1], "serve-http") == 0;
	bool serving = web || strcmp(argv[1], "serve") == 0;
	opt.target = parse_address("127.0.0.1:9000");
	if (!serving)
		opt.mode = (enum mode)lookup(mode_names, MODE_COUNT, argv[1]);
	opt.sources = opt.mode == MODE_RATE || opt.mode == MODE_HOLD ? 8 : 1;
	opt.destinations = opt.sources;
	optind = serving ? 3 : 2;
	if (!read_options(argc, argv))
		return usage(stderr, 2);
	if (opt.threads < 1 || addresses < 1 || addresses > 250)
		die("bad --threads or --addrs");
	signal(SIGPIPE, SIG_IGN);
	raise_limit();
	pattern_init();
	if (serving) {
		int port = argc > 2 ? atoi(argv[2]) : 0;
		if (port < 1 || port > 65535)
			die("serve PORT");
		if (web)
			http_origin_serve(port, addresses);
		origin_serve(port, addresses);
	}
	check_options(argc, argv);
	return report_run();
}
