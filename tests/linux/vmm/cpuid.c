/* SPDX-License-Identifier: MIT */
/* What the guest's CPUs look like: as KVM can make them, each with its number, all in one package.
 * Source: Linux' Documentation/virt/kvm/api.rst, KVM_GET_SUPPORTED_CPUID and KVM_SET_CPUID2. */
#include <stdlib.h>

#include "hv/cpuid.h"
#include "tests/linux/vmm/vmm.h"

#define LEAVES_MAX             256
#define CPUID_1_EBX_APIC_ID    24
#define CPUID_1_EBX_CPUS       16
#define CPUID_1_ECX_DEADLINE   BIT(24)
#define CPUID_4_EAX_SHARED     BITS(25, 14)
#define CPUID_4_EAX_CORES      26
#define CPUID_4_EAX_LEVEL(eax) ((eax) >> 5 & 7)
#define CPUID_B_ECX_THREADS    (1u << 8)
#define CPUID_B_ECX_CORES      (2u << 8)

static u32 id_bits(u32 cpus)
{
	u32 bits = 0;

	while (1u << bits < cpus)
		bits++;
	return bits;
}

/* One thread in each core, and all cores in one package. */
static void set_topology(struct kvm_cpuid_entry2 *leaf, u32 index, u32 cpus)
{
	u32 ids = 1u << id_bits(cpus);

	switch (leaf->function) {
	case 1:
		leaf->ebx = (leaf->ebx & 0xffff) | index << CPUID_1_EBX_APIC_ID |
			    ids << CPUID_1_EBX_CPUS;
		leaf->ecx |= CPUID_1_ECX_DEADLINE | CPUID_1_ECX_HYPERVISOR;
		if (cpus > 1)
			leaf->edx |= CPUID_1_EDX_HTT;
		break;
	case 4:
		leaf->eax &= (u32)BITS(13, 0);
		if (leaf->eax)
			leaf->eax |= (ids - 1) << CPUID_4_EAX_CORES;
		if (CPUID_4_EAX_LEVEL(leaf->eax) == 3)
			leaf->eax |= (ids - 1) << 14;
		break;
	case 0xb:
	case 0x1f:
		leaf->edx = index;
		leaf->eax = leaf->index == 1 ? id_bits(cpus) : 0;
		leaf->ebx = leaf->index == 1 ? cpus : leaf->index == 0;
		leaf->ecx = leaf->index | (leaf->index == 0   ? CPUID_B_ECX_THREADS
					   : leaf->index == 1 ? CPUID_B_ECX_CORES
							      : 0);
		break;
	default:
		break;
	}
}

void cpuid_set(const struct vmm_vcpu *vcpu)
{
	struct kvm_cpuid2 *leaves =
		calloc(1, sizeof(*leaves) + LEAVES_MAX * sizeof(leaves->entries[0]));

	if (!leaves)
		vmm_fail("no memory for CPUID's leaves");
	leaves->nent = LEAVES_MAX;
	REQUEST(vcpu->vmm->kvm, KVM_GET_SUPPORTED_CPUID, leaves);
	for (u32 i = 0; i < leaves->nent; i++)
		set_topology(&leaves->entries[i], vcpu->index, vcpu->vmm->options.cpus);
	REQUEST(vcpu->fd, KVM_SET_CPUID2, leaves);
	free(leaves);
}
