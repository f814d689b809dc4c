/* SPDX-License-Identifier: MIT */
/* L1's paging mode and paging structures, as they are at an exit. */
#include "vmx/linear_now.h"
#include "hv/msr_index.h"
#include "vmx/caps.h"
#include "vmx/control_regs.h"
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
