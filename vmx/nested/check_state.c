/* SPDX-License-Identifier: MIT */
/* SDM "Checks on Guest RIP, RFLAGS, and SSP", "Checks on Guest Non-Register State" and "Checks on
 * Guest Page-Directory-Pointer-Table Entries": the rules of check_state.def as functions. */
#include "vmx/access_rights.h"
#include "vmx/nested/check_rules.h"

#define RFLAGS_RESERVED        (BITS(63, 22) | BIT(15) | BIT(5) | BIT(3) | RFLAGS_FIXED)
#define PENDING_DEBUG_RESERVED (BITS(63, 15) | BIT(13) | BITS(11, 4))
#define SHADOW_BITS            (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)
#define VMCS_SHADOW            (1u << 31) /* of the first four bytes of a VMCS */

static bool is_64bit_code(const struct vmcs12 *v)
{
	return HAS(ENTRY, IA32E_MODE) && (v->GUEST_AR_CS & AR_L);
}

/* The bits above the linear width are equal: one bit less than canonical asks. */
static bool fits_linear_width(const struct entry_check_context *c, u64 address)
{
	return is_canonical(address, check_linear_bits(c) + 1);
}

static bool is_in_shadow(u64 interruptibility)
{
	return interruptibility & SHADOW_BITS;
}

static bool is_activity_offered(const struct entry_check_context *c)
{
	u64 activity = c->v12->GUEST_ACTIVITY;

	/* IA32_VMX_MISC has a bit for each but the active state. */
	return activity == ACTIVITY_ACTIVE ||
	       (activity <= ACTIVITY_WAIT_FOR_SIPI &&
		(c->cpu->caps->misc & VMX_MISC_HLT << (activity - ACTIVITY_HLT)));
}

/* The events that would reach a CPU in this state. */
static bool activity_takes_event(const struct vmcs12 *v)
{
	switch (v->GUEST_ACTIVITY) {
	case ACTIVITY_ACTIVE:
		return true;
	case ACTIVITY_HLT:
		return injects_type(v, INTR_EXTERNAL) || injects_type(v, INTR_NMI) ||
		       injects_exception(v, BIT(VECTOR_DB) | BIT(VECTOR_MC)) ||
		       injects_type(v, INTR_OTHER); /* a pending MTF exit: there is no other */
	case ACTIVITY_SHUTDOWN:
		return injects_type(v, INTR_NMI) || injects_exception(v, BIT(VECTOR_MC));
	default:
		return false;
	}
}

/* What makes a pending single step show in the field: the CPU stands between two instructions. */
static bool stands_still(const struct vmcs12 *v)
{
	return is_in_shadow(v->GUEST_INTERRUPTIBILITY) || v->GUEST_ACTIVITY == ACTIVITY_HLT;
}

static bool is_stepping(const struct vmcs12 *v)
{
	return (v->GUEST_RFLAGS & RFLAGS_TF) && !(v->GUEST_DEBUGCTL & DEBUGCTL_BTF);
}

static bool is_link_revision_right(const struct entry_check_context *c)
{
	return (c->link_header & ~VMCS_SHADOW) == VMX_BASIC_REVISION(c->cpu->caps->basic);
}

static bool is_pdpte_valid(const struct entry_check_context *c, u64 pdpte)
{
	return !pdpte_is_invalid(pdpte, c->cpu->caps->physical_bits);
}

#include "vmx/nested/check_code.h"
#include "vmx/nested/check_state.def"
