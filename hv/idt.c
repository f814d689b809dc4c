/* SPDX-License-Identifier: MIT */
/* IDT and the one C function that every vector reaches. */
#include "hv/idt.h"
#include "hv/apic.h"
#include "hv/descriptors.h"
#include "hv/msr_safe.h"
#include "hv/nmi.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/segments.h"
#include "hv/stack.h"
#include "hv/trap_frame.h"
#include "hv/vectors.h"
#include "hv/x86.h"

#define VECTORS    256u
#define EXCEPTIONS 32u
#define STUB_SIZE  16u

extern const u8 trap_stubs[] __attribute__((visibility("hidden")));
void trap_handle(struct trap_frame *frame);

static struct gate idt[VECTORS] __attribute__((aligned(16)));

static const char *const names[EXCEPTIONS] = {
	[0] = "divide error (#DE)",
	[1] = "debug exception (#DB)",
	[2] = "NMI",
	[3] = "breakpoint (#BP)",
	[4] = "overflow (#OF)",
	[5] = "bound range exceeded (#BR)",
	[6] = "invalid opcode (#UD)",
	[7] = "device not available (#NM)",
	[8] = "double fault (#DF)",
	[10] = "invalid TSS (#TS)",
	[11] = "segment not present (#NP)",
	[12] = "stack fault (#SS)",
	[13] = "general protection fault (#GP)",
	[14] = "page fault (#PF)",
	[16] = "x87 error (#MF)",
	[17] = "alignment check (#AC)",
	[18] = "machine check (#MC)",
	[19] = "SIMD error (#XM)",
	[20] = "virtualization exception (#VE)",
	[21] = "control protection fault (#CP)",
};

static struct nmi_restart nmi_restart;

void idt_set_nmi_restart(const struct nmi_restart *restart)
{
	nmi_restart = *restart;
}

static enum stack_kind stack_for(u32 vector)
{
	switch (vector) {
	case VECTOR_NMI:
		return STACK_NMI;
	case VECTOR_DF:
		return STACK_DOUBLE_FAULT;
	case VECTOR_MC:
		return STACK_MACHINE_CHECK;
	default:
		return STACK_MAIN; /* 0 in a gate: the stack stays */
	}
}

static void idt_build(void)
{
	for (u32 vector = 0; vector < VECTORS; vector++) {
		u64 entry = (uintptr_t)trap_stubs + vector * STUB_SIZE;

		idt[vector] = (struct gate){
			.offset_low = (u16)entry,
			.selector = SELECTOR_CODE,
			.stack = (u8)stack_for(vector),
			.type = GATE_INTERRUPT,
			.offset_middle = (u16)(entry >> 16),
			.offset_high = (u32)(entry >> 32),
		};
	}
}

void idt_load(void)
{
	if (idt[0].type == 0)
		idt_build();
	load_idt(idt, sizeof(idt) - 1);
}

u64 idt_base(void)
{
	return (uintptr_t)idt;
}

/* Whether the frame now goes on behind an MSR access that was allowed to fault. */
static bool resume_msr_access(struct trap_frame *frame)
{
	u64 landing = frame->vector == VECTOR_GP ? msr_safe_landing(frame->rip) : 0;

	if (landing)
		frame->rip = landing;
	return landing;
}

void trap_handle(struct trap_frame *frame)
{
	if (resume_msr_access(frame))
		return;
	if (frame->vector == VECTOR_NMI) {
		nmi_arrived();
		if (frame->rip >= nmi_restart.begin && frame->rip < nmi_restart.end) {
			counter_inc(CTR_GATE_RESTARTS);
			frame->rip = nmi_restart.landing;
		}
	} else if (frame->vector < EXCEPTIONS) {
		const char *name = names[frame->vector];

		panic_trap(frame, name != NULL ? name : "reserved exception");
	} else {
		if (frame->vector != APIC_WAKE_VECTOR && frame->vector != APIC_TIMER_VECTOR)
			counter_inc(CTR_INTERRUPT_UNEXPECTED);
		if (frame->vector != APIC_SPURIOUS_VECTOR)
			apic_eoi();
	}
}
