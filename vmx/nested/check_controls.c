/* SPDX-License-Identifier: MIT */
/* SDM "Checks on VMX Controls": the rules of check_controls.def as functions. */
#include "mm/ept_entry.h"
#include "vmx/nested/check_rules.h"

#define EPTP_TYPE(eptp)      ((eptp)&7)
#define EPTP_WALK(eptp)      ((eptp) >> 3 & 7) /* length of a walk - 1 */
#define EPTP_SHADOW_STACK    BIT(7)
#define VMFUNC_EPTP_SWITCH   BIT(0)
#define MSR_LIST_ENTRY_BYTES 16
#define MAX_INSN_LENGTH      15

/* The exceptions that push an error code; #CP came with CPUs that leave the bit to software. */
#define ERROR_CODE_VECTORS   (BIT(VECTOR_DF) | BITS(VECTOR_PF, 10) | BIT(VECTOR_AC))

static bool are_allowed(const struct entry_check_context *c, enum control_set set, u64 controls)
{
	return (c->cpu->caps->allowed0[set] & ~controls) == 0 &&
	       (controls & ~(u64)c->cpu->caps->allowed1[set]) == 0;
}

static bool switches_eptp(const struct vmcs12 *v)
{
	return HAS(CPU2, ENABLE_VMFUNC) && (v->VMFUNC_CONTROLS & VMFUNC_EPTP_SWITCH);
}

static bool eptp_type_is_offered(const struct vmx_caps *caps, u64 eptp)
{
	u64 offers = EPTP_TYPE(eptp) == 0 ? EPT_CAP_MASK(UNCACHEABLE) : EPT_CAP_MASK(WRITE_BACK);

	return (EPTP_TYPE(eptp) == 0 || EPTP_TYPE(eptp) == EPTP_WRITE_BACK) &&
	       (caps->ept_vpid & offers);
}

static bool eptp_walk_is_offered(const struct vmx_caps *caps, u64 eptp)
{
	u64 offers = EPTP_WALK(eptp) == 3 ? EPT_CAP_MASK(WALK_4) : EPT_CAP_MASK(WALK_5);

	return (EPTP_WALK(eptp) == 3 || EPTP_WALK(eptp) == 4) && (caps->ept_vpid & offers);
}

static bool eptp_flags_are_offered(const struct vmx_caps *caps, u64 eptp)
{
	return !(eptp & EPTP_AD_ENABLE) || (caps->ept_vpid & EPT_CAP_MASK(ACCESSED_DIRTY));
}

/* The bit of supervisor shadow stacks is reserved where they are not offered. */
static bool eptp_has_no_reserved_bit(const struct vmx_caps *caps, u64 eptp)
{
	bool shadow_stack = caps->ept_vpid & EPT_CAP_MASK(SHADOW_STACK);
	u64 reserved = BITS(11, 8) | (shadow_stack ? 0 : EPTP_SHADOW_STACK);

	return (eptp & reserved) == 0 && eptp >> caps->physical_bits == 0;
}

bool entry_check_eptp(const struct vmx_caps *caps, u64 eptp)
{
	return eptp_type_is_offered(caps, eptp) && eptp_walk_is_offered(caps, eptp) &&
	       eptp_flags_are_offered(caps, eptp) && eptp_has_no_reserved_bit(caps, eptp);
}

/* More entries than IA32_VMX_MISC recommends are no failure here; the walk of the list decides. */
static bool is_msr_area(const struct entry_check_context *c, u64 address, u64 count)
{
	return count == 0 ||
	       (IS_ALIGNED(address, MSR_LIST_ENTRY_BYTES) && is_within_width(c, address) &&
		is_within_width(c, address + count * MSR_LIST_ENTRY_BYTES - 1));
}

/* Type 1 is reserved, "other event" comes with the monitor trap flag. */
static bool injection_type_exists(const struct entry_check_context *c)
{
	u32 type = INTR_INFO_TYPE((u32)c->v12->ENTRY_INTR_INFO);

	if (type == INTR_OTHER)
		return c->cpu->caps->allowed1[CONTROL_SET_CPU] & CPU_MONITOR_TRAP;
	return type != 1;
}

/* Real mode pushes no error code. Some CPUs leave the bit of an exception to software. */
static bool error_code_bit_is_right(const struct entry_check_context *c)
{
	const struct vmcs12 *v = c->v12;
	bool is_set = v->ENTRY_INTR_INFO & INTR_INFO_ERROR_CODE;

	if (!injects_type(v, INTR_HARDWARE_EXCEPTION) ||
	    (HAS(CPU2, UNRESTRICTED_GUEST) && !(v->GUEST_CR0 & CR0_PE)))
		return !is_set;
	if (c->cpu->caps->basic & VMX_BASIC_ANY_ERROR_CODE)
		return true;
	return is_set == injects_exception(v, ERROR_CODE_VECTORS);
}

static bool injects_error_code(const struct vmcs12 *v)
{
	return injects(v) && (v->ENTRY_INTR_INFO & INTR_INFO_ERROR_CODE);
}

static bool injects_instruction(const struct vmcs12 *v)
{
	return injects_type(v, INTR_SOFTWARE_INTERRUPT) ||
	       injects_type(v, INTR_PRIVILEGED_SOFTWARE) ||
	       injects_type(v, INTR_SOFTWARE_EXCEPTION);
}

static bool insn_length_is_right(const struct entry_check_context *c)
{
	u64 length = c->v12->ENTRY_INSN_LEN;

	if (length == 0)
		return c->cpu->caps->misc & VMX_MISC_ZERO_LENGTH;
	return length <= MAX_INSN_LENGTH;
}

#include "vmx/nested/check_code.h"
#include "vmx/nested/check_controls.def"
