/* SPDX-License-Identifier: MIT */
/* Requests to vCPUs and the kick that makes them heard. */
#include "vmx/request.h"
#include "hv/apic.h"
#include "hv/idt.h"
#include "hv/nmi.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/tsc.h"
#include "hv/x86.h"
#include "mm/epoch.h"
#include "vmx/vm.h"

#define ANSWER_SECONDS 2

/* The borders of the gate in vmx/enter.asm. */
#pragma GCC visibility push(hidden)
extern const u8 gate_begin[], gate_end[], gate_cancel[];
#pragma GCC visibility pop

void request_init(void)
{
	idt_set_nmi_restart(&(struct nmi_restart){
		.begin = (uintptr_t)gate_begin,
		.end = (uintptr_t)gate_end,
		.landing = (uintptr_t)gate_cancel,
	});
}

void vcpu_request(struct vcpu *v, u32 requests)
{
	struct cpu *cpu;

	__atomic_fetch_or(&v->requests, requests,
			  __ATOMIC_SEQ_CST); /* pairs with XCHG of in_guest */
	cpu = __atomic_load_n(&v->cpu, __ATOMIC_ACQUIRE);
	if (!cpu || cpu == this_cpu())
		return; /* it meets the gate before it enters again */
	if (__atomic_load_n(&v->in_guest, __ATOMIC_SEQ_CST)) {
		for (u32 i = __atomic_load_n(&v->vm->kick_delay, __ATOMIC_RELAXED); i; i--)
			cpu_pause();
		nmi_kick(cpu);
	} else if (__atomic_load_n(&cpu->idle, __ATOMIC_SEQ_CST))
		apic_send_fixed(cpu->apic_id, APIC_WAKE_VECTOR);
}

u32 vcpu_take_requests(struct vcpu *v)
{
	return __atomic_exchange_n(&v->requests, 0, __ATOMIC_ACQUIRE);
}

void vcpu_wait_out(const struct vcpu *v, u32 requests)
{
	u64 start = rdtsc();

	epoch_assert_quiescent();
	while (__atomic_load_n(&v->in_guest, __ATOMIC_ACQUIRE) &&
	       (__atomic_load_n(&v->requests, __ATOMIC_ACQUIRE) & requests)) {
		if (rdtsc() - start > ANSWER_SECONDS * tsc_hz())
			panic("vCPU %u on CPU %u does not answer a kick", v->index,
			      v->cpu ? v->cpu->index : ~0u);
		cpu_pause();
	}
}
