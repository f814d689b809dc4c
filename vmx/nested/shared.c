/* SPDX-License-Identifier: MIT */
/*
 * EFER, PAT and the debug controls: L1 and L2 share those that an entry does not load, and an exit
 * neither saves nor loads. vmcs02 keeps what an entry loads and an exit saves; the others are
 * brought up to date at each crossing, where they differ.
 */
#include "hv/msr_index.h"
#include "vmx/nested/nested.h"

#define LOADS   (ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_EFER)
#define SAVES   (EXIT_CTL_SAVE_DEBUG | EXIT_CTL_SAVE_PAT | EXIT_CTL_SAVE_EFER)
#define UNKNOWN (~0ULL)

bool shared_keeps_all(const struct vmcs12 *v12)
{
	return (v12->ENTRY_CONTROLS & LOADS) == LOADS && (v12->EXIT_CONTROLS & SAVES) == SAVES;
}

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

static inline void write(enum vmcs_field field, u64 value, u64 *holds)
{
	if (likely(*holds == value))
		return;
	*holds = value;
	vmcs_write(field, value);
}

void shared_enter(const struct vcpu *v, struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;
	u64 loads = v12->ENTRY_CONTROLS;
	bool loads_debug = loads & ENTRY_CTL_LOAD_DEBUG;

	write(VMCS_GUEST_EFER,
	      loads & ENTRY_CTL_LOAD_EFER ? v12->GUEST_EFER
					  : derive_shared_efer(v12, v->kept.GUEST_EFER),
	      &context->efer);
	write(VMCS_GUEST_PAT, loads & ENTRY_CTL_LOAD_PAT ? v12->GUEST_PAT : v->kept.GUEST_PAT,
	      &context->pat);
	write(VMCS_GUEST_DEBUGCTL, loads_debug ? v12->GUEST_DEBUGCTL : v->kept.GUEST_DEBUGCTL,
	      &context->debugctl);
	/* L2 changes it without an exit. */
	vmcs_write(VMCS_GUEST_DR7, loads_debug ? v12->GUEST_DR7 : v->kept.GUEST_DR7);
}
