/* SPDX-License-Identifier: MIT */
/* What vmx/ calls of vmx/nested/, which lies above it: L1's VMX operation. The handlers of VMX
 * instructions stand in vmx/exit.h. */
#ifndef VMX_NESTED_CALLS_H
#define VMX_NESTED_CALLS_H

#include "mm/change.h"
#include "vmx/exit.h"

enum nested_count {
#define NESTED_COUNT(name, from, text) NESTED_COUNT_##name,
#include "hv/nested_counts.def"
#undef NESTED_COUNT
	NESTED_COUNTS
};

/* What the pools of contexts and of EPT02 have counted. */
void nested_read_counts(const struct vm *vm, u64 counts[NESTED_COUNTS]);

/* Once, when L1's CPUID and CR4 are known; before the vCPUs. 0 or -ENOMEM. */
int nested_create_vm(struct vm *vm);
int nested_create_vcpu(struct vcpu *v);

/* IA32_FEATURE_CONTROL and the capability MSRs. False: #GP(0). */
bool nested_msr_read(const struct vcpu *v, u32 msr, u64 *value);
bool nested_msr_write(struct vcpu *v, u32 msr, u64 value);

/* An exit of L2: it becomes L1's, or L0 handles it. */
enum exit_action nested_exit(struct vcpu *v);

/*
 * L0 is about to raise a hardware exception in L2: vector (and INTR_INFO_ERROR_CODE), its error
 * code, a page fault's address. True: L1 wanted it, and has it.
 */
bool nested_exception(struct vcpu *v, u32 info, u32 error_code, u64 linear);

/* An L2-physical address, in the type of the walker's guest, becomes L1's, where EPT12 leads it to
 * memory that the access may reach. */
bool nested_to_l1(struct vcpu *v, l1_gpa_t *gpa, bool write);

/* An access that L0 makes for L2, and that EPT12 forbids: L1 gets the exit that the CPU would make
 * of it. Where EPT12 has changed meanwhile, L2 tries again. */
struct l2_access {
	l1_gpa_t gpa; /* L2's, as above */
	u64 linear;
	bool write, fetch;
	bool paging_structure; /* by a walk of L2's own tables */
};
void nested_refuse(struct vcpu *v, const struct l2_access *access);

/* events_deliver() for a vCPU in L2: what waits for L1 ends L2's turn, or goes into L2. */
void nested_deliver(struct vcpu *v);

/* Whether L1 is in VMX operation: then INIT stays latched (SDM "VMX Operation"). */
bool nested_in_operation(const struct vcpu *v);
/* A VMCALL there that is no hypercall of ours. */
enum exit_action nested_vmcall(struct vcpu *v);

/* The requests that concern L2, at the gate. */
void nested_handle_requests(struct vcpu *v, u32 requests);

/* A change of L1's memory (mm/change.h): what L2s have of it. */
void nested_zap(const struct vm *vm, struct gfn_range range, struct change_shadow *shadow);
void nested_zap_end(const struct vm *vm, struct change_shadow *shadow);
/* A page of L1's that L0 protects is about to be written to (mm/ept01_protect.h). */
void nested_page_written(const struct vm *vm, l1_gfn_t gfn);

/* A reset of the vCPU ends VMX operation. */
void nested_reset(struct vcpu *v);

#endif
