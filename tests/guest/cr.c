/* SPDX-License-Identifier: MIT */
/* Control registers: the effect of single bits,
 * combinations that fault, and that changes flush translations. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

static void expect_cr_fault(struct trap trap)
{
	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
}

TEST(cr, wp_guards_read_only_pages)
{
	/* Expect: a write to a read-only page is #PF(present, write)
	 * with CR0.WP = 1 and goes through with WP = 0. */
	u64 page = memory_page_alloc(), cr0 = read_cr0();
	volatile u64 *word = (volatile u64 *)PAGING_TEST_VA;
	struct trap trap;

	paging_map(PAGING_TEST_VA, page, PTE_PRESENT);
	write_cr0(cr0 | CR0_WP);
	trap = TRAP_OF(*word = 1);
	EXPECT_EQ(trap.vector, VECTOR_PF);
	EXPECT_EQ(trap.error, PF_PRESENT | PF_WRITE);
	EXPECT_EQ(*(u64 *)page, 0);
	write_cr0(cr0 & ~(u64)CR0_WP);
	trap = TRAP_OF(*word = 2);
	EXPECT_EQ(trap.vector, TRAP_NONE);
	EXPECT_EQ(*(u64 *)page, 2);
	write_cr0(cr0);
	paging_unmap(PAGING_TEST_VA);
	memory_page_free(page);
}

TEST(cr, ts_makes_fpu_instructions_trap)
{
	/* Expect: with CR0.TS an FPU instruction is #NM; CLTS clears the bit and it runs. */
	u64 cr0 = read_cr0();

	write_cr0((cr0 & ~(u64)CR0_EM) | CR0_TS);
	EXPECT_EQ(read_cr0() & CR0_TS, CR0_TS);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("fninit")).vector, VECTOR_NM);
	__asm__ volatile("clts");
	EXPECT_EQ(read_cr0() & CR0_TS, 0);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("fninit")).vector, TRAP_NONE);
	write_cr0(cr0);
}

TEST(cr, em_makes_fpu_instructions_trap)
{
	/* Expect: with CR0.EM an FPU instruction is #NM. */
	u64 cr0 = read_cr0();

	write_cr0(cr0 | CR0_EM);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("fninit")).vector, VECTOR_NM);
	write_cr0(cr0);
}

TEST(cr, lmsw_sets_ts_and_cannot_clear_pe)
{
	/* Expect: LMSW loads bits 3:0 but for clearing PE; SMSW reads the low bits of CR0. */
	u64 cr0 = read_cr0(), msw = 0;

	__asm__ volatile("lmsw %w0" ::"r"((u32)((cr0 & 0xf) | CR0_TS)));
	EXPECT_EQ(read_cr0(), cr0 | CR0_TS);
	__asm__ volatile("lmsw %w0" ::"r"((u32)(cr0 & 0xe & ~CR0_TS)));
	EXPECT_EQ(read_cr0(), cr0);
	__asm__ volatile("smsw %w0" : "+r"(msw));
	EXPECT_EQ(msw & 0xffff, cr0 & 0xffff);
}

TEST(cr, cr0_et_is_fixed)
{
	/* Expect: writing ET = 0 is ignored. */
	u64 cr0 = read_cr0();

	write_cr0(cr0 & ~(u64)CR0_ET);
	EXPECT_EQ(read_cr0(), cr0 | CR0_ET);
}

TEST(cr, cr0_bad_combinations_fault)
{
	/* Expect: #GP(0) for PG without PE, NW without CD, and any of bits 63:32; CR0 stays. */
	u64 cr0 = read_cr0();

	if (machine_is_tcg())
		SKIP("TCG does not check CR0");
	expect_cr_fault(TRAP_OF(write_cr0(cr0 & ~(u64)CR0_PE)));
	expect_cr_fault(TRAP_OF(write_cr0((cr0 | CR0_NW) & ~(u64)CR0_CD)));
	expect_cr_fault(TRAP_OF(write_cr0(cr0 | BIT(32))));
	expect_cr_fault(TRAP_OF(write_cr0(cr0 | BIT(63))));
	EXPECT_EQ(read_cr0(), cr0);
}

TEST(cr, cache_disable_reads_back)
{
	/* Expect: CR0.CD can be set and cleared, memory stays readable. */
	u64 cr0 = read_cr0();
	static u64 word = 42;

	write_cr0(cr0 | CR0_CD);
	EXPECT_EQ(read_cr0() & CR0_CD, CR0_CD);
	EXPECT_EQ(READ_ONCE(word), 42);
	write_cr0(cr0);
	EXPECT_EQ(read_cr0(), cr0);
}

TEST(cr, cr4_reserved_bits_fault)
{
	/* Expect: #GP(0) for bits that no CPU has; CR4 stays. */
	u64 cr4 = read_cr4();

	if (machine_is_tcg())
		SKIP("TCG hangs in MOV to CR4 with a reserved bit");
	expect_cr_fault(TRAP_OF(write_cr4(cr4 | BIT(15))));
	expect_cr_fault(TRAP_OF(write_cr4(cr4 | BIT(31))));
	expect_cr_fault(TRAP_OF(write_cr4(cr4 | BIT(40))));
	expect_cr_fault(TRAP_OF(write_cr4(cr4 | BIT(63))));
	EXPECT_EQ(read_cr4(), cr4);
}

TEST(cr, pae_cannot_be_cleared_in_long_mode)
{
	/* Expect: #GP(0), and CR4 stays. */
	u64 cr4 = read_cr4();

	if (machine_is_tcg())
		SKIP("TCG does not check CR4.PAE");
	expect_cr_fault(TRAP_OF(write_cr4(cr4 & ~(u64)CR4_PAE)));
	EXPECT_EQ(read_cr4(), cr4);
}

TEST(cr, cr4_features_follow_cpuid)
{
	/* Expect: a CR4 bit can be set if CPUID names its feature, and is reserved (#GP) if not.
	 * TCG hangs on reserved bits: there only the first half is tried. */
	static const struct {
		u64 bit;
		u32 leaf;
		u32 edx, ebx, ecx; /* the feature's bit, in the register that has it */
	} features[] = {
		{ CR4_DE, 1, 1u << 2, 0, 0 },       { CR4_MCE, 1, 1u << 7, 0, 0 },
		{ CR4_PGE, 1, 1u << 13, 0, 0 },     { CR4_OSFXSR, 1, 1u << 24, 0, 0 },
		{ CR4_PCIDE, 1, 0, 0, 1u << 17 },   { CR4_OSXSAVE, 1, 0, 0, 1u << 26 },
		{ CR4_SMEP, 7, 0, 1u << 7, 0 },     { CR4_SMAP, 7, 0, 1u << 20, 0 },
		{ CR4_FSGSBASE, 7, 0, 1u << 0, 0 }, { CR4_UMIP, 7, 0, 0, 1u << 2 },
		{ CR4_PKE, 7, 0, 0, 1u << 3 },
	};
	u64 cr4 = read_cr4();

	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		bool present = cpuid(0, 0).eax >= features[i].leaf;
		struct cpuid_regs r = cpuid(features[i].leaf, 0);
		bool offered = present && ((r.edx & features[i].edx) || (r.ebx & features[i].ebx) ||
					   (r.ecx & features[i].ecx));
		struct trap trap;

		if (!offered && machine_is_tcg())
			continue;
		trap = TRAP_OF(write_cr4(cr4 ^ features[i].bit));
		if ((trap.vector == TRAP_NONE) != offered)
			test_fail(__FILE__, __LINE__, "CR4 bits 0x%llx: CPUID says %d, CR4 says %d",
				  (unsigned long long)features[i].bit, offered,
				  trap.vector == TRAP_NONE);
		if (trap.vector == TRAP_NONE)
			EXPECT_EQ(read_cr4(), cr4 ^ features[i].bit);
		write_cr4(cr4);
	}
}

TEST(cr, vmxe_follows_cpuid)
{
	/* Expect: with VMX in CPUID, CR4.VMXE can be set and cleared and reads back;
	 * without, setting it is #GP(0). */
	u64 cr4 = read_cr4();

	if (!has_vmx() && machine_is_tcg())
		SKIP("TCG hangs in MOV to CR4 with a reserved bit");
	if (!has_vmx()) {
		expect_cr_fault(TRAP_OF(write_cr4(cr4 | CR4_VMXE)));
		EXPECT_EQ(read_cr4(), cr4);
		return;
	}
	EXPECT_EQ(TRAP_OF(write_cr4(cr4 | CR4_VMXE)).vector, TRAP_NONE);
	EXPECT_EQ(read_cr4(), cr4 | CR4_VMXE);
	write_cr4(cr4);
	EXPECT_EQ(read_cr4(), cr4);
}

/* Map a page, read it (so that its translation is cached),
 * then put another page behind it without INVLPG. */
static u64 swap_behind_the_tlb(u64 extra_bits, u64 pages[2])
{
	volatile u64 *word = (volatile u64 *)PAGING_TEST_VA;
	u64 *leaf = paging_leaf(PAGING_TEST_VA);

	pages[0] = memory_page_alloc();
	pages[1] = memory_page_alloc();
	*(u64 *)pages[0] = 1;
	*(u64 *)pages[1] = 2;
	paging_map(PAGING_TEST_VA, pages[0], PTE_PRESENT | PTE_WRITE | extra_bits);
	EXPECT_EQ(*word, 1);
	WRITE_ONCE(*leaf, pages[1] | PTE_PRESENT | PTE_WRITE | extra_bits);
	return PAGING_TEST_VA;
}

static void unmap_pages(const u64 pages[2])
{
	paging_unmap(PAGING_TEST_VA);
	memory_page_free(pages[0]);
	memory_page_free(pages[1]);
}

TEST(cr, cr3_load_drops_old_translations)
{
	/* Expect: after MOV to CR3 of the same value the address shows the new page. */
	u64 pages[2], va = swap_behind_the_tlb(0, pages);

	write_cr3(read_cr3());
	EXPECT_EQ(*(volatile u64 *)va, 2);
	unmap_pages(pages);
}

TEST(cr, pge_toggle_drops_global_translations)
{
	/* Expect: CR4.PGE reads back both ways, and changing it drops global entries too. */
	u64 cr4 = read_cr4(), pages[2], va;

	write_cr4(cr4 | CR4_PGE);
	EXPECT_EQ(read_cr4(), cr4 | CR4_PGE);
	va = swap_behind_the_tlb(PTE_GLOBAL, pages);
	write_cr4(cr4 & ~(u64)CR4_PGE);
	EXPECT_EQ(*(volatile u64 *)va, 2);
	unmap_pages(pages);
	write_cr4(cr4);
}

TEST(cr, cr3_reserved_bits_fault)
{
	/* Expect: #GP(0) for address bits above the CPU's width; CR3 stays. */
	u64 cr3 = read_cr3();

	if (cpuid_physical_bits() >= 52)
		SKIP("no reserved address bits in CR3");
	if (machine_is_tcg())
		SKIP("TCG hangs in MOV to CR3 with a reserved bit");
	expect_cr_fault(TRAP_OF(write_cr3(cr3 | BIT(51))));
	EXPECT_EQ(read_cr3(), cr3);
}

TEST(cr, cr8_takes_four_bits)
{
	/* Expect: 0 to 15 read back, 16 is #GP(0).
	 * Interrupts are off, so any priority is harmless. */
	for (u64 value = 0; value < 16; value++) {
		write_cr8(value);
		EXPECT_EQ(read_cr8(), value);
	}
	write_cr8(0);
	if (machine_is_tcg())
		SKIP("TCG does not check CR8");
	expect_cr_fault(TRAP_OF(write_cr8(16)));
	EXPECT_EQ(read_cr8(), 0);
}

TEST(cr, missing_control_registers_are_undefined)
{
	/* Expect: CR1, CR5 and CR9 are #UD. */
	EXPECT_EQ(TRAP_OF(__asm__ volatile("mov %%cr1, %%rax" ::: "rax")).vector, VECTOR_UD);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("mov %%cr5, %%rax" ::: "rax")).vector, VECTOR_UD);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("mov %%rax, %%cr9" ::: "rax")).vector, VECTOR_UD);
}

TEST(cr, xsetbv_needs_osxsave)
{
	/* Expect: XSETBV and XGETBV are #UD while CR4.OSXSAVE is 0. */
	EXPECT_EQ(read_cr4() & CR4_OSXSAVE, 0);
	EXPECT_EQ(TRAP_OF(xsetbv(0, 1)).vector, VECTOR_UD);
	EXPECT_EQ(TRAP_OF(xgetbv(0)).vector, VECTOR_UD);
}

TEST(cr, xsetbv_takes_legal_values)
{
	/* Expect: x87, x87 + SSE (+ AVX where offered) read back by XGETBV. */
	u64 cr4 = read_cr4();

	if (!has_xsave())
		SKIP("the CPU has no XSAVE");
	write_cr4(cr4 | CR4_OSXSAVE);
	xsetbv(0, 3);
	EXPECT_EQ(xgetbv(0), 3);
	if (cpuid(0xd, 0).eax & 4) {
		xsetbv(0, 7);
		EXPECT_EQ(xgetbv(0), 7);
	}
	xsetbv(0, 1);
	EXPECT_EQ(xgetbv(0), 1);
	write_cr4(cr4);
}

TEST(cr, xsetbv_bad_values_fault)
{
	/* Expect: #GP(0) for x87 = 0, AVX without SSE,
	 * a component that is not offered, and XCR1; XCR0 stays. */
	u64 cr4 = read_cr4();

	if (!has_xsave())
		SKIP("the CPU has no XSAVE");
	write_cr4(cr4 | CR4_OSXSAVE);
	expect_cr_fault(TRAP_OF(xsetbv(0, 0)));
	expect_cr_fault(TRAP_OF(xsetbv(0, 2)));
	expect_cr_fault(TRAP_OF(xsetbv(0, 5)));
	expect_cr_fault(TRAP_OF(xsetbv(0, 1 | BIT(62))));
	expect_cr_fault(TRAP_OF(xsetbv(1, 1)));
	EXPECT_EQ(xgetbv(0), 1);
	write_cr4(cr4);
}
