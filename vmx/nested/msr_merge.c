/* SPDX-License-Identifier: MIT */
/* vmcs02's MSR bitmap: an access exits where L0 or L1 wants to see it. */
#include "hv/string.h"
#include "vmx/msr_bitmap.h"
#include "vmx/nested/nested.h"
#include "vmx/vm.h"

#define CHUNK 64u /* u64s that are copied at a time */

/* One part of L1's page, ORed to L0's own. False: L1 has no memory there. */
static bool merge_chunk(struct vcpu *v, struct context *context, u32 first)
{
	const u64 *of_l0 = (const u64 *)(const void *)v->vm->nested->msr_bitmap + first;
	u64 *of_l1 = (u64 *)(void *)context->l1_msr_bitmap + first;
	u64 *merged = (u64 *)(void *)context->msr_bitmap + first;

	if (walk_cache_read(&v->walk,
			    l1_gpa_add(l1_gpa(context->v12.MSR_BITMAP), first * sizeof(u64)), of_l1,
			    CHUNK * sizeof(u64)))
		return false;
	for (u32 i = 0; i < CHUNK; i++)
		merged[i] = of_l0[i] | of_l1[i];
	return true;
}

void msr_bitmap_merge(struct vcpu *v, struct context *context)
{
	bool is_there = context->v12.CPU_CONTROLS & CPU_MSR_BITMAPS;

	for (u32 i = 0; is_there && i < PAGE_SIZE / sizeof(u64); i += CHUNK)
		is_there = merge_chunk(v, context, i);
	if (!is_there) {
		msr_bitmap_intercept_all(context->l1_msr_bitmap);
		msr_bitmap_intercept_all(context->msr_bitmap);
	}
}
