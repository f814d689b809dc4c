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

#define NOWHERE (~0ULL << PAGE_SHIFT)

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

static int read_l2(void *vcpu, l1_gpa_t gpa, void *dst, size_t bytes)
{
	struct vcpu *v = vcpu;

	return nested_to_l1(v, &gpa, false) ? walk_cache_read(&v->walk, gpa, dst, bytes) : -EFAULT;
}

static void mark_l2(void *vcpu, l1_gpa_t gpa, u8 bits)
{
	struct vcpu *v = vcpu;

	if (nested_to_l1(v, &gpa, true))
		(void)walk_cache_or_byte(&v->walk, gpa, bits);
}

static struct linear_result linear_now_l2(struct vcpu *v, const struct paging_mode *mode,
					  u64 linear, enum linear_access access)
{
	const struct linear_source source = { read_l2, mark_l2, v };
	struct linear_result r = linear_translate(mode, linear, access, &source);

	if (!r.faults && !nested_to_l1(v, &r.gpa, access == LINEAR_WRITE))
		r.gpa = l1_gpa(NOWHERE);
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
