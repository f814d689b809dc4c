/* SPDX-License-Identifier: MIT */
/* What belongs to one mode of the local APIC: xAPIC's memory, x2APIC's MSRs, and the way between.
 */
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"

#define MMIO(reg)         ((volatile u32 *)(APIC_DEFAULT_BASE + (reg)))
#define RESERVED_REGISTER 0x40u
#define MSR_OF(reg)       (MSR_X2APIC_FIRST + (reg) / 16)

static void expect_base_refused(u64 value)
{
	u64 before = rdmsr(MSR_IA32_APIC_BASE);
	struct trap trap = TRAP_OF(wrmsr(MSR_IA32_APIC_BASE, value));

	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
	EXPECT_EQ(rdmsr(MSR_IA32_APIC_BASE), before);
}

MACHINE_TEST(apic, base_refuses_illegal_changes, NEED_XAPIC)
{
	/* Expect: #GP(0) for EXTD without EN and for reserved bits; the base stays. */
	u64 base = rdmsr(MSR_IA32_APIC_BASE);

	expect_base_refused((base & ~(u64)APIC_BASE_ENABLED) | APIC_BASE_X2APIC);
	expect_base_refused(base | BIT(9));
	expect_base_refused(base | BIT(cpuid_physical_bits()));
}

MACHINE_TEST(apic, base_takes_the_same_value, NEED_XAPIC)
{
	/* Expect: writing back what was read changes nothing. */
	u64 base = rdmsr(MSR_IA32_APIC_BASE);
	u32 version = apic_read(APIC_VERSION);

	EXPECT_EQ(TRAP_OF(wrmsr(MSR_IA32_APIC_BASE, base)).vector, TRAP_NONE);
	EXPECT_EQ(rdmsr(MSR_IA32_APIC_BASE), base);
	EXPECT_EQ(apic_read(APIC_VERSION), version);
}

MACHINE_TEST(apic, x2apic_msrs_fault_in_xapic_mode, NEED_XAPIC)
{
	/* Expect: #GP(0) to read or write any of them. */
	EXPECT_EQ(TRAP_OF(rdmsr(MSR_OF(APIC_ID))).vector, VECTOR_GP);
	EXPECT_EQ(TRAP_OF(rdmsr(MSR_OF(APIC_TPR))).vector, VECTOR_GP);
	EXPECT_EQ(TRAP_OF(wrmsr(MSR_OF(APIC_EOI), 0)).vector, VECTOR_GP);
	EXPECT_EQ(TRAP_OF(wrmsr(MSR_X2APIC_ICR, 0)).vector, VECTOR_GP);
}

MACHINE_TEST(apic, mmio_moves, NEED_XAPIC)
{
	/* Expect: MOV from an immediate and a high register, to a low and a high one. */
	u64 out = 0x70, in = ~0ULL;

	__asm__ volatile("movl $0x60, %0" : "=m"(*MMIO(APIC_TPR)));
	EXPECT_EQ(*MMIO(APIC_TPR), 0x60);
	__asm__ volatile("mov %1, %%r11; mov %%r11d, %0"
			 : "=m"(*MMIO(APIC_TPR))
			 : "r"(out)
			 : "r11");
	__asm__ volatile("mov %1, %%r12; mov %2, %%r12d; mov %%r12, %0"
			 : "=r"(in)
			 : "r"(~0ULL), "m"(*MMIO(APIC_TPR))
			 : "r12");
	EXPECT_EQ(in, 0x70); /* bits 63:32 are cleared */
	__asm__ volatile("mov %%eax, %0; mov %0, %%eax" : "+m"(*MMIO(APIC_TPR)), "+a"(out));
	EXPECT_EQ(out, 0x70);
}

MACHINE_TEST(apic, mmio_read_modify_write, NEED_XAPIC)
{
	/* Expect: OR, AND and XCHG do on a register what they do on memory. */
	u32 value = 0x35;

	*MMIO(APIC_TPR) = 0x41;
	__asm__ volatile("orl $0x02, %0" : "+m"(*MMIO(APIC_TPR))::"cc");
	EXPECT_EQ(*MMIO(APIC_TPR), 0x43);
	__asm__ volatile("andl $0xf1, %0" : "+m"(*MMIO(APIC_TPR))::"cc");
	EXPECT_EQ(*MMIO(APIC_TPR), 0x41);
	__asm__ volatile("xchg %1, %0" : "+m"(*MMIO(APIC_TPR)), "+r"(value));
	EXPECT_EQ(value, 0x41);
	EXPECT_EQ(*MMIO(APIC_TPR), 0x35);
}

MACHINE_TEST(apic, mmio_sets_flags, NEED_XAPIC)
{
	/* Expect: CMP and TEST with a register leave the flags that they leave with memory. */
	u8 equal, below, zero;

	*MMIO(APIC_TPR) = 0x44;
	__asm__ volatile("cmpl $0x44, %1; sete %0" : "=q"(equal) : "m"(*MMIO(APIC_TPR)) : "cc");
	__asm__ volatile("cmpl $0x45, %1; setb %0" : "=q"(below) : "m"(*MMIO(APIC_TPR)) : "cc");
	__asm__ volatile("testl $0xbb, %1; setz %0" : "=q"(zero) : "m"(*MMIO(APIC_TPR)) : "cc");
	EXPECT_EQ(equal, 1);
	EXPECT_EQ(below, 1);
	EXPECT_EQ(zero, 1);
}

MACHINE_TEST(apic, mmio_by_every_addressing, NEED_XAPIC)
{
	/* Expect: base + index * scale + displacement, and RIP-relative's absolute twin, reach the
	 * same register. */
	u64 base = APIC_DEFAULT_BASE, index = APIC_TPR / 8;
	u32 value;

	*MMIO(APIC_TPR) = 0x2b;
	__asm__ volatile("movl (%1, %2, 8), %0" : "=r"(value) : "r"(base), "r"(index));
	EXPECT_EQ(value, 0x2b);
	__asm__ volatile("movl 0x60(%1, %2, 2), %0" : "=r"(value) : "r"(base), "r"(index));
	EXPECT_EQ(value, 0x2b);
	__asm__ volatile("movabs 0xfee00080, %%eax" : "=a"(value));
	EXPECT_EQ(value, 0x2b);
	__asm__ volatile("movl -0x80(%1), %0" : "=r"(value) : "r"(base + 2 * APIC_TPR));
	EXPECT_EQ(value, 0x2b);
}

MACHINE_TEST(apic, read_only_registers_ignore_writes, NEED_XAPIC)
{
	/* Expect: version, PPR, ISR and IRR stay. */
	u32 version = *MMIO(APIC_VERSION);

	*MMIO(APIC_VERSION) = 0;
	*MMIO(APIC_PPR) = 0xf0;
	*MMIO(APIC_ISR) = ~0u;
	*MMIO(APIC_IRR + 0x70) = ~0u;
	EXPECT_EQ(*MMIO(APIC_VERSION), version);
	EXPECT_EQ(*MMIO(APIC_PPR), 0);
	EXPECT(apic_is_clear(APIC_ISR));
	EXPECT(apic_is_clear(APIC_IRR));
}

MACHINE_TEST(apic, logical_destination_registers_read_back, NEED_XAPIC)
{
	/* Expect: LDR keeps bits 31:24, DFR its model with all other bits set. */
	*MMIO(APIC_LDR) = 0xa5ffffff;
	EXPECT_EQ(*MMIO(APIC_LDR), 0xa5000000);
	*MMIO(APIC_DFR) = APIC_DFR_CLUSTER & 0xf0000000;
	EXPECT_EQ(*MMIO(APIC_DFR), APIC_DFR_CLUSTER);
	*MMIO(APIC_DFR) = APIC_DFR_FLAT;
	EXPECT_EQ(*MMIO(APIC_DFR), APIC_DFR_FLAT);
}

MACHINE_TEST(apic, icr_reads_back, NEED_XAPIC)
{
	/* Expect: the destination, and what was sent, with the delivery status idle. */
	apic_send(0x5a, APIC_ICR_SELF | APIC_ICR_ASSERT | 0x33);
	EXPECT_EQ(*MMIO(APIC_ICR_HIGH), 0x5a000000);
	EXPECT_EQ(*MMIO(APIC_ICR), APIC_ICR_SELF | APIC_ICR_ASSERT | 0x33);
	EXPECT(irq_wait(0x33, 1));
}

MACHINE_TEST(apic, reserved_register_is_an_error, NEED_XAPIC)
{
	/* Expect: a read of a reserved offset sets ESR's illegal-register bit. */
	(void)*MMIO(RESERVED_REGISTER);
	EXPECT_EQ(apic_errors(), APIC_ESR_REGISTER);
}

MACHINE_TEST(x2apic, base_refuses_the_way_back, NEED_X2APIC)
{
	/* Expect: #GP(0) for xAPIC mode, and for EXTD without EN. */
	u64 base = rdmsr(MSR_IA32_APIC_BASE);

	EXPECT_EQ(base & (APIC_BASE_ENABLED | APIC_BASE_X2APIC),
		  APIC_BASE_ENABLED | APIC_BASE_X2APIC);
	expect_base_refused(base & ~(u64)APIC_BASE_X2APIC);
	expect_base_refused(base & ~(u64)APIC_BASE_ENABLED);
}

MACHINE_TEST(x2apic, logical_id_follows_the_id, NEED_X2APIC)
{
	/* Expect: LDR is (ID / 16) << 16 | 1 << ID % 16. */
	u32 id = apic_id();

	EXPECT_EQ(apic_read(APIC_LDR), (id >> 4) << 16 | 1u << (id & 0xf));
}

MACHINE_TEST(x2apic, write_only_registers_fault_on_reads, NEED_X2APIC)
{
	/* Expect: #GP(0) for EOI and self-IPI. */
	EXPECT_EQ(TRAP_OF(rdmsr(MSR_OF(APIC_EOI))).vector, VECTOR_GP);
	EXPECT_EQ(TRAP_OF(rdmsr(MSR_OF(APIC_SELF_IPI))).vector, VECTOR_GP);
}

MACHINE_TEST(x2apic, read_only_registers_fault_on_writes, NEED_X2APIC)
{
	/* Expect: #GP(0) for ID, version, PPR, LDR, ISR, TMR, IRR and the current count. */
	static const u32 regs[] = { APIC_ID,  APIC_VERSION, APIC_PPR, APIC_LDR,
				    APIC_ISR, APIC_TMR,     APIC_IRR, APIC_TIMER_CURRENT };

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		struct trap trap = TRAP_OF(wrmsr(MSR_OF(regs[i]), 0));

		EXPECT_EQ(trap.vector, VECTOR_GP);
		EXPECT_EQ(trap.error, 0);
	}
}

MACHINE_TEST(x2apic, reserved_msrs_fault, NEED_X2APIC)
{
	/* Expect: #GP(0) for DFR and the high half of the ICR, which x2APIC mode has not, and for
	 * numbers that no register has. */
	static const u32 msrs[] = {
		MSR_OF(APIC_DFR), MSR_OF(APIC_ICR_HIGH), 0x800, 0x804, 0x840, 0x8ff
	};

	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
		EXPECT_EQ(TRAP_OF(rdmsr(msrs[i])).vector, VECTOR_GP);
		EXPECT_EQ(TRAP_OF(wrmsr(msrs[i], 0)).vector, VECTOR_GP);
	}
}

MACHINE_TEST(x2apic, reserved_bits_fault, NEED_X2APIC)
{
	/* Expect: #GP(0) for EOI and ESR not zero, for bits above a register's own, for any high
	 * half but the ICR's. */
	static const struct {
		u32 reg;
		u64 value;
	} bad[] = {
		{ APIC_EOI, 1 },
		{ APIC_ESR, 1 },
		{ APIC_TPR, 0x100 },
		{ APIC_SVR, BIT(13) },
		{ APIC_TPR, BIT(32) },
		{ APIC_SVR, BIT(32) | APIC_SVR_ENABLED | APIC_SPURIOUS },
		{ APIC_LVT_TIMER, BIT(32) | APIC_LVT_MASKED },
		{ APIC_TIMER_INITIAL, BIT(40) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct trap trap = TRAP_OF(wrmsr(MSR_OF(bad[i].reg), bad[i].value));

		EXPECT_EQ(trap.vector, VECTOR_GP);
		EXPECT_EQ(trap.error, 0);
	}
	EXPECT_EQ(apic_read(APIC_TPR), 0);
}

MACHINE_TEST(x2apic, reads_clear_upper_halves, NEED_X2APIC)
{
	/* Expect: RDMSR of a 32-bit register gives 0 in bits 63:32. */
	EXPECT_EQ(rdmsr(MSR_OF(APIC_VERSION)) >> 32, 0);
	EXPECT_EQ(rdmsr(MSR_OF(APIC_SVR)), APIC_SVR_ENABLED | APIC_SPURIOUS);
}
