/* SPDX-License-Identifier: MIT */
/*
 * L1's VMX operation. What vmx/ calls of it stands in vmx/exit.h and vmx/nested_calls.h, because
 * vmx/ lies below.
 */
#ifndef VMX_NESTED_NESTED_H
#define VMX_NESTED_NESTED_H

#include "vmx/exit.h"
#include "vmx/nested/context.h"
#include "vmx/nested/vmx_error.h"

struct nested_vm {
	struct vmx_caps caps; /* as L1 sees them; constant */
	struct context_pool contexts;
};

struct nested {
	bool in_operation; /* between VMXON and VMXOFF */
	l1_gpa_t vmxon_region;
	struct context *current; /* of the current VMCS; NULL: none */
	bool in_l2;
	u64 feature_control;
};

/* How a VMX instruction ends (SDM "Conventions" of the VMX instruction reference): RFLAGS, and the
 * error number in the current VMCS, where there is one. */
enum exit_action vmx_succeed(void);
enum exit_action vmx_fail(struct vcpu *v, enum vmx_error error);
enum exit_action vmx_fail_invalid(void);

/*
 * What all VMX instructions but VMXON check first: #UD outside VMX operation or in a mode without
 * them, #GP(0) above CPL 0. False: the fault was injected.
 */
bool vmx_insn_allowed(struct vcpu *v);

/*
 * The memory operand of the instruction that exits: read or written through L1's paging. False: it
 * faulted, and the fault was injected.
 */
bool vmx_operand_read(struct vcpu *v, void *value, u32 bytes);
bool vmx_operand_write(struct vcpu *v, const void *value, u32 bytes);

/* The current VMCS is written back and left: VMXOFF, VMCLEAR, VMPTRLD of another. */
void nested_leave_current(struct vcpu *v);
/* vmcs12 into L1's memory; where that has no region, what L1 wrote is lost with the page. */
void nested_write_back(struct vm *vm, const struct context *context);

#endif
