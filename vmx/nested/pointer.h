/* SPDX-License-Identifier: MIT */
/* Pointers to VMXON and VMCS regions, as VMX instructions take them. */
#ifndef VMX_NESTED_POINTER_H
#define VMX_NESTED_POINTER_H

#include "vmx/nested/nested.h"
#include "vmx/vm.h"

/* Aligned, and no wider than a physical address. */
static inline bool pointer_is_valid(const struct vcpu *v, l1_gpa_t pointer)
{
	return IS_ALIGNED(pointer.raw, PAGE_SIZE) &&
	       !(pointer.raw >> v->vm->nested->caps.physical_bits);
}

/* The revision identifier there; a page that is not there has none of ours. */
static inline u32 pointer_revision(struct vcpu *v, l1_gpa_t pointer)
{
	u64 header;

	return walk_cache_read_u64(&v->walk, pointer, &header) ? 0 : (u32)header;
}

#endif
