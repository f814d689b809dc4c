/* SPDX-License-Identifier: MIT */
/* The boot order of every guest image. */
#include "tests/guest/lib/init.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/report.h"

_Noreturn void guest_start(u32 magic, const struct multiboot_info *info);

void guest_start(u32 magic, const struct multiboot_info *info)
{
	nestor_init();
	console_init();
	descriptors_init();
	if (magic != MULTIBOOT_LOADER_MAGIC)
		report_fatal("not started by a multiboot loader: EAX = 0x%x", magic);
	memory_init(info);
	paging_init();
	guest_main(info->flags & MULTIBOOT_CMDLINE ? (const char *)(u64)info->cmdline : "");
}
