/* SPDX-License-Identifier: MIT */
/*
 * EFER, PAT and the debug controls: L1 and L2 share those that an entry does not load, and an exit
 * neither saves nor loads. vmcs02 keeps what an entry loads and an exit saves; the others are
 * brought up to date at each crossing, where they differ.
 */
#include "hv/msr_index.h"
#include "vmx/nested/nested.h"

#define UNKNOWN (~0ULL)

void shared_note_l1(struct vcpu *v, const struct vmcs12 *v12)
{
	struct derive_inputs *in = &v->nested->derive;
	u64 loads = v12->ENTRY_CONTROLS;

	v->kept.GUEST_EFER = loads & ENTRY_CTL_LOAD_EFER ? UNKNOWN : vmcs_read(VMCS_GUEST_EFER);
	v->kept.GUEST_PAT = loads & ENTRY_CTL_LOAD_PAT ? UNKNOWN : vmcs_read(VMCS_GUEST_PAT);
	v->kept.GUEST_DR7 = loads & ENTRY_CTL_LOAD_DEBUG ? UNKNOWN : vmcs_read(VMCS_GUEST_DR7);
	/* L1's writes of DEBUGCTL exit; the CPU itself only clears bits. */
	if (unlikely(v->kept.GUEST_DEBUGCTL))
		v->kept.GUEST_DEBUGCTL = vmcs_read(VMCS_GUEST_DEBUGCTL);
	in->l1_efer = v->kept.GUEST_EFER;
	in->l1_pat = v->kept.GUEST_PAT;
	in->l1_dr7 = v->kept.GUEST_DR7;
	in->l1_debugctl = v->kept.GUEST_DEBUGCTL;
}

/* What the entry gives vmcs02: L1's value where it loads none, vmcs12's where the exit saves none.
 * Where it does both vmcs02 has what L2 left. */
static inline void write(enum vmcs_field field, u64 value, u64 *holds)
{
	if (likely(*holds == value))
		return;
	*holds = value;
	vmcs_write(field, value);
}

/* An entry that loads no EFER still says whether L2 is in IA-32e mode: vmcs02 has that (SDM
 * "Loading Guest Control Registers, Debug Registers, and MSRs"). */
static u64 l1_efer_in_mode(const struct vcpu *v, const struct context *context)
{
	u64 of_mode = EFER_LMA | EFER_LME;
	u64 now = context->efer == UNKNOWN ? vmcs_read(VMCS_GUEST_EFER) : context->efer;

	return (v->kept.GUEST_EFER & ~of_mode) | (now & of_mode);
}

void shared_enter(const struct vcpu *v, struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;
	u64 loads = v12->ENTRY_CONTROLS, saves = v12->EXIT_CONTROLS;

	if (!(loads & ENTRY_CTL_LOAD_EFER))
		write(VMCS_GUEST_EFER, l1_efer_in_mode(v, context), &context->efer);
	else if (!(saves & EXIT_CTL_SAVE_EFER))
		write(VMCS_GUEST_EFER, v12->GUEST_EFER, &context->efer);
	if (!(loads & ENTRY_CTL_LOAD_PAT))
		write(VMCS_GUEST_PAT, v->kept.GUEST_PAT, &context->pat);
	else if (!(saves & EXIT_CTL_SAVE_PAT))
		write(VMCS_GUEST_PAT, v12->GUEST_PAT, &context->pat);
	if (!(loads & ENTRY_CTL_LOAD_DEBUG)) {
		write(VMCS_GUEST_DEBUGCTL, v->kept.GUEST_DEBUGCTL, &context->debugctl);
		vmcs_write(VMCS_GUEST_DR7, v->kept.GUEST_DR7); /* L2 may have changed it */
	} else if (!(saves & EXIT_CTL_SAVE_DEBUG)) {
		write(VMCS_GUEST_DEBUGCTL, v12->GUEST_DEBUGCTL, &context->debugctl);
		vmcs_write(VMCS_GUEST_DR7, v12->GUEST_DR7);
	}
}
