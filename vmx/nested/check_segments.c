/* SPDX-License-Identifier: MIT */
/* SDM "Checks on Guest Segment Registers" and "Checks on Guest Descriptor-Table Registers": the
 * rules of check_segments.def as functions. */
#include "vmx/access_rights.h"
#include "vmx/nested/check_rules.h"

#define AR_V86       (AR_P | 3u << 5 | AR_S | TYPE_DATA)
#define AR_RESERVED  (BITS(31, 17) | BITS(11, 8))

/* The types that code segments and stacks may have; all are accessed. */
#define TYPE_DATA    0x3u /* read/write, expand-up */
#define TYPE_DOWN    0x7u /* read/write, expand-down */
#define CODE_TYPES   (BIT(9) | BIT(11) | BIT(13) | BIT(15))
#define CONFORMING   (BIT(13) | BIT(15))
#define LAST_OF_RING 11u /* types up to here obey the DPL: data, code that is not conforming */

static bool is_usable(u64 ar)
{
	return !(ar & AR_UNUSABLE);
}

/* In virtual-8086 mode the access rights have one value. */
static bool is_ignored(const struct vmcs12 *v, u64 ar)
{
	return is_v86(v) || !is_usable(ar);
}

static bool is_type_in(u64 ar, u64 types)
{
	return types >> AR_TYPE(ar) & 1;
}

/* A limit in pages ends with a page; one in bytes is below 1 MiB. */
static bool is_granularity_right(u64 limit, u64 ar)
{
	return ar & AR_G ? (limit & BITS(11, 0)) == BITS(11, 0) : limit >> 20 == 0;
}

static bool is_code_type_right(const struct vmcs12 *v)
{
	u64 types = CODE_TYPES | (HAS(CPU2, UNRESTRICTED_GUEST) ? BIT(TYPE_DATA) : 0);

	return is_type_in(v->GUEST_AR_CS, types);
}

static bool is_code_dpl_right(const struct vmcs12 *v)
{
	u32 dpl = AR_DPL((u32)v->GUEST_AR_CS), cpl = AR_DPL((u32)v->GUEST_AR_SS);

	if (AR_TYPE(v->GUEST_AR_CS) == TYPE_DATA)
		return dpl == 0;
	return is_type_in(v->GUEST_AR_CS, CONFORMING) ? dpl <= cpl : dpl == cpl;
}

static bool is_long_and_32bit(u64 ar)
{
	return (ar & AR_L) && (ar & AR_DB);
}

static bool is_stack_type(u64 ar)
{
	return is_type_in(ar, BIT(TYPE_DATA) | BIT(TYPE_DOWN));
}

/* Real mode itself, or what only code there can have. */
static bool is_real_mode_code(const struct vmcs12 *v)
{
	return !(v->GUEST_CR0 & CR0_PE) || AR_TYPE(v->GUEST_AR_CS) == TYPE_DATA;
}

/* Accessed; code only if it can be read. */
static bool is_data_or_readable(u64 ar)
{
	return (ar & 1) && (!(ar & 8) || (ar & 2));
}

static bool is_dpl_above_rpl(u64 ar, u64 selector)
{
	return AR_TYPE(ar) > LAST_OF_RING || AR_DPL(ar) >= SELECTOR_RPL(selector);
}

/* IA-32e mode has no 16-bit TSS. */
static bool is_busy_tss(const struct vmcs12 *v)
{
	u64 type = AR_TYPE(v->GUEST_AR_TR);

	return type == AR_TYPE(AR_BUSY_TSS) ||
	       (type == AR_TYPE_BUSY_TSS16 && !HAS(ENTRY, IA32E_MODE));
}

#include "vmx/nested/check_code.h"
#include "vmx/nested/check_segments.def"
