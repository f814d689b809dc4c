/* SPDX-License-Identifier: MIT */
/* The L1 image and its modules. */
#include "boot/images.h"
#include "boot/esp.h"
#include "hv/guest/pc_memory.h"
#include "hv/guest/selftest.h"
#include "hv/log.h"

static int load_kernel(struct boot *boot)
{
	struct boot_info *info = boot->info;
	int rc = 0;

	if (info->config.kernel[0]) {
		rc = esp_read(boot, info->config.kernel, ESP_FILE_MAX, &info->kernel);
	} else {
		info->kernel.base = (u64)selftest_image;
		info->kernel.size = (u64)(selftest_image_end - selftest_image);
		info->kernel.name = "built-in-self-test";
	}
	info->kernel.cmdline = info->config.cmdline;
	return rc;
}

static int check_kernel(struct boot *boot)
{
	const struct boot_blob *kernel = &boot->info->kernel;
	struct load_error error;

	if (kernel_parse((const void *)kernel->base, kernel->size, &boot->kernel, &error))
		return boot_refuse(boot,
				   "%s: %s; set 'kernel' to an intact multiboot-1, PVH or bzImage "
				   "file",
				   kernel->name, error.text);
	log_line("boot", "kernel %s: %s, 0x%llx bytes, %u segments, entry 0x%x", kernel->name,
		 kernel_protocol_name(boot->kernel.protocol), (unsigned long long)kernel->size,
		 boot->kernel.segment_count, boot->kernel.entry);
	return 0;
}

int images_load(struct boot *boot)
{
	struct boot_info *info = boot->info;
	int rc = load_kernel(boot);

	if (!rc)
		rc = check_kernel(boot);
	for (u32 i = 0; i < info->config.module_count && !rc; i++) {
		const struct config_module *module = &info->config.modules[i];

		rc = esp_read(boot, module->path, ESP_FILE_MAX, &info->modules[i]);
		info->modules[i].cmdline = module->cmdline;
		info->module_count = i + 1;
	}
	return rc;
}

int images_plan(struct boot *boot, const struct load_range *ranges, u32 range_count,
		struct load_plan *plan)
{
	const struct boot_info *info = boot->info;
	struct load_module modules[CONFIG_MODULES_MAX];
	struct load_request request = {
		.image = &boot->kernel,
		.name = info->kernel.name,
		.cmdline = info->kernel.cmdline,
		.modules = modules,
		.module_count = info->module_count,
		.ranges = ranges,
		.range_count = range_count,
		.rsdp = info->config.mode == MODE_BARE ? info->rsdp : PC_ACPI_START,
	};
	struct load_error error;

	for (u32 i = 0; i < info->module_count; i++) {
		const struct boot_blob *module = &info->modules[i];

		modules[i] = (struct load_module){ .from = (const void *)module->base,
						   .bytes = module->size,
						   .name = module->name,
						   .cmdline = module->cmdline };
	}
	if (load_plan_make(&request, plan, &error))
		return boot_refuse(boot,
				   "%s: %s; give it more memory or less beside it, or link it "
				   "elsewhere",
				   info->kernel.name, error.text);
	return 0;
}
