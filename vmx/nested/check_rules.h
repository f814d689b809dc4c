/* SPDX-License-Identifier: MIT */
/*
 * The functions that the rules become, one for each section, and what rules of several sections are
 * made of.
 */
#ifndef VMX_NESTED_CHECK_RULES_H
#define VMX_NESTED_CHECK_RULES_H

#include "hv/msr_index.h"
#include "vmx/canonical.h"
#include "vmx/control_regs.h"
#include "vmx/event.h"
#include "vmx/nested/entry_checks.h"

/* The name of the first rule of the section that does not hold, or NULL. */
#define SECTION(id, kind, qualification, title) \
	const char *check_##id(const struct entry_check_context *c);
#define RULE(...)
#define SECTION_END
#include "vmx/nested/check_all.def"
#undef SECTION
#undef RULE
#undef SECTION_END

/* The controls in force: secondary controls that are not activated count as 0. */
static inline u64 check_controls_in_force(const struct vmcs12 *v, enum control_set set)
{
	switch (set) {
	case CONTROL_SET_PIN:
		return v->PIN_CONTROLS;
	case CONTROL_SET_CPU:
		return v->CPU_CONTROLS;
	case CONTROL_SET_CPU2:
		return v->CPU_CONTROLS & CPU_SECONDARY ? v->CPU_CONTROLS2 : 0;
	case CONTROL_SET_EXIT:
		return v->EXIT_CONTROLS;
	case CONTROL_SET_ENTRY:
		return v->ENTRY_CONTROLS;
	case CONTROL_SETS:
		break;
	}
	return 0;
}

/* Whether a control of v is in force: HAS(CPU2, ENABLE_EPT). */
#define HAS(set, name) \
	((check_controls_in_force(v, CONTROL_SET_##set) & CONTROL_NAME_##set(name)) != 0)

/* Physical addresses: IA32_VMX_BASIC[48] is 0, as on every CPU with Intel 64. */
static inline bool is_within_width(const struct entry_check_context *c, u64 address)
{
	return address >> c->cpu->caps->physical_bits == 0;
}

static inline bool is_page(const struct entry_check_context *c, u64 address)
{
	return IS_ALIGNED(address, PAGE_SIZE) && is_within_width(c, address);
}

/* The CPU's widest linear address counts, whatever CR4.LA57 says. */
static inline u32 check_linear_bits(const struct entry_check_context *c)
{
	return c->cpu->caps->cr4_fixed1 & CR4_LA57 ? LINEAR_BITS_5_LEVEL : LINEAR_BITS;
}

static inline bool has_canonical(const struct entry_check_context *c, u64 address)
{
	return is_canonical(address, check_linear_bits(c));
}

/* CR0.NW and CD are never checked; cleared: bits that need not be 1. */
static inline bool is_cr0_supported(const struct entry_check_context *c, u64 cr0, u64 cleared)
{
	u64 unchecked = CR0_NW | CR0_CD;
	u64 missing = c->cpu->caps->cr0_fixed0 & ~cr0 & ~cleared;
	u64 excess = cr0 & ~c->cpu->caps->cr0_fixed1;

	return ((missing | excess) & ~unchecked) == 0;
}

static inline bool is_cr4_supported(const struct entry_check_context *c, u64 cr4)
{
	return (c->cpu->caps->cr4_fixed0 & ~cr4) == 0 && (cr4 & ~c->cpu->caps->cr4_fixed1) == 0;
}

/* Each byte is 0, 1, 4, 5, 6 or 7: bit 1 comes with bit 2 only. */
static inline bool is_pat_valid(u64 pat)
{
	const u64 each = 0x0101010101010101ULL;

	return (pat & 0xf8 * each) == 0 && ((pat & 2 * each) << 1 & ~pat) == 0;
}

/* Bits 9:6 are reserved; SUPPRESS and TRACKER exclude each other; above lies the address of the
 * legacy code-page bitmap. */
static inline bool is_s_cet_valid(const struct entry_check_context *c, u64 s_cet)
{
	return (s_cet & BITS(9, 6)) == 0 && (s_cet & BITS(11, 10)) != BITS(11, 10) &&
	       has_canonical(c, s_cet);
}

static inline bool injects(const struct vmcs12 *v)
{
	return v->ENTRY_INTR_INFO & INTR_INFO_VALID;
}

static inline bool injects_type(const struct vmcs12 *v, enum intr_type type)
{
	return injects(v) && INTR_INFO_TYPE(v->ENTRY_INTR_INFO) == type;
}

/* A hardware exception with one of these vectors. */
static inline bool injects_exception(const struct vmcs12 *v, u64 vectors)
{
	u64 vector = INTR_INFO_VECTOR(v->ENTRY_INTR_INFO);

	return injects_type(v, INTR_HARDWARE_EXCEPTION) && vector < 32 && (vectors >> vector & 1);
}

static inline bool is_v86(const struct vmcs12 *v)
{
	return v->GUEST_RFLAGS & RFLAGS_VM;
}

/* The TPR threshold is compared with the virtual TPR. */
static inline bool uses_tpr_threshold(const struct vmcs12 *v)
{
	return HAS(CPU, TPR_SHADOW) && !HAS(CPU2, VIRTUAL_INTERRUPTS);
}

static inline bool reads_vtpr(const struct vmcs12 *v)
{
	return uses_tpr_threshold(v) && !HAS(CPU2, APIC_ACCESSES);
}

static inline bool has_link(const struct vmcs12 *v)
{
	return v->LINK_POINTER != ~0ULL;
}

static inline bool has_pdptes(const struct vmcs12 *v)
{
	return is_pae_paging(v->GUEST_CR0, v->GUEST_CR4, HAS(ENTRY, IA32E_MODE) ? EFER_LMA : 0);
}

#endif
