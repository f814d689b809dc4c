/* SPDX-License-Identifier: MIT */
/* Any bytes as nestor.cfg and as load options: no fault, and a refusal always has its text. */
#include <assert.h>
#include <string.h>
#include "hv/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int rc, const struct config *config, const struct config_error *error)
{
	assert(rc == 0 || memchr(error->text, '\0', sizeof(error->text)) != error->text);
	assert(config->module_count <= CONFIG_MODULES_MAX);
	assert(memchr(config->kernel, '\0', sizeof(config->kernel)));
	assert(memchr(config->cmdline, '\0', sizeof(config->cmdline)));
	for (u32 i = 0; i < config->module_count; i++) {
		assert(memchr(config->modules[i].path, '\0', CONFIG_PATH_MAX));
		assert(memchr(config->modules[i].cmdline, '\0', CONFIG_CMDLINE_MAX));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	struct config_error error = { .text = "" };

	config_defaults(&config);
	check(config_parse_file(&config, (const char *)data, size, &error), &config, &error);
	error.text[0] = '\0';
	check(config_parse_options(&config, (const char *)data, size, &error), &config, &error);
	return 0;
}
