/* SPDX-License-Identifier: MIT */
/* The configuration: defaults, overridden by the file, overridden by the load options. */
#include "boot/config_load.h"
#include "boot/esp.h"
#include "boot/option_text.h"
#include "hv/errno.h"
#include "hv/log.h"
#include "hv/serial.h"
#include "hv/string.h"

#define CONFIG_PATH     "\\nestor\\nestor.cfg"
#define CONFIG_FILE_MAX (64 * KIB)

static int load_file(struct boot *boot)
{
	struct boot_blob file;
	struct config_error error;
	int rc = esp_read(boot, CONFIG_PATH, CONFIG_FILE_MAX, &file);

	if (rc == -ENOENT) {
		log_line("boot", "no " CONFIG_PATH ": defaults");
		return 0;
	}
	if (rc)
		return rc;
	rc = config_parse_file(&boot->info->config, (const char *)file.base, file.size, &error);
	boot_pages_give_back(boot, file.base);
	return rc ? boot_refuse(boot, "%s", error.text) : 0;
}

static int load_options(struct boot *boot)
{
	char text[OPTION_TEXT_MAX];
	struct config_error error;
	const char *options =
		option_text(boot->loaded->LoadOptions, boot->loaded->LoadOptionsSize, text);

	if (!options) {
		log_line("boot", "load options ignored: %u bytes that are no plain text",
			 boot->loaded->LoadOptionsSize);
		return 0;
	}
	if (config_parse_options(&boot->info->config, options, strlen(options), &error))
		return boot_refuse(boot, "%s", error.text);
	return 0;
}

int config_load(struct boot *boot)
{
	const struct config *config = &boot->info->config;
	u16 port = config->console_port;
	u32 baud = config->console_baud;
	int rc = load_file(boot);

	if (!rc)
		rc = load_options(boot);
	if (!rc && (port != config->console_port || baud != config->console_baud))
		serial_init(config->console_port, config->console_baud);
	return rc;
}
