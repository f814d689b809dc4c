/* SPDX-License-Identifier: MIT */
/* GDT and TSS per CPU; the TSS carries nothing but the interrupt stacks. */
#include "hv/segments.h"
#include "hv/boot_info.h"
#include "hv/descriptors.h"
#include "hv/msr_index.h"
#include "hv/stack.h"
#include "hv/x86.h"

#define DESCRIPTOR_CODE 0x00af9b000000ffffULL /* 64-bit, present, accessed */
#define DESCRIPTOR_DATA 0x00cf93000000ffffULL
#define DESCRIPTOR_TSS  0x0000890000000000ULL /* available 64-bit TSS, present */

static struct segments {
	u64 gdt[5]; /* null, code, data, TSS (two entries) */
	struct tss tss;
} __attribute__((aligned(16))) all_segments[BOOT_CPUS_MAX];

static void set_tss_descriptor(u64 *descriptor, const struct tss *tss)
{
	u64 base = (uintptr_t)tss;

	descriptor[0] = DESCRIPTOR_TSS | (sizeof(*tss) - 1) | (base & 0xffffff) << 16 |
			(base >> 24 & 0xff) << 56;
	descriptor[1] = base >> 32;
}

void segments_load(struct cpu *cpu)
{
	struct segments *s = &all_segments[cpu->index];

	s->gdt[SELECTOR_CODE / 8] = DESCRIPTOR_CODE;
	s->gdt[SELECTOR_DATA / 8] = DESCRIPTOR_DATA;
	set_tss_descriptor(&s->gdt[SELECTOR_TSS / 8], &s->tss);
	for (enum stack_kind kind = STACK_DOUBLE_FAULT; kind < STACKS; kind++)
		s->tss.ist[kind - 1] = stack_top(cpu->index, kind);
	s->tss.io_bitmap = sizeof(s->tss);

	load_gdt(s->gdt, sizeof(s->gdt) - 1);
	load_segment_registers(SELECTOR_CODE, SELECTOR_DATA);
	load_task_register(SELECTOR_TSS);
	/* Loading a selector into GS cleared its base. */
	wrmsr(MSR_IA32_GS_BASE, (uintptr_t)cpu);
}

u64 segments_gdt_base(u32 cpu_index)
{
	return (uintptr_t)all_segments[cpu_index].gdt;
}

u64 segments_tss_base(u32 cpu_index)
{
	return (uintptr_t)&all_segments[cpu_index].tss;
}
