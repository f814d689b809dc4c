/* SPDX-License-Identifier: MIT */
/* Model-specific registers: which exist, what they take, and that bad values are #GP(0). */
#include "hv/msr_index.h"
#include "hv/mtrr_format.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/lib/nestor.h"
#include "tests/test.h"

#define CANONICAL         0xffff800012345678ULL
#define MSR_UNKNOWN_LOW   0x00001fffu
#define MSR_UNKNOWN_HIGH  0xc0001fffu
#define MSR_OUT_OF_RANGE  0x80000000u

#define MTRR_TYPE_INVALID 2u
#define IOAPIC_ADDRESS    0xfec00000u
#define LAPIC_ADDRESS     0xfee00000u

/* Of an address above 1 MiB, where no ranges but of equal types overlap. */
static u64 mtrr_type(u64 at)
{
	u32 count = (u32)(rdmsr(MSR_IA32_MTRRCAP) & MTRR_CAP_VARIABLE);

	for (u32 i = 0; i < count; i++) {
		u64 base = rdmsr(MSR_IA32_MTRR_PHYSBASE0 + 2 * i);
		u64 mask = rdmsr(MSR_IA32_MTRR_PHYSBASE0 + 2 * i + 1);

		if ((mask & MTRR_MASK_VALID) && !((at ^ base) & mask & BITS(51, 12)))
			return base & 0xff;
	}
	return rdmsr(MSR_IA32_MTRR_DEF_TYPE) & 0xff;
}

static void expect_read_fault(u32 msr)
{
	struct trap trap = TRAP_OF(rdmsr(msr));

	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
}

static void expect_write_fault(u32 msr, u64 value)
{
	u64 before = rdmsr(msr);
	struct trap trap = TRAP_OF(wrmsr(msr, value));

	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
	EXPECT_EQ(rdmsr(msr), before);
	if (trap.vector == TRAP_NONE)
		wrmsr(msr, before);
}

static void expect_keeps(u32 msr, u64 value)
{
	u64 before = rdmsr(msr);

	wrmsr(msr, value);
	EXPECT_EQ(rdmsr(msr), value);
	wrmsr(msr, before);
	EXPECT_EQ(rdmsr(msr), before);
}

TEST(msr, efer_shows_long_mode)
{
	/* Expect: LME and LMA are set, reserved bits are clear. */
	u64 efer = rdmsr(MSR_IA32_EFER);

	EXPECT_EQ(efer & (EFER_LME | EFER_LMA), EFER_LME | EFER_LMA);
	EXPECT_EQ(efer & BITS(7, 1), 0);
	EXPECT_EQ(efer >> 16, 0);
}

TEST(msr, efer_sce_and_nxe_can_be_changed)
{
	/* Expect: SCE and (where CPUID has it) NXE read back as written. */
	u64 efer = rdmsr(MSR_IA32_EFER), bits = EFER_SCE | (has_nx() ? EFER_NXE : 0);

	wrmsr(MSR_IA32_EFER, efer & ~bits);
	EXPECT_EQ(rdmsr(MSR_IA32_EFER) & bits, 0);
	wrmsr(MSR_IA32_EFER, efer | bits);
	EXPECT_EQ(rdmsr(MSR_IA32_EFER) & bits, bits);
	wrmsr(MSR_IA32_EFER, efer);
}

TEST(msr, efer_lma_cannot_be_written)
{
	/* Expect: a write with LMA = 0 leaves LMA set (Intel: the bit is ignored). */
	u64 efer = rdmsr(MSR_IA32_EFER);

	if (!is_intel())
		SKIP("Intel's rule");
	EXPECT_EQ(TRAP_OF(wrmsr(MSR_IA32_EFER, efer & ~(u64)EFER_LMA)).vector, TRAP_NONE);
	EXPECT_EQ(rdmsr(MSR_IA32_EFER), efer);
}

TEST(msr, efer_bad_values_fault)
{
	/* Expect: #GP(0) for reserved bits, and for clearing LME while paging is on. */
	u64 efer = rdmsr(MSR_IA32_EFER);

	if (machine_is_tcg())
		SKIP("TCG drops reserved bits of EFER and lets LME be cleared");
	expect_write_fault(MSR_IA32_EFER, efer | BIT(1));
	expect_write_fault(MSR_IA32_EFER, efer | BIT(63));
	expect_write_fault(MSR_IA32_EFER, efer & ~(u64)EFER_LME);
}

TEST(msr, syscall_msrs_read_back)
{
	/* Expect: STAR, LSTAR, CSTAR and FMASK keep what is written. */
	expect_keeps(MSR_IA32_STAR, 0x0010000800000000);
	expect_keeps(MSR_IA32_LSTAR, CANONICAL);
	expect_keeps(MSR_IA32_CSTAR, CANONICAL);
	expect_keeps(MSR_IA32_FMASK, 0x47700);
}

TEST(msr, non_canonical_addresses_fault)
{
	/* Expect: #GP(0) and an unchanged value from each MSR that holds a linear address. */
	static const u32 msrs[] = {
		MSR_IA32_LSTAR,        MSR_IA32_CSTAR,          MSR_IA32_FS_BASE,
		MSR_IA32_GS_BASE,      MSR_IA32_KERNEL_GS_BASE, MSR_IA32_SYSENTER_ESP,
		MSR_IA32_SYSENTER_EIP,
	};

	if (machine_is_tcg())
		SKIP("TCG does not check addresses in MSRs");
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++)
		expect_write_fault(msrs[i], NON_CANONICAL);
}

TEST(msr, sysenter_msrs_read_back)
{
	/* Expect: CS, ESP and EIP keep what is written, addresses with all 64 bits. */
	expect_keeps(MSR_IA32_SYSENTER_CS, 0x08);
	expect_keeps(MSR_IA32_SYSENTER_ESP, CANONICAL);
	expect_keeps(MSR_IA32_SYSENTER_EIP, CANONICAL);
}

TEST(msr, fs_and_gs_base_reach_memory)
{
	/* Expect: a load through FS or GS adds the base that was written by WRMSR. */
	static const u64 words[2] = { 0x1111, 0x2222 };
	u64 fs = rdmsr(MSR_IA32_FS_BASE), gs = rdmsr(MSR_IA32_GS_BASE), value;

	wrmsr(MSR_IA32_FS_BASE, (u64)&words[0]);
	wrmsr(MSR_IA32_GS_BASE, (u64)&words[1]);
	__asm__ volatile("mov %%fs:0, %0" : "=r"(value));
	EXPECT_EQ(value, 0x1111);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	EXPECT_EQ(value, 0x2222);
	wrmsr(MSR_IA32_FS_BASE, fs);
	wrmsr(MSR_IA32_GS_BASE, gs);
	expect_keeps(MSR_IA32_KERNEL_GS_BASE, CANONICAL);
}

TEST(msr, pat_reads_back)
{
	/* Expect: all six memory types are taken, in any entry. */
	expect_keeps(MSR_IA32_PAT, 0x0007040600070106);
	expect_keeps(MSR_IA32_PAT, 0x0605040100070406);
}

TEST(msr, pat_bad_types_fault)
{
	/* Expect: #GP(0) for types 2 and 3, for types above 7
	 * and for reserved bits, and the PAT stays. */
	if (machine_is_tcg())
		SKIP("TCG does not check PAT entries");
	expect_write_fault(MSR_IA32_PAT, 0x0007040600070402);
	expect_write_fault(MSR_IA32_PAT, 0x0307040600070406);
	expect_write_fault(MSR_IA32_PAT, 0x0007040600080406);
	expect_write_fault(MSR_IA32_PAT, 0x8007040600070406);
}

TEST(msr, unknown_msrs_fault)
{
	/* Expect: reading and writing MSRs that no CPU has is #GP(0),
	 * in and between the two ranges. Bochs needs ignore_bad_msrs=0. */
	static const u32 msrs[] = { MSR_UNKNOWN_LOW, MSR_UNKNOWN_HIGH, MSR_OUT_OF_RANGE, ~0u };

	if (machine_is_tcg())
		SKIP("TCG reads unknown MSRs as 0");
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
		struct trap trap;

		expect_read_fault(msrs[i]);
		trap = TRAP_OF(wrmsr(msrs[i], 0));
		EXPECT_EQ(trap.vector, VECTOR_GP);
		EXPECT_EQ(trap.error, 0);
	}
}

TEST(msr, rdmsr_clears_upper_halves)
{
	/* Expect: RDMSR clears bits 63:32 of RAX and RDX and keeps RCX. */
	u64 rax = ~0ULL, rdx = ~0ULL, rcx = 0xffffffff00000000ULL | MSR_IA32_EFER;

	__asm__ volatile("rdmsr" : "+a"(rax), "+d"(rdx), "+c"(rcx));
	EXPECT_EQ(rax >> 32, 0);
	EXPECT_EQ(rdx >> 32, 0);
	EXPECT_EQ(rcx, 0xffffffff00000000ULL | MSR_IA32_EFER);
}

TEST(msr, apic_base_is_sane)
{
	/* Expect: this CPU is the boot CPU, its APIC at FEE00000h.
	 * (A machine without an APIC has it off.) */
	u64 base = rdmsr(MSR_IA32_APIC_BASE);

	EXPECT(base & APIC_BASE_BSP);
	EXPECT_EQ(base & BITS(51, 12), 0xfee00000);
}

TEST(msr, apic_base_reserved_bits_fault)
{
	/* Expect: #GP(0) for bits 7:0 and for address bits the CPU does not have. */
	u64 base = rdmsr(MSR_IA32_APIC_BASE);

	if (machine_is_tcg())
		SKIP("TCG ignores reserved bits of IA32_APIC_BASE");
	expect_write_fault(MSR_IA32_APIC_BASE, base | BIT(0));
	expect_write_fault(MSR_IA32_APIC_BASE, base | BIT(63));
}

TEST(msr, mtrrs_can_be_read)
{
	/* Expect: every MTRR that MTRRCAP promises is there; the default type is legal. */
	u64 cap;

	if (!(cpuid(1, 0).edx & CPUID_1_EDX_MTRR))
		SKIP("the CPU has no MTRRs");
	cap = rdmsr(MSR_IA32_MTRRCAP);
	for (u32 i = 0; i < (cap & 0xff); i++) {
		EXPECT_EQ(TRAP_OF(rdmsr(MSR_IA32_MTRR_PHYSBASE0 + 2 * i)).vector, TRAP_NONE);
		EXPECT_EQ(TRAP_OF(rdmsr(MSR_IA32_MTRR_PHYSBASE0 + 2 * i + 1)).vector, TRAP_NONE);
	}
	if (cap & BIT(8)) {
		EXPECT_EQ(TRAP_OF(rdmsr(MSR_IA32_MTRR_FIX64K_00000)).vector, TRAP_NONE);
		EXPECT_EQ(TRAP_OF(rdmsr(MSR_IA32_MTRR_FIX4K_C0000 + 7)).vector, TRAP_NONE);
	}
	EXPECT((rdmsr(MSR_IA32_MTRR_DEF_TYPE) & 0xff) <= 6);
}

TEST(msr, mtrrs_are_as_firmware_leaves_them)
{
	/* Expect: on; memory, such as this code, write-back and device registers uncached. */
	u64 def_type;

	if (!(cpuid(1, 0).edx & CPUID_1_EDX_MTRR))
		SKIP("the CPU has no MTRRs");
	def_type = rdmsr(MSR_IA32_MTRR_DEF_TYPE);
	if (!(def_type & MTRR_DEF_ENABLED) && !nestor_is_present())
		SKIP("this firmware leaves them off");
	EXPECT(def_type & MTRR_DEF_ENABLED);
	EXPECT_EQ(mtrr_type((u64)&def_type), MEMORY_WB);
	EXPECT_EQ(mtrr_type(IOAPIC_ADDRESS), MEMORY_UC);
	EXPECT_EQ(mtrr_type(LAPIC_ADDRESS), MEMORY_UC);
	if (def_type & MTRR_DEF_FIXED)
		EXPECT_EQ(rdmsr(MSR_IA32_MTRR_FIX16K_A0000), 0);
}

TEST(msr, last_variable_mtrr_reads_back)
{
	/* Expect: the last pair, while not valid, keeps base, type and mask. */
	u64 cap;
	u32 msr;

	if (!(cpuid(1, 0).edx & CPUID_1_EDX_MTRR))
		SKIP("the CPU has no MTRRs");
	cap = rdmsr(MSR_IA32_MTRRCAP);
	if ((cap & 0xff) == 0)
		SKIP("no variable MTRRs");
	msr = (u32)(MSR_IA32_MTRR_PHYSBASE0 + 2 * ((cap & 0xff) - 1));
	if (rdmsr(msr + 1) & MTRR_MASK_VALID)
		SKIP("the last variable MTRR is in use");
	expect_keeps(msr, 0x10000006);
	expect_keeps(msr + 1, 0xff000000);
}

TEST(msr, mtrr_bad_values_fault)
{
	/* Expect: #GP(0) for an undefined default type and for a write to MTRRCAP. */
	if (!(cpuid(1, 0).edx & CPUID_1_EDX_MTRR))
		SKIP("the CPU has no MTRRs");
	if (machine_is_tcg())
		SKIP("TCG does not check MTRR values and ignores writes to MTRRCAP");
	expect_write_fault(MSR_IA32_MTRR_DEF_TYPE, MTRR_TYPE_INVALID);
	expect_write_fault(MSR_IA32_MTRRCAP, rdmsr(MSR_IA32_MTRRCAP));
}

TEST(msr, vmx_capability_msrs_exist_where_cpuid_says)
{
	/* Expect: IA32_VMX_BASIC reads and is read-only with VMX; without VMX it is #GP(0). */
	u64 basic;

	if (!has_vmx()) {
		if (machine_is_tcg())
			SKIP("TCG reads unknown MSRs as 0");
		expect_read_fault(MSR_IA32_VMX_BASIC);
		return;
	}
	basic = rdmsr(MSR_IA32_VMX_BASIC);
	EXPECT((basic & BITS(30, 0)) != 0);
	EXPECT_EQ(basic & BIT(31), 0);
	expect_write_fault(MSR_IA32_VMX_BASIC, basic);
}

TEST(msr, debugctl_has_what_the_cpu_has)
{
	/* Expect: 0 at first, and 0 can be written; BTF is kept or #GP; bits that no CPU has are
	 * #GP. A hypervisor without last branch records refuses LBR. */
	u64 value = ~0ULL;
	struct trap trap = TRAP_OF(value = rdmsr(MSR_IA32_DEBUGCTL));

	if (trap.vector == VECTOR_GP && !nestor_is_present())
		SKIP("the CPU has no IA32_DEBUGCTL");
	EXPECT_EQ(value, 0);
	EXPECT_EQ(TRAP_OF(wrmsr(MSR_IA32_DEBUGCTL, 0)).vector, TRAP_NONE);
	EXPECT_EQ(TRAP_OF(wrmsr(MSR_IA32_DEBUGCTL, BIT(63))).vector, VECTOR_GP);
	if (nestor_is_present())
		EXPECT_EQ(TRAP_OF(wrmsr(MSR_IA32_DEBUGCTL, DEBUGCTL_LBR)).vector, VECTOR_GP);
	if (TRAP_OF(wrmsr(MSR_IA32_DEBUGCTL, DEBUGCTL_BTF)).vector == TRAP_NONE)
		EXPECT_EQ(rdmsr(MSR_IA32_DEBUGCTL), DEBUGCTL_BTF);
	else
		EXPECT_EQ(rdmsr(MSR_IA32_DEBUGCTL), 0);
	wrmsr(MSR_IA32_DEBUGCTL, 0);
}
