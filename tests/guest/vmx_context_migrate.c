/* SPDX-License-Identifier: MIT */
/* Pages of L1 that get other frames (hv/abi.h) under what L2s stand on, between their entries and
 * beside them: neither L1 nor L2 sees a difference. Needs test_calls = on. */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "tests/guest/lib/vmx_smp.h"

#define ROUNDS 10u
#define BESIDE 100u

L2_CODE(count_insn, "incq (%rdi); mov (%rdi), %rax");
L2_CODE(out_insn, "out %al, $0x80");
L2_CODE(rdmsr_insn, "rdmsr");

static void migrate(u64 gpa)
{
	EXPECT_EQ(region_migrate(gpa, PAGE_SIZE), 0);
}

/* L2 counts up at this address; what it finds then. */
static u64 l2_count(struct l2 *l2, u64 address)
{
	return l2_result(l2, count_insn, address);
}

/* Three count at the same word in turn: L2, L1, and the page moves. */
static void expect_counts(struct l2 *l2, u64 address, u64 page)
{
	volatile u64 *word = (volatile u64 *)page;

	*word = 0;
	for (u64 i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(l2_count(l2, address), 2 * i + 1);
		migrate(page);
		EXPECT_EQ(*word, 2 * i + 1);
		*word += 1;
		migrate(page);
	}
}

VMX_TEST(vmx_context, l2_without_ept_keeps_migrated_pages, 0)
{
	/* Expect: no count is lost. */
	u64 page = vmx_page();

	TEST_CALLS_REQUIRED();
	expect_counts(l2_new(count_insn), page, page);
}

VMX_TEST(vmx_context, l2_under_ept_keeps_migrated_pages, 0)
{
	/* Expect: the same through a small leaf and, one page of it migrated, a large one. */
	u64 page = vmx_page();
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	l2 = l2_with_alias(count_insn, page, EPT_LEVEL_4K);
	expect_counts(l2, EPT_ALIAS, page);
	expect_counts(l2, page, page);
}

VMX_TEST(vmx_context, all_that_an_l2_stands_on_migrates, 0)
{
	/* Expect: code, page tables, EPT tables, VMCS, bitmaps and descriptors all move between
	 * entries, and L2 goes on. */
	u64 eptp, page = vmx_page();
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	l2 = l2_under_ept(count_insn, &eptp);
	for (u64 i = 1; i <= ROUNDS; i++) {
		EXPECT_EQ(l2_count(l2, page), i);
		migrate(ALIGN_DOWN((u64)count_insn, PAGE_SIZE));
		migrate(vmx_read(VMCS_GUEST_CR3));
		migrate(ALIGN_DOWN(eptp, PAGE_SIZE));
		migrate(*ept_entry(eptp, page, EPT_LEVEL_ROOT) & EPT_FRAME_MASK);
		migrate(l2->vmcs);
		migrate(vmx_read(VMCS_MSR_BITMAP));
		migrate(ALIGN_DOWN(vmx_read(VMCS_GUEST_BASE_GDTR), PAGE_SIZE));
	}
}

VMX_TEST(vmx_context, a_migrated_ept_table_is_read_where_it_is, 0)
{
	/* Expect: what L1 writes to the leaf table after its migration counts after INVEPT. */
	u64 eptp, table = vmx_page(), one = vmx_page(), two = vmx_page();
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(EPT_CAP_MASK(INVEPT_SINGLE));
	l2 = l2_with_alias_table(count_insn, table, &eptp);
	for (u64 i = 1; i <= ROUNDS; i++) {
		poke(table, one | EPT_MEMORY);
		EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
		EXPECT_EQ(l2_count(l2, EPT_ALIAS), i);
		migrate(table);
		EXPECT_EQ(l2_count(l2, EPT_ALIAS + 8), i);
		poke(table, two | EPT_MEMORY);
		EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
		EXPECT_EQ(l2_count(l2, EPT_ALIAS), i);
	}
	EXPECT_EQ(peek(one), ROUNDS);
	EXPECT_EQ(peek(two), ROUNDS);
}

VMX_TEST(vmx_context, migrated_bitmaps_are_read_where_they_are, 0)
{
	/* Expect: a bit that L1 sets or clears after the bitmap's migration counts at the next
	 * entry. */
	u64 msrs = vmx_page(), ports = vmx_page();
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	l2 = l2_new(out_insn);
	control_on(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	vmx_write(VMCS_MSR_BITMAP, msrs);
	vmx_write(VMCS_IO_BITMAP_A, ports);
	vmx_write(VMCS_IO_BITMAP_B, vmx_page());
	for (u32 i = 0; i < ROUNDS; i++) {
		u8 bits = i % 2 ? 0xff : 0;

		migrate(msrs);
		migrate(ports);
		memset((void *)msrs, bits, PAGE_SIZE);
		memset((void *)ports, bits, PAGE_SIZE);
		EXPECT_EQ(l2_enter_at(l2, out_insn), bits ? EXIT_IO : EXIT_VMCALL);
		l2->regs[RCX] = MSR_IA32_LSTAR;
		EXPECT_EQ(l2_enter_at(l2, rdmsr_insn), bits ? EXIT_RDMSR : EXIT_VMCALL);
	}
}

/* --- beside a running L2 --- */
static u64 *words; /* one in each page, which L2 alone counts up */
static u64 counted;

#define PAGES (REGION_BYTES / PAGE_SIZE)

static void count_up(void)
{
	while (!beside_ends()) {
		for (u64 page = 0; page < PAGES; page++)
			WRITE_ONCE(words[page * 512], READ_ONCE(words[page * 512]) + 1);
		WRITE_ONCE(counted, counted + 1);
	}
	vmcall_for_ever();
}

static u64 wrong_counts(void)
{
	u64 wrong = 0;

	for (u64 page = 0; page < PAGES; page++)
		wrong += peek(REGION_HERE + page * PAGE_SIZE) != counted;
	return wrong;
}

/* L2 counts at this address, where its L1 has REGION_HERE, while that and more migrates. */
static void migrate_beside(struct l2 *l2, u64 address, u64 table)
{
	memset((void *)REGION_HERE, 0, REGION_BYTES);
	words = (u64 *)address;
	counted = 0;
	EXPECT(l2_start_beside(l2));
	for (u32 i = 0; i < BESIDE; i++) {
		EXPECT_EQ(region_migrate(REGION_HERE, REGION_BYTES), 0);
		migrate(table);
	}
	EXPECT_EQ(l2_finish_beside(), EXIT_VMCALL);
	EXPECT(counted > 0);
	EXPECT_EQ(wrong_counts(), 0);
}

VMX_TEST(vmx_context, running_l2_keeps_migrated_pages, NEED_CPUS_2)
{
	/* Expect: an L2 that counts up in each page all the time loses no count. */
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	l2 = l2_new((const void *)(u64)count_up);
	migrate_beside(l2, REGION_HERE, vmx_read(VMCS_GUEST_CR3));
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

VMX_TEST(vmx_context, running_l2_under_ept_keeps_migrated_pages, NEED_CPUS_2)
{
	/* Expect: the same through L1's EPT, whose leaf table migrates as well. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	EXPECT_EQ(region_add(REGION_HERE), 0);
	l2 = l2_under_ept((const void *)(u64)count_up, &eptp);
	ept_map_alias(eptp, REGION_HERE, REGION_BYTES);
	migrate_beside(l2, EPT_ALIAS, *ept_entry(eptp, EPT_ALIAS, EPT_LEVEL_2M) & EPT_FRAME_MASK);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}
