/* SPDX-License-Identifier: MIT */
/* The table of the pages that a vmcs12 names, and how they are reached for to be measured. */
#include "vmx/nested/measured.h"
#include "mm/epoch.h"
#include "mm/window.h"
#include "vmx/controls.h"
#include "vmx/nested/nested.h"
#include "vmx/request.h"
#include "vmx/vm.h"

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

/* All other CPUs may have the mapping that was: each is called out, and waited for. */
static void shoot_down(const struct vcpu *v)
{
	const struct vm *vm = v->vm;

	for (u32 i = 0; i < vm->vcpu_count; i++)
		if (i != v->index)
			vcpu_request(vm->vcpus[i], REQUEST_EVENT);
	for (u32 i = 0; i < vm->vcpu_count; i++)
		if (i != v->index)
			vcpu_wait_out(vm->vcpus[i], REQUEST_EVENT);
}

/* In a reader section, so that the frame stays the page's. */
static void look_into(struct vm_memory *memory, l1_gpa_t page)
{
	struct memslot_frame frame;
	struct window_slot *slot;
	const volatile u64 *word;

	if (memslot_find(memory, l1_gpa_to_l1_gfn(page), &frame))
		return;
	slot = window_slot_get();
	if (!slot)
		return;
	word = window_slot_map(slot, frame.pfn);
	window_slot_use(slot);
	(void)*word;
	window_slot_unmap(slot);
	window_slot_put(slot);
	window_pay_debts();
}

/* Get at the page and look into it. One that is not there costs the attempt. */
static void reach(struct vcpu *v, l1_gpa_t page)
{
	u64 word;

	if (v->walk.mode != PFN_CACHE_GLOBAL) {
		(void)walk_cache_read_u64(&v->walk, page, &word);
		return;
	}
	epoch_read_begin();
	look_into(v->vm->memory, page);
	epoch_read_end();
	shoot_down(v);
}

void measured_reach_all(struct vcpu *v, const struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;

	reach(v, context->vmptr);
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
		if (is_used(v12, &pages[i]))
			reach(v, l1_gpa(ALIGN_DOWN(v12->fields[pages[i].row], PAGE_SIZE)));
}
