/* SPDX-License-Identifier: MIT */
/* Walks of EPT12 on behalf of an L2. */
#include "vmx/nested/l2_memory.h"
#include "hv/errno.h"
#include "vmx/vm.h"

static int read_entry(void *vcpu, l1_gpa_t at, u64 *entry)
{
	struct vcpu *v = vcpu;

	return walk_cache_read_u64(&v->walk, at, entry);
}

static int mark_entry(void *vcpu, l1_gpa_t at, u64 seen, u64 flags)
{
	struct vcpu *v = vcpu;
	u64 expected = seen;
	int rc = walk_cache_cmpxchg(&v->walk, at, &expected, seen | flags);

	if (rc)
		return rc;
	return expected == seen ? 0 : -EBUSY;
}

struct ept12 l2_ept12(struct vcpu *v)
{
	return (struct ept12){
		.eptp = v->nested->current->v12.EPT_POINTER,
		.l1 = &v->vm->nested->caps,
		.read = read_entry,
		.mark = mark_entry,
		.context = v,
	};
}

int l2_read(struct vcpu *v, l2_gpa_t gpa, void *dst, size_t bytes)
{
	const struct ept12_access access = { .gpa = gpa, .read = true };
	struct ept12_walk walk;
	struct ept12 ept;

	if (!nested_has_ept(&v->nested->current->v12))
		return walk_cache_read(&v->walk, l1_gpa(gpa.raw), dst, bytes);
	ept = l2_ept12(v);
	walk = ept12_translate(&ept, &access);
	if (walk.outcome != EPT12_OK)
		return -EFAULT;
	(void)ept12_set_flags(&ept, &walk);
	return walk_cache_read(&v->walk, walk.to, dst, bytes);
}
