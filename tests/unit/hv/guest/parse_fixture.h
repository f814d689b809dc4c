/* SPDX-License-Identifier: MIT */
/* Tests of one format's parser: a file of FILE_BYTES that they change, and what becomes of it. */
#ifndef TESTS_PARSE_FIXTURE_H
#define TESTS_PARSE_FIXTURE_H

#include "unit.h"
#include "hv/errno.h"
#include "hv/guest/kernel_image.h"

#ifndef FILE_BYTES
#define FILE_BYTES 4096 /* a test of one format says how many its image has */
#endif

static u8 file[FILE_BYTES];
static struct kernel_image parsed;
static struct load_error error;

/* In a block of its exact size, so that ASan sees a read past its end. */
static inline int parse(size_t size)
{
	u8 *copy = calloc(1, size ? size : 1);
	int rc;

	memcpy(copy, file, size);
	rc = kernel_parse(copy, size, &parsed, &error);
	free(copy);
	return rc;
}

static inline void refuse(const char *text)
{
	assert_int_equal(parse(sizeof(file)), -EINVAL);
	assert_string_equal(error.text, text);
}

static inline void take(void)
{
	if (parse(sizeof(file)))
		fail_msg("refused: %s", error.text);
}

#endif
