/* SPDX-License-Identifier: MIT */
/*
 * nestor.cfg: "key = value" lines, '#' starts a comment. A pure parser: unknown keys and bad values
 * are refused with the file, the line and what was expected. The load options ("key=value
 * key=value", values with blanks in double quotes) go through the same table and override the file.
 */
#ifndef HV_CONFIG_H
#define HV_CONFIG_H

#include "hv/panic_test.h"
#include "hv/pfn_cache_mode.h"
#include "hv/types.h"

enum config_mode { MODE_HYPERVISOR, MODE_BARE };
enum config_on_exit { ON_EXIT_POWEROFF, ON_EXIT_REBOOT, ON_EXIT_HALT };
enum config_log { LOG_CAPS = 1, LOG_EXITS = 2, LOG_MEMORY = 4 };

#define CONFIG_PATH_MAX     128
#define CONFIG_CMDLINE_MAX  512
#define CONFIG_MODULES_MAX  8
#define CONFIG_VCPUS_MAX    16
#define CONFIG_CONTEXTS     64
#define CONFIG_CONTEXTS_MAX 1024

struct config_module {
	char path[CONFIG_PATH_MAX];       /* on the ESP, with backslashes or slashes */
	char cmdline[CONFIG_CMDLINE_MAX]; /* what follows the path on the line */
};

struct config {
	enum config_mode mode;            /* mode = hypervisor | bare */
	char kernel[CONFIG_PATH_MAX];     /* kernel = path; empty: the built-in self-test */
	char cmdline[CONFIG_CMDLINE_MAX]; /* cmdline = rest of line */
	struct config_module modules[CONFIG_MODULES_MAX]; /* module = path [args]; repeatable */
	u32 module_count;
	u64 memory;       /* memory = bytes with K M G; 0: all that is free */
	u32 cpus;         /* cpus = n: physical CPUs to use; 0: all */
	u32 vcpus;        /* vcpus = n: L1's CPUs, more than physical ones too; 0: as many */
	u32 contexts;     /* contexts = n: VMCSs of L1 that stay ready to run, for each vCPU */
	u16 console_port; /* console = com1 | com2 | 0xPORT [, baud] */
	u32 console_baud;
	enum config_on_exit on_exit; /* on_exit = poweroff | reboot | halt */
	u32 log; /* log = none | caps | exits | memory, comma separated: bits of config_log */
	bool software_apic;            /* apic = auto | software: leave APIC virtualization off */
	bool write_protect;            /* pml = auto | off: log by write protection alone */
	bool test_calls;               /* test_calls = on | off: hypercalls that change memory */
	bool bios;                     /* bios = on | off: L1 starts as a BIOS leaves a PC */
	enum pfn_cache_mode pfn_cache; /* pfn_cache = cached | lookup | ...: for measuring */
	enum panic_test panic_test;    /* panic_test = none | ud | ...: a fault of L0 on purpose */
};

/* One refusal, ready to print: "nestor.cfg:3: unknown key 'kernle'; expected one of: ..." */
struct config_error {
	char text[400];
};

void config_defaults(struct config *config);
/* Parse a file's text (size bytes, any content) on top
 * of *config. 0, or -EINVAL with *error filled. */
int config_parse_file(struct config *config, const char *text, size_t size,
		      struct config_error *error);
/* Parse load options (size bytes, ASCII) on top of *config. 0, or -EINVAL with *error filled. */
int config_parse_options(struct config *config, const char *text, size_t size,
			 struct config_error *error);

#endif
