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
#include "vmx/ops.h"
#include "vmx/vm.h"

/* The entry of a table; whatever it holds leads to a read at worst. False: there is no memory. */
static inline __attribute__((always_inline)) bool
linear_fast_read(struct vcpu *v, u64 table, u64 offset, struct walk_word *entry)
{
	return likely(
		!walk_cache_read_word(&v->walk, l1_gpa((table & PTE_ADDRESS) + offset), entry));
}

/* What is rare in the rights of a walk: execute-disable, and user pages. */
static inline bool linear_fast_rights(u64 all, u64 any)
{
	if ((any & PTE_NO_EXECUTE) && !(vmcs_read(VMCS_GUEST_EFER) & EFER_NXE))
		return false;
	return !(all & PTE_USER) || !(vmcs_read(VMCS_GUEST_CR4) & CR4_SMAP);
}

/* The walk itself, into the memo; false: it is not usual. */
static inline __attribute__((always_inline)) bool linear_fast_walk(struct vcpu *v, u64 linear,
								   bool is_write, u64 *frame)
{
	struct walk_word *entries = v->memo.entries;
	u64 needed = PTE_PRESENT | PTE_ACCESSED | (is_write ? PTE_WRITE : 0);
	u64 leaf_needs = needed | (is_write ? PTE_DIRTY : 0);
	u64 reserved = v->vm->pte_reserved | PTE_LARGE;
	u64 e4, e3, e2, e1, all, any;

	if (!linear_fast_read(v, v->memo.cr3, linear >> 36 & 0xff8, &entries[0]) ||
	    !linear_fast_read(v, e4 = entries[0].value, linear >> 27 & 0xff8, &entries[1]) ||
	    !linear_fast_read(v, e3 = entries[1].value, linear >> 18 & 0xff8, &entries[2]))
		return false;
	e2 = entries[2].value;
	v->memo.is_large = e2 & PTE_LARGE;
	if (e2 & PTE_LARGE) {
		if (e2 & BITS(20, 13))
			return false;
		*frame = (e2 & BITS(51, 21)) | (linear & BITS(20, 12));
		e1 = e2 &= ~PTE_LARGE;
	} else {
		if (!linear_fast_read(v, e2, linear >> 9 & 0xff8, &entries[3]))
			return false;
		e1 = entries[3].value;
		*frame = e1 & PTE_ADDRESS;
		e1 &= ~PTE_LARGE; /* the page-attribute bit of a 4K leaf */
	}
	all = e4 & e3 & e2;
	any = e4 | e3 | e2 | e1;
	if ((all & needed) != needed || (e1 & leaf_needs) != leaf_needs || (any & reserved))
		return false;
	/* Only what depends on nothing but the entries is worth remembering. */
	if (likely(!((all & e1 & PTE_USER) | (any & PTE_NO_EXECUTE))))
		return true;
	v->memo.version = 0;
	return linear_fast_rights(all & e1, any);
}

/*
 * CPL is 0 and paging has four levels. True: *gpa is where the linear address leads. Where the last
 * walk was for the same page it is only looked at again.
 */
static inline __attribute__((always_inline)) bool linear_fast(struct vcpu *v, u64 linear,
							      bool is_write, l1_gpa_t *gpa)
{
	struct linear_memo *memo = &v->memo;
	u64 cr3 = vmcs_read(VMCS_GUEST_CR3), key = linear_memo_key(linear, is_write);
	u64 frame = memo->frame;

	if (likely(memo->key == key && memo->cr3 == cr3 && linear_memo_holds(memo, &v->walk))) {
		counter_inc(CTR_WALKS_REPEATED);
	} else {
		memo->key = key;
		memo->cr3 = cr3;
		memo->version = v->walk.version;
		if (!linear_fast_walk(v, linear, is_write, &frame)) {
			memo->version = 0;
			return false;
		}
		memo->frame = frame;
	}
	*gpa = l1_gpa(frame | linear % PAGE_SIZE);
	return true;
}

#endif
