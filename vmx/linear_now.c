/* SPDX-License-Identifier: MIT */
/* L1's paging mode and paging structures, as they are at an exit. */
#include "vmx/linear_now.h"
#include "hv/errno.h"
#include "hv/msr_index.h"
#include "vmx/caps.h"
#include "vmx/control_regs.h"
#include "vmx/nested_calls.h"
#include "vmx/ops.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

static int read_l1(void *walk, l1_gpa_t gpa, void *dst, size_t bytes)
{
	if (likely(bytes == sizeof(u64)))
		return walk_cache_read_u64(walk, gpa, dst);
	return walk_cache_read(walk, gpa, dst, bytes);
}

static void mark_l1(void *walk, l1_gpa_t gpa, u8 bits)
{
	(void)walk_cache_or_byte(walk, gpa, bits);
}

struct paging_mode linear_mode_now(const struct vcpu *v)
{
	struct paging_mode mode = {
		.cr0 = vmcs_read(VMCS_GUEST_CR0),
		.cr3 = vmcs_read(VMCS_GUEST_CR3),
		.cr4 = vmcs_read(VMCS_GUEST_CR4),
		.efer = vmcs_read(VMCS_GUEST_EFER),
		.cpl = segment_cpl(),
		.alignment_check = vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_AC,
		.physical_bits = vmx_caps()->physical_bits,
		.has_1g_pages =
			cpuid_policy_answer(&v->vm->cpuid, &v->cpuid, 0x80000001, 0).edx & BIT(26),
	};

	if (!is_pae_paging(mode.cr0, mode.cr4, mode.efer))
		return mode;
	for (u32 i = 0; i < ARRAY_SIZE(mode.pdptes); i++)
		mode.pdptes[i] = vmcs_read((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i));
	return mode;
}

struct linear_source linear_source_of(struct vcpu *v)
{
	return (struct linear_source){ read_l1, mark_l1, &v->walk };
}

/* A walk of an L2's paging structures; the first access that EPT12 forbids. */
struct l2_walk {
	struct vcpu *v;
	struct l2_access access;
	bool is_refused;
};

static bool to_l1(struct l2_walk *walk, l1_gpa_t *gpa, bool write)
{
	if (walk->is_refused)
		return false;
	walk->access.gpa = *gpa;
	walk->access.write = write;
	walk->is_refused = !nested_to_l1(walk->v, gpa, write);
	return !walk->is_refused;
}

static int read_l2(void *context, l1_gpa_t gpa, void *dst, size_t bytes)
{
	struct l2_walk *walk = context;

	return to_l1(walk, &gpa, false) ? walk_cache_read(&walk->v->walk, gpa, dst, bytes)
					: -EFAULT;
}

static void mark_l2(void *context, l1_gpa_t gpa, u8 bits)
{
	struct l2_walk *walk = context;

	if (to_l1(walk, &gpa, true))
		(void)walk_cache_or_byte(&walk->v->walk, gpa, bits);
}

static struct linear_result linear_now_l2(struct vcpu *v, const struct paging_mode *mode,
					  u64 linear, enum linear_access access)
{
	struct l2_walk walk = { .v = v, .access = { .linear = linear, .paging_structure = true } };
	const struct linear_source source = { read_l2, mark_l2, &walk };
	struct linear_result r = linear_translate(mode, linear, access, &source);

	if (!walk.is_refused && !r.faults) {
		walk.access.paging_structure = false;
		walk.access.fetch = access == LINEAR_FETCH;
		(void)to_l1(&walk, &r.gpa, access == LINEAR_WRITE);
	}
	r.is_refused = walk.is_refused;
	if (r.is_refused)
		nested_refuse(v, &walk.access);
	return r;
}

struct linear_result linear_now(struct vcpu *v, const struct paging_mode *mode, u64 linear,
				enum linear_access access)
{
	const struct linear_source source = linear_source_of(v);

	if (unlikely(vcpu_is_in_l2(v)))
		return linear_now_l2(v, mode, linear, access);
	return linear_translate(mode, linear, access, &source);
}
