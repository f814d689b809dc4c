/* SPDX-License-Identifier: MIT */
/* vmcs01: the VMCS that runs L1. What it asks of the CPU comes from controls.def. */
#ifndef VMX_VMCS01_H
#define VMX_VMCS01_H

#include "hv/start_state.h"
#include "hv/vectors.h"
#include "vmx/ops.h"
#include "vmx/vcpu.h"

/*
 * The exceptions that exit. #DB and #AC: one whose delivery raises it again would keep the CPU in
 * the delivery for ever, where neither an NMI nor the preemption timer reaches it. With exits, each
 * round passes the gate.
 */
#define VMCS01_EXCEPTION_BITMAP (1u << VECTOR_MC | 1u << VECTOR_DB | 1u << VECTOR_AC)

/* Make vmcs01 for this vCPU on this CPU, where it becomes current: controls and host state. 0 or
 * -ENOMEM. */
int vmcs01_create(struct vcpu *v);

/* Guest state; vmcs01 is current. After a reset the vCPU is as after INIT, with these besides: PAT,
 * SYSENTER, DEBUGCTL. */
void vmcs01_reset(struct vcpu *v);
void vmcs01_start(struct vcpu *v, const struct start_state *start);
void vmcs01_init(struct vcpu *v);
/* CS:IP of a start-up IPI: vector << 12, in real mode as INIT left it. */
void vmcs01_sipi(u8 vector);

/* L0's own state on this CPU, into the current VMCS; exits arrive in vcpu_loop. */
void vmcs01_write_host_state(void);

/* CR0 and CR4 as L1 sees them, where L0 owns bits of them; vmcs01 is current. */
void vmcs01_write_shadows(struct vcpu *v, u64 cr0, u64 cr4);

/* CR bits as hardware must hold them for what the guest sees (fixed bits of VMX operation). */
u64 vmcs01_hardware_cr0(u64 cr0);
u64 vmcs01_hardware_cr4(u64 cr4);

/* Forget the cached linear translations of a VPID on this CPU. 0: there are no VPIDs, and every
 * entry and exit flushes them. */
static inline void vpid_flush(u16 vpid)
{
	if (likely(vpid))
		vmx_invvpid(vmx_invvpid_type(), vpid);
}

/* Forget L1's. */
static inline void vcpu_flush_linear(const struct vcpu *v)
{
	vpid_flush(v->vpid);
}

#endif
