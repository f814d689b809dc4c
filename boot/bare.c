/* SPDX-License-Identifier: MIT */
/*
 * Bare mode. The image may be linked to where the firmware's page tables, stack and descriptor
 * tables are, so that nothing of the firmware's is used any more once copying begins: stack and
 * page tables come from a workspace that the ranges call reserved, like this program itself.
 */
#include "boot/bare.h"
#include "boot/bare_asm.h"
#include "boot/images.h"
#include "hv/cpuid.h"
#include "hv/guest/load_start.h"
#include "hv/log.h"
#include "hv/msr_index.h"
#include "hv/platform.h"
#include "hv/string.h"
#include "hv/x86.h"

#define STACK_BYTES   16384

#define LVT_TIMER     0x320u
#define TIMER_INITIAL 0x380u
#define LVT_MASKED    (1u << 16)

struct bare {
	struct identity_map tables;
	u8 stack[STACK_BYTES];
	struct load_plan plan;
	struct start_state start;
	struct load_range ranges[BOOT_RANGES_MAX];
};

int bare_reserve(struct boot *boot)
{
	if (boot->info->image_base + boot->info->image_size > 4 * GIB || (read_cr4() & CR4_LA57))
		return boot_refuse(boot,
				   "bare mode: Nestor runs above 4 GiB or with 5-level paging; "
				   "use a firmware that does not");
	boot->bare = (void *)boot_pages_take(boot, sizeof(*boot->bare), 4 * GIB - 1);
	if (!boot->bare)
		return boot_refuse(boot, "bare mode: no memory below 4 GiB; add RAM");
	return 0;
}

int bare_plan(struct boot *boot)
{
	const struct boot_info *info = boot->info;

	for (u32 i = 0; i < info->range_count; i++) {
		const struct boot_range *range = &info->ranges[i];

		boot->bare->ranges[i] = (struct load_range){
			.base = l1_gpa(range->base),
			.bytes = range->size,
			.type = range->type == BOOT_RAM ? LOAD_RAM : LOAD_RESERVED,
		};
	}
	return images_plan(boot, boot->bare->ranges, info->range_count, &boot->bare->plan);
}

static void apic_write(u64 apic_base, u32 offset, u32 value)
{
	if (apic_base & APIC_BASE_X2APIC)
		wrmsr(MSR_X2APIC_FIRST + offset / 16, value);
	else
		*(volatile u32 *)(ALIGN_DOWN(apic_base, PAGE_SIZE) + offset) = value;
}

/* No interrupt of the firmware's devices may reach the image. */
static void quiet_interrupts(void)
{
	u64 apic_base = rdmsr(MSR_IA32_APIC_BASE);

	platform_mask_pics();
	if (apic_base & APIC_BASE_ENABLED) {
		apic_write(apic_base, LVT_TIMER, LVT_MASKED);
		apic_write(apic_base, TIMER_INITIAL, 0);
	}
}

/* What a firmware with VMX switched on would have left: the image's VMXON depends on it. */
static void allow_vmxon(void)
{
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_VMX))
		return;
	if (!(rdmsr(MSR_IA32_FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED))
		wrmsr(MSR_IA32_FEATURE_CONTROL, FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMXON);
}

/* On the workspace's stack and page tables: from here on, the firmware's memory is the image's. */
static void load_and_enter(const struct bare *bare)
{
	const struct load_plan *plan = &bare->plan;

	for (u32 i = 0; i < plan->copy_count; i++) {
		const struct load_copy *copy = &plan->copies[i];
		u8 *to = (u8 *)copy->to.raw;

		memcpy(to, copy->from, copy->bytes);
		memset(to + copy->bytes, 0, copy->zero_bytes);
	}
	log_raw("nestor: bare: its first instruction: TSC %llu", (unsigned long long)rdtsc());
	bare_enter(&bare->start);
}

_Noreturn void bare_start(struct boot *boot)
{
	struct bare *bare = boot->bare;

	log_raw("nestor: bare: %s at 0x%llx, information block at 0x%llx", boot->info->kernel.name,
		(unsigned long long)bare->plan.entry.raw,
		(unsigned long long)bare->plan.info_gpa.raw);
	quiet_interrupts();
	allow_vmxon();
	bare->start = load_start(&bare->plan);
	identity_map_build(&bare->tables, (u64)&bare->tables);
	bare_switch((u64)&bare->tables, bare->stack + STACK_BYTES, load_and_enter, bare);
}
