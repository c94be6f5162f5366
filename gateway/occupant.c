/* SPDX-License-Identifier: ISC */
/* From an address in use to the process that has it, by what /proc shows. */
#include "config.h"

#include "gateway/occupant.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TCP_LISTENING 0x0a /* TCP_LISTEN of the kernel's enum, as /proc/net/tcp prints it */

struct row {
	struct in6_addr address;
	unsigned port, state, uid;
	unsigned long inode;
};

/* The kernel prints an address as 32-bit words, each as the machine reads it from memory. */
static bool parse_address(struct in6_addr *address, const char *hex)
{
	uint32_t words[4];
	size_t count = strlen(hex) / 8, i;

	if (count != 1 && count != 4)
		return false;
	for (i = 0; i < count; i++)
		if (sscanf(hex + 8 * i, "%8x", &words[i]) != 1)
			return false;
	if (count == 1)
		*address = address_from_ipv4(words[0]);
	else
		memcpy(address, words, sizeof(*address));
	return true;
}

static bool parse_row(struct row *row, const char *line)
{
	char hex[33];

	return sscanf(line,
	           "%*d: %32[0-9A-Fa-f]:%x %*32[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %u %*d %lu",
	           hex, &row->port, &row->state, &row->uid, &row->inode) == 5 &&
	    parse_address(&row->address, hex);
}

static bool is_wildcard(const struct in6_addr *address)
{
	static const struct in6_addr any4 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	return IN6_IS_ADDR_UNSPECIFIED(address) || memcmp(address, &any4, sizeof(any4)) == 0;
}

static bool in_the_way(const struct row *row, const struct endpoint *endpoint)
{
	return row->state == TCP_LISTENING && row->port == endpoint->port &&
	    (memcmp(&row->address, &endpoint->address, sizeof(row->address)) == 0 ||
	        is_wildcard(&row->address) || is_wildcard(&endpoint->address));
}

static bool find_row(const char *path, const struct endpoint *endpoint, struct row *row)
{
	FILE *file = fopen(path, "re");
	char line[512];
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = parse_row(row, line) && in_the_way(row, endpoint);
	fclose(file);
	return found;
}

static bool has_socket(const char *pid, const char *wanted)
{
	char path[300], link[64];
	struct dirent *entry;
	bool found = false;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		found = strcmp(link, wanted) == 0;
	}
	closedir(dir);
	return found;
}

static pid_t find_process(unsigned long inode)
{
	struct dirent *entry;
	char wanted[64];
	pid_t pid = -1;
	DIR *dir = opendir("/proc");

	if (dir == NULL)
		return -1;
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	while (pid < 0 && (entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) && has_socket(entry->d_name, wanted))
			pid = (pid_t)atol(entry->d_name);
	closedir(dir);
	return pid;
}

void occupant_name(pid_t pid, char out[OCCUPANT_TEXT])
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	file = fopen(path, "re");
	if (file != NULL) {
		if (fgets(name, sizeof(name), file) == NULL)
			name[0] = '\0';
		fclose(file);
	}
	name[strcspn(name, "\n")] = '\0';
	if (name[0] != '\0')
		snprintf(out, OCCUPANT_TEXT, "%s (pid %ld)", name, (long)pid);
	else
		snprintf(out, OCCUPANT_TEXT, "pid %ld", (long)pid);
}

bool occupant_find(const struct endpoint *endpoint, char out[OCCUPANT_TEXT])
{
	struct row row;
	pid_t pid;

	if (!find_row("/proc/net/tcp", endpoint, &row) &&
	    !find_row("/proc/net/tcp6", endpoint, &row))
		return false;
	pid = find_process(row.inode);
	if (pid == getpid())
		snprintf(out, OCCUPANT_TEXT, "this process itself");
	else if (pid > 0)
		occupant_name(pid, out);
	else
		snprintf(out, OCCUPANT_TEXT, "a process of user id %u", row.uid);
	return true;
}
