/* SPDX-License-Identifier: MIT */
/* The boot order of every guest image. */
#include "tests/guest/lib/init.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/report.h"
#include "tests/guest/lib/told.h"

_Noreturn void guest_start(u32 magic, const void *told);

void guest_start(u32 magic, const void *told)
{
	const struct multiboot_info *info;

	nestor_init();
	console_init();
	descriptors_init();
	info = told_as_multiboot(magic, told);
	if (!info)
		report_fatal("started by a loader of an unknown kind: EAX = 0x%x", magic);
	memory_init(info);
	paging_init();
	guest_main(info->flags & MULTIBOOT_CMDLINE ? (const char *)(u64)info->cmdline : "");
}
