/* SPDX-License-Identifier: MIT */
/* What L0 maps and with which control registers it runs. The tables themselves: hv/page_table.c. */
#include "hv/paging.h"
#include "hv/apic.h"
#include "hv/errno.h"
#include "hv/image.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/stack.h"
#include "hv/x86.h"

/* The PAT after reset: WB, WT, UC-, UC twice. The cache bits in the tables count on it. */
#define PAT_RESET 0x0007040600070406ULL

static struct page_table table;

static struct {
	void (*run)(void *);
	void *arg;
} continuation;

static u64 address_of(const void *p)
{
	return (uintptr_t)p;
}

static int map_range(u64 start, u64 end, enum page_purpose purpose)
{
	struct page_span span = { .va = start, .hpa = start, .size = end - start };

	return page_table_map(&table, span, purpose);
}

/* In order of address; what is neither code nor data
 * (headers, constants, relocations) is read-only. */
static int map_image(const struct boot_info *info)
{
	const u64 borders[] = {
		info->image_base,       address_of(__text_start),
		address_of(__text_end), address_of(__data_start),
		address_of(__data_end), info->image_base + ALIGN_UP(info->image_size, PAGE_SIZE),
	};
	static const enum page_purpose purposes[] = { PAGE_CONST, PAGE_CODE, PAGE_CONST, PAGE_DATA,
						      PAGE_CONST };

	for (size_t i = 0; i < ARRAY_SIZE(purposes); i++) {
		int err = map_range(borders[i], borders[i + 1], purposes[i]);

		if (err != 0)
			return err;
	}
	return 0;
}

static int map_stacks(u32 cpu)
{
	for (enum stack_kind kind = STACK_MAIN; kind < STACKS; kind++) {
		void *pages = table.source(stack_order(kind));
		struct page_span span = {
			.va = stack_bottom(cpu, kind),
			.hpa = address_of(pages),
			.size = PAGE_SIZE << stack_order(kind),
		};
		int err = pages != NULL ? page_table_map(&table, span, PAGE_DATA) : -ENOMEM;

		if (err != 0)
			return err;
	}
	return 0;
}

int paging_init(const struct boot_info *info, page_source *source)
{
	u64 apic = apic_mmio_base();
	int err;

	if (read_cr4() & CR4_LA57)
		return -ENOTSUP;
	err = page_table_init(&table, source);
	if (err == 0)
		err = map_image(info);
	if (err == 0)
		err = map_range(info->pool_base, info->pool_base + info->pool_size, PAGE_DATA);
	if (err == 0)
		err = map_range(info->trampoline, info->trampoline + PAGE_SIZE, PAGE_CODE);
	if (err == 0 && apic != 0)
		err = map_range(apic, apic + PAGE_SIZE, PAGE_DEVICE);
	for (u32 cpu = 0; err == 0 && cpu < info->cpu_count; cpu++)
		err = map_stacks(cpu);
	return err;
}

u64 *paging_reserve(u64 va, u32 pages)
{
	return page_table_reserve(&table, va, pages);
}

/* CPUID.1:ECX and CPUID.7:EBX, ECX name what the CPU has. */
static u64 cr4_for_this_cpu(void)
{
	u64 cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	struct cpuid_regs extended = { 0 };

	if (cpuid(0, 0).eax >= 7)
		extended = cpuid(7, 0);
	if (cpuid(1, 0).ecx & BIT(26))
		cr4 |= CR4_OSXSAVE;
	if (extended.ebx & BIT(7))
		cr4 |= CR4_SMEP;
	if (extended.ebx & BIT(20))
		cr4 |= CR4_SMAP;
	if (extended.ecx & BIT(2))
		cr4 |= CR4_UMIP;
	return cr4;
}

struct paging_registers paging_registers(void)
{
	return (struct paging_registers){
		.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG,
		.cr3 = address_of(table.root),
		.cr4 = cr4_for_this_cpu(),
		.efer = EFER_LME | EFER_LMA | EFER_NXE,
	};
}

void paging_set_memory_types(void)
{
	wrmsr(MSR_IA32_PAT, PAT_RESET);
}

/*
 * On L0's tables, on the main stack. CR4 comes after CR3, as the firmware's tables may not stand
 * SMEP; clearing PGE drops the firmware's global translations.
 */
static void finish_activation(void *unused)
{
	struct paging_registers registers = paging_registers();

	(void)unused;
	write_cr4(registers.cr4);
	write_cr0(registers.cr0);
	paging_set_memory_types();
	continuation.run(continuation.arg);
	panic("the hypervisor's main function returned");
}

_Noreturn void paging_activate(void (*run)(void *), void *arg)
{
	struct paging_registers registers = paging_registers();

	continuation.run = run;
	continuation.arg = arg;
	wrmsr(MSR_IA32_EFER, registers.efer);
	stack_switch(registers.cr3, stack_top(0, STACK_MAIN), finish_activation, NULL);
}

void paging_unmap(u64 va)
{
	u64 *entry = page_table_find(&table, va);

	ASSERT(entry != NULL && !(*entry & PTE_LARGE));
	WRITE_ONCE(*entry, 0);
	invlpg((const void *)(uintptr_t)va);
}

bool paging_is_mapped(u64 va)
{
	return table.root != NULL && page_table_find(&table, va) != NULL;
}
