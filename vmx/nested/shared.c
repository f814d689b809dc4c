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

/* The first rows of their group, in this order. */
enum { ROW_EFER, ROW_PAT, ROW_DR7, ROW_DEBUGCTL };
_Static_assert(ROW_DEBUGCTL + 1 == DERIVE_MSRS_LOADED, "the rows of vmx/nested/derive.def");

static void write(const struct derive_inputs *in, u32 row, u64 *holds)
{
	const struct derive_row *at = &derive_rows[derive_first[DERIVE_MSRS] + row];
	u64 value = derive_value(at, in);

	if (likely(*holds == value))
		return;
	*holds = value;
	vmcs_write(at->field, value);
}

void shared_enter(const struct vcpu *v, struct context *context)
{
	const struct derive_inputs *in = &v->nested->derive;
	u64 dr7 = UNKNOWN;

	if (likely((in->v12->ENTRY_CONTROLS & LOADS) == LOADS &&
		   (in->v12->EXIT_CONTROLS & SAVES) == SAVES))
		return;
	write(in, ROW_EFER, &context->efer);
	write(in, ROW_PAT, &context->pat);
	write(in, ROW_DR7, &dr7);
	write(in, ROW_DEBUGCTL, &context->debugctl);
}
