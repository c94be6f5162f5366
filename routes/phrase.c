/* SPDX-License-Identifier: ISC */
/* Strings that grow, and words written so that the configuration's parser reads them back. */
#include "config.h"

#include "routes/phrase.h"

#include <stdlib.h>
#include <string.h>

void phrase_clear(struct phrase *phrase)
{
	free(phrase->data);
	*phrase = (struct phrase){.data = NULL};
}

void phrase_reset(struct phrase *phrase)
{
	phrase->length = 0;
	phrase->failed = false;
	if (phrase->data)
		phrase->data[0] = '\0';
}

static bool reserve(struct phrase *phrase, size_t more)
{
	size_t need = phrase->length + more + 1, size = phrase->size ? phrase->size : 64;
	char *data;

	if (need <= phrase->size)
		return true;
	while (size < need)
		size *= 2;
	data = realloc(phrase->data, size);
	if (!data) {
		phrase->failed = true;
		return false;
	}
	phrase->data = data;
	phrase->size = size;
	return true;
}

void phrase_add_bytes(struct phrase *phrase, const char *bytes, size_t length)
{
	if (!reserve(phrase, length))
		return;
	memcpy(phrase->data + phrase->length, bytes, length);
	phrase->length += length;
	phrase->data[phrase->length] = '\0';
}

void phrase_add(struct phrase *phrase, const char *string)
{
	phrase_add_bytes(phrase, string, strlen(string));
}

static void add_escaped(struct phrase *phrase, char c)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char byte = (unsigned char)c;
	char escape[4] = {'\\', c};

	if (c == '"' || c == '\\') {
		phrase_add_bytes(phrase, escape, 2);
	} else if (byte < ' ' || byte == 0x7f) {
		escape[1] = 'x';
		escape[2] = hex[byte >> 4];
		escape[3] = hex[byte & 15];
		phrase_add_bytes(phrase, escape, 4);
	} else {
		phrase_add_bytes(phrase, &c, 1);
	}
}

static bool must_quote(const char *word)
{
	if (*word == '\0' || *word == '#')
		return true;
	for (; *word; word++)
		if ((unsigned char)*word <= ' ' || *word == 0x7f || strchr(";{}\"'\\", *word))
			return true;
	return false;
}

void phrase_add_word(struct phrase *phrase, const struct word *word)
{
	if (phrase->length > 0)
		phrase_add(phrase, " ");
	if (!word->quoted && !must_quote(word->text)) {
		phrase_add(phrase, word->text);
		return;
	}
	phrase_add(phrase, "\"");
	for (const char *c = word->text; *c; c++)
		add_escaped(phrase, *c);
	phrase_add(phrase, "\"");
}

const char *phrase_string(const struct phrase *phrase)
{
	return phrase->data ? phrase->data : "";
}
