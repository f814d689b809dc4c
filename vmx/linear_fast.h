/* SPDX-License-Identifier: MIT */
/*
 * The usual walk, in line: 4-level paging, by CPL 0, through entries that are present, have their
 * accessed and dirty flags, and lead to a page of 4 KiB or 2 MiB. Whatever is less usual is
 * vmx/guest_linear.h's, which has all the rules; this only ever says "look there".
 */
#ifndef VMX_LINEAR_FAST_H
#define VMX_LINEAR_FAST_H

#include "hv/msr_index.h"
#include "hv/pte.h"
#include "vmx/caps.h"
#include "vmx/ops.h"
#include "vmx/vcpu.h"

/* Bits of an entry that forbid the shortcut at any level. */
static inline u64 linear_fast_reserved(void)
{
	return BITS(51, 0) & ~BITS(vmx_caps()->physical_bits - 1, 0);
}

/* An entry with the bits that the access needs; false: look at the rules. */
static inline bool linear_fast_entry(struct vcpu *v, u64 table, u64 index, u64 needed, u64 *entry)
{
	return !walk_cache_read_u64(&v->walk, l1_gpa((table & PTE_ADDRESS) | index << 3), entry) &&
	       (*entry & needed) == needed;
}

static inline bool linear_fast_rights(u64 all, u64 any)
{
	if (unlikely(any & linear_fast_reserved()))
		return false;
	if ((any & PTE_NO_EXECUTE) && !(vmcs_read(VMCS_GUEST_EFER) & EFER_NXE))
		return false;
	return !(all & PTE_USER) || !(vmcs_read(VMCS_GUEST_CR4) & CR4_SMAP);
}

/* CPL is 0 and paging has four levels. True: *gpa is where the linear address leads. */
static inline bool linear_fast(struct vcpu *v, u64 linear, bool is_write, l1_gpa_t *gpa)
{
	u64 needed = PTE_PRESENT | PTE_ACCESSED | (is_write ? PTE_WRITE : 0);
	u64 leaf_needs = needed | (is_write ? PTE_DIRTY : 0);
	u64 e4, e3, e2, e1;

	if (!linear_fast_entry(v, vmcs_read(VMCS_GUEST_CR3), linear >> 39 & 511, needed, &e4) ||
	    !linear_fast_entry(v, e4, linear >> 30 & 511, needed, &e3) || (e3 & PTE_LARGE) ||
	    !linear_fast_entry(v, e3, linear >> 21 & 511, needed, &e2))
		return false;
	if (e2 & PTE_LARGE) {
		*gpa = l1_gpa((e2 & BITS(51, 21)) | (linear & BITS(20, 0)));
		return (e2 & leaf_needs) == leaf_needs && !(e2 & BITS(20, 13)) &&
		       !(e4 & PTE_LARGE) && linear_fast_rights(e4 & e3 & e2, e4 | e3 | e2);
	}
	if (!linear_fast_entry(v, e2, linear >> 12 & 511, leaf_needs, &e1))
		return false;
	*gpa = l1_gpa((e1 & PTE_ADDRESS) | (linear & BITS(11, 0)));
	return !(e4 & PTE_LARGE) && linear_fast_rights(e4 & e3 & e2 & e1, e4 | e3 | e2 | e1);
}

#endif
