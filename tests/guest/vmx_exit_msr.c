/* SPDX-License-Identifier: MIT */
/* RDMSR and WRMSR of an L2: the MSR bitmap's four parts, MSRs outside of it, and where the values
 * that L2 reads and writes live. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/vmx_l2.h"

#define READ_LOW     0x000u
#define READ_HIGH    0x400u
#define WRITE_LOW    0x800u
#define WRITE_HIGH   0xc00u
#define HIGH_FIRST   0xc0000000u
#define PART_MSRS    0x2000u
#define UNKNOWN      0x1fffu
#define UNKNOWN_HIGH 0xc0001fffu

L2_CODE(rdmsr_insn, "rdmsr");
L2_CODE(wrmsr_insn, "wrmsr");

static u8 *bitmap;

/* No MSR exits. */
static struct l2 *l2_msr(const char *code, u32 msr)
{
	struct l2 *l2 = l2_new(code);

	bitmap = (u8 *)vmx_page();
	vmx_write(VMCS_MSR_BITMAP, (u64)bitmap);
	l2->regs[RCX] = msr;
	return l2;
}

static void intercept(u32 part, u32 msr)
{
	bitmap[part + (msr & (PART_MSRS - 1)) / 8] |= (u8)(1u << msr % 8);
}

/* Only this bit is set. */
static u32 exit_with_bit(const char *code, u32 msr, u32 part, u32 bit_of)
{
	struct l2 *l2 = l2_msr(code, msr);
	u64 value = rdmsr(msr);

	l2->regs[RAX] = (u32)value;
	l2->regs[RDX] = value >> 32;
	intercept(part, bit_of);
	return l2_enter(l2);
}

static void expect_part(const char *code, u32 msr, u32 part, u32 reason)
{
	for (u32 other = READ_LOW; other <= WRITE_HIGH; other += 0x400)
		EXPECT_EQ(exit_with_bit(code, msr, other, msr),
			  other == part ? reason : EXIT_VMCALL);
	EXPECT_EQ(exit_with_bit(code, msr, part, msr - 1), EXIT_VMCALL);
	EXPECT_EQ(exit_with_bit(code, msr, part, msr + 1), EXIT_VMCALL);
}

VMX_TEST(vmx_exit, msr_bitmap_has_a_part_for_reads_of_low_msrs, 0)
{
	/* Expect: RDMSR exits by its own bit, of its own part, alone. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	expect_part(rdmsr_insn, MSR_IA32_SYSENTER_ESP, READ_LOW, EXIT_RDMSR);
	expect_part(rdmsr_insn, MSR_IA32_PAT, READ_LOW, EXIT_RDMSR);
}

VMX_TEST(vmx_exit, msr_bitmap_has_a_part_for_reads_of_high_msrs, 0)
{
	/* Expect: the same for C0000000h and up. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	expect_part(rdmsr_insn, MSR_IA32_KERNEL_GS_BASE, READ_HIGH, EXIT_RDMSR);
	expect_part(rdmsr_insn, MSR_IA32_LSTAR, READ_HIGH, EXIT_RDMSR);
}

VMX_TEST(vmx_exit, msr_bitmap_has_a_part_for_writes_of_low_msrs, 0)
{
	/* Expect: WRMSR exits by its own bit, of its own part, alone. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	expect_part(wrmsr_insn, MSR_IA32_SYSENTER_ESP, WRITE_LOW, EXIT_WRMSR);
	expect_part(wrmsr_insn, MSR_IA32_SYSENTER_EIP, WRITE_LOW, EXIT_WRMSR);
}

VMX_TEST(vmx_exit, msr_bitmap_has_a_part_for_writes_of_high_msrs, 0)
{
	/* Expect: the same for C0000000h and up. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	expect_part(wrmsr_insn, MSR_IA32_KERNEL_GS_BASE, WRITE_HIGH, EXIT_WRMSR);
	expect_part(wrmsr_insn, MSR_IA32_LSTAR, WRITE_HIGH, EXIT_WRMSR);
}

static void expect_msr_exit(const char *code, u32 msr, u32 reason)
{
	struct l2 *l2 = l2_msr(code, msr);

	l2->regs[RAX] = 0xaaaa;
	l2->regs[RDX] = 0xdddd;
	EXPECT_EQ(l2_enter(l2), reason);
	EXPECT_FIELD(GUEST_RIP, (u64)code);
	EXPECT_FIELD(EXIT_INSN_LEN, 2);
	EXPECT_EQ(l2->regs[RCX], msr);
	EXPECT_EQ(l2->regs[RAX], 0xaaaa);
	EXPECT_EQ(l2->regs[RDX], 0xdddd);
}

VMX_TEST(vmx_exit, msrs_outside_the_bitmap_always_exit, 0)
{
	/* Expect: an exit, not #GP, whatever the bitmap says; registers untouched. */
	static const u32 outside[] = { 0x2000, 0x40000000, 0xbfffffff, 0xc0002000, 0xffffffff };

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		expect_msr_exit(rdmsr_insn, outside[i], EXIT_RDMSR);
		expect_msr_exit(wrmsr_insn, outside[i], EXIT_WRMSR);
	}
}

VMX_TEST(vmx_exit, without_a_bitmap_all_msrs_exit, 0)
{
	/* Expect: known and unknown MSRs, reads and writes. */
	static const u32 msrs[] = { MSR_IA32_TSC, MSR_IA32_SYSENTER_CS, UNKNOWN, MSR_IA32_EFER,
				    UNKNOWN_HIGH };

	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
		struct l2 *l2 = l2_msr(rdmsr_insn, msrs[i]);

		control_off(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
		EXPECT_EQ(l2_enter(l2), EXIT_RDMSR);
		l2 = l2_msr(wrmsr_insn, msrs[i]);
		control_off(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
		EXPECT_EQ(l2_enter(l2), EXIT_WRMSR);
	}
}

VMX_TEST(vmx_exit, unknown_msrs_exit_before_they_fault, 0)
{
	/* Expect: by its bit an exit; without, #GP(0) in L2. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	l2 = l2_msr(rdmsr_insn, UNKNOWN);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_GP) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, 0);
	intercept(READ_LOW, UNKNOWN);
	EXPECT_EQ(l2_enter(l2), EXIT_RDMSR);
	l2 = l2_msr(wrmsr_insn, UNKNOWN_HIGH);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	intercept(WRITE_HIGH, UNKNOWN_HIGH);
	EXPECT_EQ(l2_enter(l2), EXIT_WRMSR);
}

VMX_TEST(vmx_exit, a_bit_of_the_msr_bitmap_set_later_counts, 0)
{
	/* Expect: the bitmap is L1's memory: what changes there between two entries counts. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	l2 = l2_msr(rdmsr_insn, MSR_IA32_LSTAR);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	intercept(READ_HIGH, MSR_IA32_LSTAR);
	EXPECT_EQ(l2_enter_at(l2, rdmsr_insn), EXIT_RDMSR);
	bitmap[READ_HIGH + (MSR_IA32_LSTAR & 0x1fff) / 8] = 0;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

/* --- values --- */
static struct l2 *write_in_l2(u32 msr, u64 value)
{
	struct l2 *l2 = l2_msr(wrmsr_insn, msr);

	l2->regs[RAX] = (u32)value;
	l2->regs[RDX] = value >> 32;
	return l2;
}

static u64 read_in_l2(struct l2 *l2, u32 msr)
{
	l2->regs[RCX] = msr;
	if (l2_enter_at(l2, rdmsr_insn) != EXIT_VMCALL)
		return ~0xbadULL;
	return l2->regs[RDX] << 32 | (u32)l2->regs[RAX];
}

VMX_TEST(vmx_exit, msrs_with_a_guest_field_are_l2s_own, 0)
{
	/* Expect: L2's writes land in the fields of its VMCS; L1's registers have the host's. */
	static const struct {
		u32 msr;
		enum vmcs_field field;
		u64 value;
	} rows[] = {
		{ MSR_IA32_SYSENTER_CS, VMCS_GUEST_SYSENTER_CS, 0x30 },
		{ MSR_IA32_SYSENTER_ESP, VMCS_GUEST_SYSENTER_ESP, 0xffff800000001000 },
		{ MSR_IA32_SYSENTER_EIP, VMCS_GUEST_SYSENTER_EIP, 0x7fff12345678 },
		{ MSR_IA32_FS_BASE, VMCS_GUEST_BASE_FS, 0xffff812300000000 },
		{ MSR_IA32_GS_BASE, VMCS_GUEST_BASE_GS, 0x111100000000 },
	};

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 before = rdmsr(rows[i].msr);
		struct l2 *l2 = write_in_l2(rows[i].msr, rows[i].value);

		EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
		EXPECT_EQ(vmx_read(rows[i].field), rows[i].value);
		EXPECT_EQ(rdmsr(rows[i].msr), before);
		EXPECT_EQ(read_in_l2(l2, rows[i].msr), rows[i].value);
	}
}

VMX_TEST(vmx_exit, msrs_without_a_field_are_shared, 0)
{
	/* Expect: what L2 writes is what L1 reads, and the other way round. */
	static const u32 msrs[] = { MSR_IA32_KERNEL_GS_BASE, MSR_IA32_LSTAR, MSR_IA32_STAR,
				    MSR_IA32_FMASK };

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
		u64 before = rdmsr(msrs[i]);
		struct l2 *l2 = write_in_l2(msrs[i], 0x12340 + i);

		EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
		EXPECT_EQ(rdmsr(msrs[i]), 0x12340 + i);
		wrmsr(msrs[i], 0x56780 + i);
		EXPECT_EQ(read_in_l2(l2, msrs[i]), 0x56780 + i);
		wrmsr(msrs[i], before);
	}
}

VMX_TEST(vmx_exit, bad_msr_values_fault_in_l2, 0)
{
	/* Expect: #GP(0) in L2 for a non-canonical LSTAR and a reserved PAT type. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	EXPECT_EQ(l2_enter(write_in_l2(MSR_IA32_LSTAR, NON_CANONICAL)), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_GP) | INTR_INFO_ERROR_CODE);
	EXPECT_EQ(l2_enter(write_in_l2(MSR_IA32_PAT, 2)), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_GP) | INTR_INFO_ERROR_CODE);
}
