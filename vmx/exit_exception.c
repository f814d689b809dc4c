/* SPDX-License-Identifier: MIT */
/* Exits by NMIs and exceptions. */
#include "hv/nmi.h"
#include "hv/panic.h"
#include "vmx/exit.h"
#include "vmx/inject.h"
#include "vmx/ops.h"
#include "vmx/vm.h"

/*
 * Take the NMI of this exit as if it had come in root operation: NMIs stay blocked after such an
 * exit until the next IRET, so INT 2 runs the handler and its IRET.
 */
static enum exit_action take_nmi(void)
{
	__asm__ volatile("int $2" ::: "memory");
	nmi_report();
	return EXIT_RESUME;
}

/*
 * #DB and #AC exit only so that no storm of them keeps the CPU. One that came in an event's
 * delivery takes the event's place: both are benign, so the pair is handled serially (SDM "Double
 * Fault Exception"), and the instruction behind the event runs again. In a storm the preemption
 * timer's exit may never get its turn, so what it would do is done here.
 */
static enum exit_action deliver_again(struct vcpu *v, u32 vector)
{
	if (vector == VECTOR_DB)
		inject_debug_again(v);
	else
		inject_exception_error(v, VECTOR_AC, 0);
	return exit_preemption_timer(v);
}

enum exit_action exit_exception_nmi(struct vcpu *v)
{
	u32 info = (u32)vmcs_read(VMCS_EXIT_INTR_INFO);
	u32 vector = INTR_INFO_VECTOR(info);

	v->exit->detail = info;
	if (INTR_INFO_TYPE(info) == INTR_NMI)
		return take_nmi();
	if (vector == VECTOR_MC)
		panic("machine check while L1 ran at 0x%llx", (unsigned long long)v->exit->rip);
	if (vector == VECTOR_DB || vector == VECTOR_AC)
		return deliver_again(v, vector);
	vm_stop_l1(v, "exception %u that was not asked for", vector);
	return EXIT_STOP;
}
