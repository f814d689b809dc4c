/* SPDX-License-Identifier: MIT */
/* The table of the pages that a vmcs12 names, and how they are reached for to be measured. */
#include "vmx/nested/measured.h"
#include "vmx/controls.h"
#include "vmx/nested/nested.h"

/* In use where all these controls are on. Not here: what is read or written at each crossing in any
 * case (lists of MSRs, PDPTEs), and what L0 does not use (docs/bench.md). */
struct page12 {
	enum vmcs12_row row; /* the field with its address */
	u32 cpu, cpu2;
};

static const struct page12 pages[] = {
	{ VMCS12_ROW_MSR_BITMAP, CPU_MSR_BITMAPS, 0 },
	{ VMCS12_ROW_IO_BITMAP_A, CPU_IO_BITMAPS, 0 },
	{ VMCS12_ROW_IO_BITMAP_B, CPU_IO_BITMAPS, 0 },
	{ VMCS12_ROW_VIRTUAL_APIC_ADDR, CPU_TPR_SHADOW, 0 },
	{ VMCS12_ROW_APIC_ACCESS_ADDR, 0, CPU2_APIC_ACCESSES },
};

static bool is_used(const struct vmcs12 *v12, const struct page12 *page)
{
	return (v12->CPU_CONTROLS & page->cpu) == page->cpu &&
	       (!page->cpu2 || nested_has_control2(v12, page->cpu2));
}

/* Get at the page and look into it. One that is not there costs the attempt. */
static void reach(struct vcpu *v, l1_gpa_t page)
{
	u64 word;

	(void)walk_cache_read_u64(&v->walk, page, &word);
}

void measured_reach_all(struct vcpu *v, const struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;

	reach(v, context->vmptr);
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
		if (is_used(v12, &pages[i]))
			reach(v, l1_gpa(ALIGN_DOWN(v12->fields[pages[i].row], PAGE_SIZE)));
}
