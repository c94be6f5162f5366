/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a configuration, sealed: read, checked, linted, asked.  What is good is dumped, and
 * the dump is good again and dumps to the same text.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/conf_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *dump(const struct conf *conf, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (out == NULL)
		abort();
	conf_dump(conf, out);
	fclose(out);
	return text;
}

static void read_again(const struct conf_options *options, const char *text, size_t size)
{
	struct conf *conf = conf_load_text(options, text, size, true);
	size_t again_size;
	char *again;

	if (conf == NULL)
		abort();
	again = dump(conf, &again_size);
	if (again_size != size || memcmp(again, text, size) != 0)
		abort();
	free(again);
	conf_free(conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct conf_options options = {.messages = fopen("/dev/null", "w"), .notes = true};
	struct conf *conf;
	size_t length;
	char *text;

	if (options.messages == NULL)
		return 0;
	conf = conf_load_text(&options, (const char *)data, size, true);
	if (conf != NULL) {
		text = dump(conf, &length);
		read_again(&options, text, length);
		free(text);
		conf_free(conf);
	}
	fclose(options.messages);
	return 0;
}
