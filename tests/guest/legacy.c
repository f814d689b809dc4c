/* SPDX-License-Identifier: MIT */
/* Modes below 64-bit: protected mode without paging, PAE paging, real-address mode, and the ways
 * between them that fault. */
#include "tests/guest/lib/legacy.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

extern u64 boot_pdpt[], boot_pds[4][512];

struct real_findings {
	u32 vendor;
	u16 port, di;
	u16 pushed, ip_offset;
	u16 beyond_limit_faults;
} __attribute__((packed));

TEST(legacy, protected_mode_without_paging)
{
	/* Expect: code runs there, CR0.CD is set and read back, and the way back is open. */
	u32 cr0 = legacy_run(legacy_cache_disable, 0);

	EXPECT_EQ(legacy_vector, LEGACY_NO_VECTOR);
	EXPECT_EQ(cr0, (u32)((read_cr0() & ~(u64)CR0_PG) | CR0_CD));
}

TEST(legacy, pae_paging)
{
	/* Expect: paging runs with the PDPTEs at CR3, EFER.LMA stays 0. */
	u64 page = memory_page_alloc();
	u32 efer;

	for (u32 i = 0; i < 4; i++)
		((u64 *)page)[i] = (u64)boot_pds[i] | PTE_PRESENT;
	efer = legacy_run(legacy_pae, (u32)page);
	EXPECT_EQ(legacy_vector, LEGACY_NO_VECTOR);
	EXPECT_EQ(efer & (EFER_LMA | EFER_LME), 0);
	memory_page_free(page);
}

TEST(legacy, bad_pdptes_fault)
{
	/* Expect: reserved bits in a PDPTE (here those that a 4-level table has) are #GP when
	 * paging is switched on. */
	if (machine_is_tcg())
		SKIP("TCG does not check PDPTEs");
	legacy_run(legacy_pae, (u32)(u64)boot_pdpt);
	EXPECT_EQ(legacy_vector, VECTOR_GP);
}

TEST(legacy, long_mode_needs_a_32bit_tss)
{
	/* Expect: #GP when paging goes on with EFER.LME and a 16-bit TSS in TR (SDM: "Initializing
	 * IA-32e Mode"). */
	if (machine_is_tcg())
		SKIP("TCG does not check TR");
	legacy_run(legacy_long_with_tss16, 0);
	EXPECT_EQ(legacy_vector, VECTOR_GP);
}

TEST(legacy, long_mode_needs_cs_without_l)
{
	/* Expect: #GP when paging goes on with EFER.LME and CS.L = 1. */
	if (machine_is_tcg())
		SKIP("TCG does not check CS.L");
	legacy_run(legacy_long_with_long_cs, 0);
	EXPECT_EQ(legacy_vector, VECTOR_GP);
}

TEST(legacy, real_address_mode)
{
	/* Expect: CPUID and INSW work; a bad RDMSR is #GP at its own IP, without an error code;
	 * INSW over the segment's end is #GP. */
	const struct real_findings *found =
		(const void *)(REAL_CODE + (u64)(real_result - real_code));
	u64 at = REAL_CODE;

	if (machine_is_tcg())
		SKIP("TCG reads unknown MSRs as 0 and checks no limits");
	if (!memory_is_spare_page(at))
		SKIP("no free page at 8000h");
	memcpy((void *)at, real_code, (size_t)(real_code_end - real_code));
	legacy_run(legacy_real, 0);
	EXPECT_EQ(legacy_vector, LEGACY_NO_VECTOR);
	EXPECT_EQ(found->vendor, cpuid(0, 0).ebx);
	EXPECT_EQ(found->port, 0xffff);
	EXPECT_EQ(found->di, (u16)(u64)&found->port + 2);
	EXPECT_EQ(found->pushed, 6);
	EXPECT_EQ(found->ip_offset, 0);
	EXPECT_EQ(found->beyond_limit_faults, 1);
}
