/* SPDX-License-Identifier: ISC */
/* CPU and memory of the proxy and of the machine, read from /proc. */
#include "config.h"

#include "tests/bench/pxbench.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROCESSES_MAX 65536

/* The whole of a small file as text; false if there is nothing. */
static bool slurp(char *buf, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool slurp(char *buf, size_t size, const char *format, ...)
{
	char path[128];
	va_list args;
	size_t n = 0;
	ssize_t r;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (n + 1 < size && (r = read(fd, buf + n, size - 1 - n)) > 0)
		n += (size_t)r;
	close(fd);
	buf[n] = 0;
	return n > 0;
}

/* The number after a key. */
static uint64_t field(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

struct process {
	int pid, parent;
	unsigned long long ticks;
	bool ours;
};

static struct process processes[PROCESSES_MAX];

static bool read_process(struct process *p, int pid)
{
	char b[8192];
	unsigned long long user, system, child_user, child_system;

	if (pid <= 0 || !slurp(b, sizeof(b), "/proc/%d/stat", pid))
		return false;
	const char *end = strrchr(b, ')');
	if (!end ||
	    sscanf(end + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
	        &p->parent, &user, &system, &child_user, &child_system) != 5)
		return false;
	p->pid = pid;
	p->ticks = user + system + child_user + child_system;
	p->ours = false;
	for (int i = 0; i < opt.pid_count; i++)
		p->ours |= pid == opt.pids[i];
	return true;
}

static int read_processes(void)
{
	DIR *proc = opendir("/proc");
	int n = 0;

	if (!proc)
		die("no /proc");
	for (struct dirent *e; (e = readdir(proc)) && n < PROCESSES_MAX;)
		n += read_process(&processes[n], atoi(e->d_name));
	closedir(proc);
	return n;
}

static bool parent_is_ours(int n, int parent)
{
	for (int i = 0; i < n; i++)
		if (processes[i].ours && processes[i].pid == parent)
			return true;
	return false;
}

/* Children of ours are ours. */
static void adopt(int n)
{
	for (bool more = true; more;) {
		more = false;
		for (int i = 0; i < n; i++)
			if (!processes[i].ours && parent_is_ours(n, processes[i].parent))
				processes[i].ours = more = true;
	}
}

static void add_memory(struct usage *u, int pid)
{
	char b[8192];

	if (slurp(b, sizeof(b), "/proc/%d/smaps_rollup", pid)) {
		u->rss_kb += field(b, "Rss:");
		u->pss_kb += field(b, "Pss:");
	}
	if (slurp(b, sizeof(b), "/proc/%d/status", pid))
		u->threads += (int)field(b, "Threads:");
	snprintf(b, sizeof(b), "/proc/%d/fd", pid);
	DIR *fds = opendir(b);
	if (!fds)
		return;
	while (readdir(fds))
		u->descriptors++;
	closedir(fds);
	u->descriptors -= 2; /* . and .. */
}

struct usage usage_proxy(bool memory)
{
	struct usage u = {0};

	if (!opt.pid_count)
		return u;
	int n = read_processes();
	adopt(n);
	for (int i = 0; i < n; i++) {
		if (!processes[i].ours)
			continue;
		u.processes++;
		u.cpu += (double)processes[i].ticks / (double)sysconf(_SC_CLK_TCK);
		if (memory)
			add_memory(&u, processes[i].pid);
	}
	if (!u.processes)
		die("--pid: no such process");
	return u;
}

struct system_memory system_memory(void)
{
	struct system_memory m = {0};
	char b[16384];

	if (slurp(b, sizeof(b), "/proc/net/sockstat")) {
		const char *tcp = strstr(b, "TCP:");
		if (tcp) {
			m.sock_kb = field(tcp, " mem ") * 4;
			m.tcp_sockets = field(tcp, " alloc ");
		}
	}
	if (slurp(b, sizeof(b), "/proc/meminfo")) {
		m.slab_kb = field(b, "\nSlab:");
		m.kstack_kb = field(b, "\nKernelStack:");
		m.pagetables_kb = field(b, "\nPageTables:");
	}
	return m;
}

double self_cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

double machine_busy(void)
{
	char b[16384];
	unsigned long long idle = 0, wait = 0, stolen = 0;

	if (slurp(b, sizeof(b), "/proc/stat"))
		sscanf(b, "cpu %*u %*u %*u %llu %llu %*u %*u %llu", &idle, &wait, &stolen);
	return (double)now_ns() / 1e9 * (double)sysconf(_SC_NPROCESSORS_ONLN) -
	    (double)(idle + wait + stolen) / (double)sysconf(_SC_CLK_TCK);
}
