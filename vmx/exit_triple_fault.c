/* SPDX-License-Identifier: MIT */
/* The exit of a triple fault: what L1's tables say about it, and L1's end. */
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "vmx/exit.h"
#include "vmx/linear_now.h"
#include "vmx/ops.h"
#include "vmx/segment.h"
#include "vmx/triple_fault.h"
#include "vmx/vm.h"

#define TSS64_RSP0    4
#define TSS64_IST1    36
#define EXPLANATION   160
#define FRAME_ALIGNED 16

/* L1's memory as the CPU's own accesses reach it; nothing is marked as accessed. */
struct view {
	struct vcpu *v;
	struct paging_mode mode;
};

static void mark_nothing(void *context, l1_gpa_t gpa, u8 bits)
{
	(void)context;
	(void)gpa;
	(void)bits;
}

static struct linear_result translate(const struct view *view, u64 linear,
				      enum linear_access access)
{
	struct linear_source source = linear_source_of(view->v);

	source.mark = mark_nothing;
	return linear_translate(&view->mode, linear, access, &source);
}

/* At most 16 bytes; those of another page are not asked for. */
static bool read_linear(const struct view *view, u64 linear, void *dst, u32 bytes)
{
	struct linear_result at = translate(view, linear, LINEAR_READ);

	return !at.faults && !guest_read(view->v->vm->memory, at.gpa, dst, bytes);
}

static enum idt_kind idt_kind_now(void)
{
	if (vmcs_read(VMCS_GUEST_EFER) & EFER_LMA)
		return IDT_64BIT;
	return vmcs_read(VMCS_GUEST_CR0) & CR0_PE ? IDT_32BIT : IDT_REAL;
}

/* The stack of a 64-bit #DF: from the interrupt stack table, from RSP0, or where RSP is. */
static void look_at_stack(const struct view *view, struct double_fault *fault)
{
	u64 tss = vmcs_read(VMCS_GUEST_BASE_TR);
	u32 index = double_fault_stack_index(fault);

	fault->tss_mapped = true;
	fault->stack = vmcs_read(VMCS_GUEST_RSP);
	if (index)
		fault->tss_mapped =
			read_linear(view, tss + TSS64_IST1 + 8 * (index - 1ULL), &fault->stack, 8);
	else if (segment_cpl())
		fault->tss_mapped = read_linear(view, tss + TSS64_RSP0, &fault->stack, 8);
	fault->stack = ALIGN_DOWN(fault->stack, (u64)FRAME_ALIGNED);
	fault->stack_mapped = !translate(view, fault->stack - 8, LINEAR_WRITE).faults;
}

static struct double_fault look(struct vcpu *v)
{
	struct view view = { v, linear_mode_now(v) };
	struct double_fault fault = {
		.kind = idt_kind_now(),
		.idt_base = vmcs_read(VMCS_GUEST_BASE_IDTR),
		.idt_limit = (u32)vmcs_read(VMCS_GUEST_LIMIT_IDTR),
		.tss_mapped = true,
		.stack_mapped = true,
		.handler_mapped = true,
	};

	view.mode.cpl = 0;
	fault.gate_mapped = read_linear(&view, double_fault_gate_address(&fault), fault.gate,
					double_fault_gate_bytes(fault.kind));
	if (fault.kind != IDT_64BIT || !fault.gate_mapped)
		return fault;
	look_at_stack(&view, &fault);
	fault.handler_mapped = !translate(&view, double_fault_handler(&fault), LINEAR_FETCH).faults;
	return fault;
}

enum exit_action exit_triple_fault(struct vcpu *v)
{
	struct double_fault fault = look(v);
	char text[EXPLANATION];

	triple_fault_explain(&fault, text, sizeof(text));
	vm_stop_l1(v, "triple fault at rip 0x%llx, cr2 0x%llx: %s",
		   (unsigned long long)v->exit->rip, (unsigned long long)read_cr2(), text);
	return EXIT_STOP;
}
