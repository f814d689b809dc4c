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
static s64 check(const struct vcpu *v, u64 values)
{
	if (!v->vm->config->test_calls)
		return -EPERM;
	return IS_ALIGNED(values, PAGE_SIZE) ? 0 : -EINVAL;
}

static l1_gfn_t gfn_in(const struct vcpu *v, enum gpr reg)
{
	return l1_gpa_to_l1_gfn(l1_gpa(vcpu_reg(v, reg)));
}

#define REGION_FLAGS (NESTOR_REGION_READONLY | NESTOR_REGION_LOG_DIRTY)

/* L1's flags in those of regions. */
static u32 memslot_flags(u64 flags)
{
	return (flags & NESTOR_REGION_READONLY ? MEMSLOT_READONLY : 0u) |
	       (flags & NESTOR_REGION_LOG_DIRTY ? MEMSLOT_LOG_DIRTY : 0u);
}

s64 call_region_add(struct vcpu *v)
{
	u64 bytes = vcpu_reg(v, GPR_RCX);
	u64 flags = vcpu_reg(v, GPR_RDX);
	s64 error = check(v, vcpu_reg(v, GPR_RBX) | bytes);

	if (!error && (flags & ~REGION_FLAGS))
		error = -EINVAL;
	if (error)
		return error;
	return error_of(memslot_add_ram(v->vm->memory, gfn_in(v, GPR_RBX), bytes >> PAGE_SHIFT,
					memslot_flags(flags)));
}

s64 call_region_flags(struct vcpu *v)
{
	u64 flags = vcpu_reg(v, GPR_RCX);
	s64 error = check(v, vcpu_reg(v, GPR_RBX));

	if (!error && (flags & ~REGION_FLAGS))
		error = -EINVAL;
	if (error)
		return error;
	return error_of(memslot_set_flags(v->vm->memory, gfn_in(v, GPR_RBX), memslot_flags(flags)));
}

s64 call_dirty_log(struct vcpu *v)
{
	struct dirty_buffer buffer = { l1_gpa(vcpu_reg(v, GPR_RCX)), vcpu_reg(v, GPR_RDX), 0 };
	s64 error = check(v, vcpu_reg(v, GPR_RBX));

	if (!error)
		error = error_of(memslot_take_dirty(v->vm->memory, gfn_in(v, GPR_RBX), &buffer));
	if (!error)
		v->regs[GPR_RBX] = buffer.dirty;
	return error;
}

s64 call_region_delete(struct vcpu *v)
{
	s64 error = check(v, vcpu_reg(v, GPR_RBX));

	return error ? error : error_of(memslot_delete(v->vm->memory, gfn_in(v, GPR_RBX)));
}

s64 call_region_move(struct vcpu *v)
{
	s64 error = check(v, vcpu_reg(v, GPR_RBX) | vcpu_reg(v, GPR_RCX));

	if (error)
		return error;
	return error_of(memslot_move(v->vm->memory, gfn_in(v, GPR_RBX), gfn_in(v, GPR_RCX)));
}

/* What is done to RCX bytes at RBX, whatever regions they are in. */
static s64 change_pages(struct vcpu *v, enum memslot_result (*edit)(struct vm_memory *memory,
								    l1_gfn_t gfn, u64 pages))
{
	u64 bytes = vcpu_reg(v, GPR_RCX);
	s64 error = check(v, vcpu_reg(v, GPR_RBX) | bytes);

	if (error)
		return error;
	return error_of(edit(v->vm->memory, gfn_in(v, GPR_RBX), bytes >> PAGE_SHIFT));
}

s64 call_region_find(struct vcpu *v)
{
	u64 gpa = vcpu_reg(v, GPR_RBX);
	struct memslot_frame frame;
	s64 error = check(v, 0);

	if (!error)
		error = memslot_find(v->vm->memory, gfn_in(v, GPR_RBX), &frame);
	if (error)
		return error;
	v->regs[GPR_RBX] = (frame.run << PAGE_SHIFT) - gpa % PAGE_SIZE;
	return 0;
}

s64 call_pages_migrate(struct vcpu *v)
{
	return change_pages(v, memslot_migrate);
}

s64 call_page_poison(struct vcpu *v)
{
	u64 how = vcpu_reg(v, GPR_RCX);
	s64 error = check(v, vcpu_reg(v, GPR_RBX));

	if (!error && how > NESTOR_POISON_HARD)
		error = -EINVAL;
	if (error)
		return error;
	error = error_of(memslot_poison(v->vm->memory, gfn_in(v, GPR_RBX),
					how == NESTOR_POISON_HARD ? MEMSLOT_LOSE : MEMSLOT_KEEP));
	if (!error)
		v->regs[GPR_RBX] =
			how == NESTOR_POISON_HARD ? NESTOR_POISONED_GONE : NESTOR_POISONED_MOVED;
	return error;
}

s64 call_balloon_out(struct vcpu *v)
{
	return change_pages(v, memslot_balloon_out);
}

s64 call_balloon_in(struct vcpu *v)
{
	return change_pages(v, memslot_balloon_in);
}
