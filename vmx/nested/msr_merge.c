/* SPDX-License-Identifier: MIT */
/*
 * vmcs02's MSR bitmap: an access exits where L0 or L1 wants to see it. It is made once and kept
 * while L1's page is what it was: the page is protected from writes, and the first one, or a change
 * of L1's memory there, has it made again at the next entry. Where a page cannot be protected it is
 * made at each.
 */
#include "vmx/msr_bitmap.h"
#include "mm/ept01_protect.h"
#include "mm/vm_memory.h"
#include "vmx/nested/ept02.h"
#include "vmx/nested/nested.h"
#include "vmx/vm.h"

#define CHUNK 64u /* u64s that are copied at a time */

/* The contexts that watch pages, by gfn. */
static struct context **bucket_of(struct nested_vm *nested, u64 gfn)
{
	return &nested->watchers[gfn % NESTED_WATCH_BUCKETS];
}

/* Lock held. */
static void unwatch(const struct vm *vm, struct context *context)
{
	struct context **link = bucket_of(vm->nested, context->msr_gfn);

	while (*link != context)
		link = &(*link)->next_watcher;
	*link = context->next_watcher;
	context->is_merged = false;
	context->watches = false;
	ept01_unprotect(vm->memory, l1_gfn(context->msr_gfn));
}

void msr_bitmap_forget(const struct vm *vm, struct context *context)
{
	vm_memory_lock(vm->memory);
	if (context->watches)
		unwatch(vm, context);
	context->is_merged = false;
	vm_memory_unlock(vm->memory);
}

/* Lock held. */
static void unwatch_pages(const struct vm *vm, struct gfn_range range, u32 bucket)
{
	struct context *context = vm->nested->watchers[bucket];

	while (context) {
		struct context *next = context->next_watcher;

		if (context->msr_gfn - range.first < range.pages)
			unwatch(vm, context);
		context = next;
	}
}

void msr_bitmap_zap(const struct vm *vm, struct gfn_range range)
{
	u64 buckets = MIN(range.pages, (u64)NESTED_WATCH_BUCKETS);

	for (u64 i = 0; i < buckets; i++)
		unwatch_pages(vm, range, (u32)((range.first + i) % NESTED_WATCH_BUCKETS));
}

void msr_bitmap_written(const struct vm *vm, l1_gfn_t gfn)
{
	vm_memory_lock(vm->memory);
	msr_bitmap_zap(vm, (struct gfn_range){ gfn.raw, 1 });
	vm_memory_unlock(vm->memory);
}

/* From now on every write is told; what is read afterwards is what the page holds. */
static void watch(const struct vm *vm, struct context *context)
{
	struct context **bucket = bucket_of(vm->nested, context->msr_gfn);
	struct ept02_zapped zapped = { 0 };

	vm_memory_lock(vm->memory);
	if (!ept01_protect(vm->memory, l1_gfn(context->msr_gfn))) {
		ept02_zap_l1(vm->nested->ept02, l1_gfn(context->msr_gfn), 1, &zapped);
		context->next_watcher = *bucket;
		*bucket = context;
		context->watches = true;
		context->is_merged = true;
	}
	vm_memory_unlock(vm->memory);
	if (context->watches)
		ept01_protect_wait(vm->memory);
	ept02_zap_end(vm->nested->ept02, &zapped);
}

/* One part of L1's page, ORed to L0's own. False: L1 has no memory there. */
static bool merge_chunk(struct vcpu *v, struct context *context, u32 first)
{
	const u64 *of_l0 = (const u64 *)(const void *)v->vm->nested->msr_bitmap + first;
	u64 *of_l1 = (u64 *)(void *)context->l1_msr_bitmap + first;
	u64 *merged = (u64 *)(void *)context->msr_bitmap + first;
	l1_gpa_t page = l1_gfn_to_l1_gpa(l1_gfn(context->msr_gfn));

	if (walk_cache_read(&v->walk, l1_gpa_add(page, first * sizeof(u64)), of_l1,
			    CHUNK * sizeof(u64)))
		return false;
	for (u32 i = 0; i < CHUNK; i++)
		merged[i] = of_l0[i] | of_l1[i];
	return true;
}

void msr_bitmap_make(struct vcpu *v, struct context *context)
{
	bool is_there = context->v12.CPU_CONTROLS & CPU_MSR_BITMAPS;

	counter_inc(CTR_MSR_BITMAPS_MERGED);
	msr_bitmap_forget(v->vm, context);
	context->msr_gfn = context->v12.MSR_BITMAP >> PAGE_SHIFT;
	if (is_there)
		watch(v->vm, context);
	for (u32 i = 0; is_there && i < PAGE_SIZE / sizeof(u64); i += CHUNK)
		is_there = merge_chunk(v, context, i);
	if (is_there)
		return;
	msr_bitmap_intercept_all(context->l1_msr_bitmap);
	msr_bitmap_intercept_all(context->msr_bitmap);
}
