/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls that change L1's memory: arguments are checked here, regions by mm/. A change
 * waits for the other CPUs to leave the guest, so no lock is held around it.
 */
#include "vmx/region_calls.h"
#include "hv/errno.h"
#include "hv/panic.h"
#include "vmx/vm.h"

static const s64 errors[] = {
	[MEMSLOT_OK] = 0,
	[MEMSLOT_EMPTY] = -EINVAL,
	[MEMSLOT_WRAPS] = -ERANGE,
	[MEMSLOT_OVERLAPS] = -EEXIST,
	[MEMSLOT_MISSING] = -ENOENT,
	[MEMSLOT_NO_MEMORY] = -ENOMEM,
	[MEMSLOT_BAD_FLAGS] = -EINVAL,
	[MEMSLOT_IS_FIXED] = -EPERM,
	[MEMSLOT_HOLE] = -ENOENT,
	[MEMSLOT_PRESENT] = -EEXIST,
	[MEMSLOT_LOGS_NOTHING] = -EINVAL,
	[MEMSLOT_TOO_LARGE] = -E2BIG,
	[MEMSLOT_NO_BUFFER] = -EFAULT,
};

static s64 error_of(enum memslot_result result)
{
	ASSERT(result < ARRAY_SIZE(errors));
	return errors[result];
}

/* 0, or the error where the call is off or a value is no multiple of a page. */
static s64 check(const struct hypercall *c, u64 values)
{
	if (!c->v->vm->config->test_calls)
		return -EPERM;
	return IS_ALIGNED(values, PAGE_SIZE) ? 0 : -EINVAL;
}

static l1_gfn_t gfn_of(u64 gpa)
{
	return l1_gpa_to_l1_gfn(l1_gpa(gpa));
}

#define REGION_FLAGS (NESTOR_REGION_READONLY | NESTOR_REGION_LOG_DIRTY)

/* L1's flags in those of regions. */
static u32 memslot_flags(u64 flags)
{
	return (flags & NESTOR_REGION_READONLY ? MEMSLOT_READONLY : 0u) |
	       (flags & NESTOR_REGION_LOG_DIRTY ? MEMSLOT_LOG_DIRTY : 0u);
}

s64 call_region_add(struct hypercall *c)
{
	u64 bytes = c->rcx;
	u64 flags = c->rdx;
	s64 error = check(c, c->rbx | bytes);

	if (!error && (flags & ~REGION_FLAGS))
		error = -EINVAL;
	if (error)
		return error;
	return error_of(memslot_add_ram(c->v->vm->memory, gfn_of(c->rbx), bytes >> PAGE_SHIFT,
					memslot_flags(flags)));
}

s64 call_region_flags(struct hypercall *c)
{
	u64 flags = c->rcx;
	s64 error = check(c, c->rbx);

	if (!error && (flags & ~REGION_FLAGS))
		error = -EINVAL;
	if (error)
		return error;
	return error_of(memslot_set_flags(c->v->vm->memory, gfn_of(c->rbx), memslot_flags(flags)));
}

s64 call_dirty_log(struct hypercall *c)
{
	struct dirty_buffer buffer = { l1_gpa(c->rcx), c->rdx, 0 };
	s64 error = check(c, c->rbx);

	if (!error)
		error = error_of(memslot_take_dirty(c->v->vm->memory, gfn_of(c->rbx), &buffer));
	if (!error)
		c->rbx = buffer.dirty;
	return error;
}

s64 call_region_delete(struct hypercall *c)
{
	s64 error = check(c, c->rbx);

	return error ? error : error_of(memslot_delete(c->v->vm->memory, gfn_of(c->rbx)));
}

s64 call_region_move(struct hypercall *c)
{
	s64 error = check(c, c->rbx | c->rcx);

	if (error)
		return error;
	return error_of(memslot_move(c->v->vm->memory, gfn_of(c->rbx), gfn_of(c->rcx)));
}

/* What is done to RCX bytes at RBX, whatever regions they are in. */
static s64 change_pages(struct hypercall *c, enum memslot_result (*edit)(struct vm_memory *memory,
									 l1_gfn_t gfn, u64 pages))
{
	u64 bytes = c->rcx;
	s64 error = check(c, c->rbx | bytes);

	if (error)
		return error;
	return error_of(edit(c->v->vm->memory, gfn_of(c->rbx), bytes >> PAGE_SHIFT));
}

s64 call_region_find(struct hypercall *c)
{
	u64 gpa = c->rbx;
	struct memslot_frame frame;
	s64 error = check(c, 0);

	if (!error)
		error = memslot_find(c->v->vm->memory, gfn_of(c->rbx), &frame);
	if (error)
		return error;
	c->rbx = (frame.run << PAGE_SHIFT) - gpa % PAGE_SIZE;
	return 0;
}

s64 call_pages_migrate(struct hypercall *c)
{
	return change_pages(c, memslot_migrate);
}

s64 call_page_poison(struct hypercall *c)
{
	u64 how = c->rcx;
	s64 error = check(c, c->rbx);

	if (!error && how > NESTOR_POISON_HARD)
		error = -EINVAL;
	if (error)
		return error;
	error = error_of(memslot_poison(c->v->vm->memory, gfn_of(c->rbx),
					how == NESTOR_POISON_HARD ? MEMSLOT_LOSE : MEMSLOT_KEEP));
	if (!error)
		c->rbx = how == NESTOR_POISON_HARD ? NESTOR_POISONED_GONE : NESTOR_POISONED_MOVED;
	return error;
}

s64 call_balloon_out(struct hypercall *c)
{
	return change_pages(c, memslot_balloon_out);
}

s64 call_balloon_in(struct hypercall *c)
{
	return change_pages(c, memslot_balloon_in);
}
