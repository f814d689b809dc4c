/* SPDX-License-Identifier: MIT */
/* Walks of EPT12 on behalf of an L2. */
#include "vmx/nested/l2_memory.h"
#include "hv/errno.h"
#include "vmx/nested/identity_ept.h"
#include "vmx/nested_calls.h"
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

static int read_identity(void *vcpu, l1_gpa_t at, u64 *entry)
{
	struct vcpu *v = vcpu;

	*entry = identity_ept_entry(&v->vm->nested->identity_caps, at);
	return 0;
}

struct ept12 l2_ept12(struct vcpu *v)
{
	const struct vmcs12 *v12 = &v->nested->current->v12;
	bool has_ept = nested_has_ept(v12);

	return (struct ept12){
		.eptp = nested_eptp12(v, v12),
		.l1 = has_ept ? &v->vm->nested->caps : &v->vm->nested->identity_caps,
		.read = has_ept ? read_entry : read_identity,
		.mark = mark_entry,
		.context = v,
	};
}

bool l2_is_apic_access(const struct vcpu *v, l1_gpa_t gpa)
{
	const struct vmcs12 *v12 = &v->nested->current->v12;

	return nested_has_control2(v12, CPU2_APIC_ACCESSES) &&
	       (gpa.raw ^ v12->APIC_ACCESS_ADDR) < PAGE_SIZE;
}

bool nested_to_l1(struct vcpu *v, l1_gpa_t *gpa, bool write)
{
	const struct ept12_access access = { .gpa = l2_gpa(gpa->raw),
					     .read = true,
					     .write = write };
	const struct ept12 ept = l2_ept12(v);
	struct ept12_walk walk = ept12_translate(&ept, &access);

	if (walk.outcome != EPT12_OK || l2_is_apic_access(v, walk.to))
		return false;
	(void)ept12_set_flags(&ept, &walk);
	*gpa = walk.to;
	return true;
}

int l2_read(struct vcpu *v, l2_gpa_t gpa, void *dst, size_t bytes)
{
	l1_gpa_t at = l1_gpa(gpa.raw);

	return nested_to_l1(v, &at, false) ? walk_cache_read(&v->walk, at, dst, bytes) : -EFAULT;
}
