/* SPDX-License-Identifier: MIT */
/* Page tables of L2s that change between entries or by L2 itself, without EPT and under it: what
 * needs INVVPID and what doesn't, and that VPIDs keep translations apart. */
#include "hv/msr_index.h"
#include "hv/pte.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"

#define VA (2ULL << 39) /* L1 has nothing here */
#define NEEDS_INVVPID(type)                                                             \
	do {                                                                            \
		NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_ENABLE_VPID);                      \
		if (!(rdmsr(MSR_IA32_VMX_EPT_VPID_CAP) & EPT_CAP_MASK(INVVPID_##type))) \
			SKIP("no such type of INVVPID");                                \
	} while (0)

/* L2's own tables: all that L1 has below 512 GiB, and a page at VA. */
struct space {
	u64 cr3;
	u64 *pte;
};

static struct space space_new(u64 page)
{
	u64 *root = (u64 *)vmx_page(), *pdpt = (u64 *)vmx_page(), *directory = (u64 *)vmx_page();
	u64 *table = (u64 *)vmx_page();

	memcpy(root, (const void *)(read_cr3() & PTE_ADDRESS), PAGE_SIZE);
	root[VA >> 39] = (u64)pdpt | PTE_PRESENT | PTE_WRITE;
	pdpt[0] = (u64)directory | PTE_PRESENT | PTE_WRITE;
	directory[0] = (u64)table | PTE_PRESENT | PTE_WRITE;
	table[0] = page | PTE_PRESENT | PTE_WRITE;
	return (struct space){ (u64)root, table };
}

static struct l2 *l2_in_space(const struct space *space, u16 vpid)
{
	struct l2 *l2 = l2_new(read_insn);

	vmx_write(VMCS_GUEST_CR3, space->cr3);
	if (vpid) {
		control_on(CONTROL_SET_CPU2, CPU2_ENABLE_VPID);
		vmx_write(VMCS_VPID, vpid);
	}
	return l2;
}

/* L1 changes L2's entry and invalidates by this type. */
static void expect_change_seen(enum invvpid_type type)
{
	struct space space = space_new(vmx_page_with(1));
	struct l2 *l2 = l2_in_space(&space, 7);

	EXPECT(vpid_invalidate(type, 7, VA)); /* of an earlier test */
	EXPECT_EQ(l2_read(l2, VA), 1);
	for (u64 i = 2; i < 6; i++) {
		*space.pte = vmx_page_with(i) | PTE_PRESENT | PTE_WRITE;
		EXPECT(vpid_invalidate(type, 7, VA));
		EXPECT_EQ(l2_read(l2, VA), i);
	}
}

VMX_TEST(vmx_ept, invvpid_of_an_address_shows_a_change, 0)
{
	/* Expect: a page-table entry that L1 changes is seen from the next entry on. */
	NEEDS_INVVPID(ADDRESS);
	expect_change_seen(INVVPID_ADDRESS);
}

VMX_TEST(vmx_ept, invvpid_of_a_vpid_shows_a_change, 0)
{
	/* Expect: the same by the single-context type. */
	NEEDS_INVVPID(SINGLE);
	expect_change_seen(INVVPID_SINGLE);
}

VMX_TEST(vmx_ept, invvpid_of_all_shows_a_change, 0)
{
	/* Expect: the same by the all-context type. */
	NEEDS_INVVPID(ALL);
	expect_change_seen(INVVPID_ALL);
}

VMX_TEST(vmx_ept, invvpid_but_globals_shows_a_change, 0)
{
	/* Expect: the same by the type that retains globals, for a page that is not global. */
	NEEDS_INVVPID(RETAIN);
	expect_change_seen(INVVPID_LOCALS);
}

VMX_TEST(vmx_ept, without_a_vpid_each_entry_shows_changes, 0)
{
	/* Expect: no VPID, no invalidation, and L2 sees the entry as it is. */
	struct space space = space_new(vmx_page_with(1));
	struct l2 *l2 = l2_in_space(&space, 0);

	for (u64 i = 1; i < 5; i++) {
		EXPECT_EQ(l2_read(l2, VA), i);
		*space.pte = vmx_page_with(i + 1) | PTE_PRESENT | PTE_WRITE;
	}
}

VMX_TEST(vmx_ept, vpids_keep_translations_apart, 0)
{
	/* Expect: three L2s with tables and VPIDs of their own, in turn; then all with one VPID,
	 * which is invalidated between them. */
	struct space spaces[3];
	struct l2 *l2s[3];

	NEEDS_INVVPID(SINGLE);
	for (u16 i = 0; i < 3; i++) {
		spaces[i] = space_new(vmx_page_with(0x30u + i));
		l2s[i] = l2_in_space(&spaces[i], (u16)(i + 1));
		EXPECT(vpid_invalidate(INVVPID_SINGLE, (u16)(i + 1), 0));
	}
	for (u32 turn = 0; turn < 9; turn++) {
		l2_load(l2s[turn % 3]);
		EXPECT_EQ(l2_read(l2s[turn % 3], VA), 0x30 + turn % 3);
	}
	for (u32 turn = 0; turn < 9; turn++) {
		l2_load(l2s[turn % 3]);
		vmx_write(VMCS_VPID, 9);
		EXPECT(vpid_invalidate(INVVPID_SINGLE, 9, 0));
		EXPECT_EQ(l2_read(l2s[turn % 3], VA), 0x30 + turn % 3);
	}
}

VMX_TEST(vmx_ept, invept_is_enough_with_a_vpid, 0)
{
	/* Expect: combined mappings go with INVEPT: a page replaced in EPT is seen under a VPID. */
	struct space space;
	u64 eptp, page = vmx_page_with(1);
	struct l2 *l2;

	NEEDS_INVEPT(INVEPT_SINGLE);
	NEEDS_INVVPID(SINGLE);
	space = space_new(page);
	l2 = l2_in_space(&space, 3);
	eptp = ept_new();
	ept_use(eptp);
	for (u64 i = 2; i < 6; i++) {
		EXPECT_EQ(l2_read(l2, VA), i - 1);
		ept_map(eptp, page, EPT_LEVEL_4K, vmx_page_with(i) | EPT_MEMORY);
		EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	}
}

L2_CODE(change_and_invlpg, "mov (%rdi), %rax; mov %rbx, (%rsi); invlpg (%rdi); mov (%rdi), %rcx");
L2_CODE(change_and_load_cr3, "mov (%rdi), %rax; mov %rbx, (%rsi); mov %cr3, %rdx; mov %rdx, %cr3\n"
			     "mov (%rdi), %rcx");

/* L2 changes its own entry. */
static void expect_own_change(const char *code, bool with_ept)
{
	struct space space = space_new(vmx_page_with(1));
	struct l2 *l2 = l2_in_space(&space, 0);

	if (with_ept)
		ept_use(ept_new());
	l2->regs[RDI] = VA;
	l2->regs[RSI] = (u64)space.pte;
	l2->regs[RBX] = vmx_page_with(2) | PTE_PRESENT | PTE_WRITE;
	EXPECT_EQ(l2_enter_at(l2, code), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], 1);
	EXPECT_EQ(l2->regs[RCX], 2);
}

VMX_TEST(vmx_ept, l2_invalidates_its_own_translations, 0)
{
	/* Expect: INVLPG and MOV to CR3 in L2, without exits, with EPT and without. */
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU,
			  CPU_INVLPG_EXITING | CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING);
	expect_own_change(change_and_invlpg, false);
	expect_own_change(change_and_load_cr3, false);
	NEEDS_EPT(0);
	expect_own_change(change_and_invlpg, true);
	expect_own_change(change_and_load_cr3, true);
}

L2_CODE(load_cr3_insn, "mov %rbx, %cr3; mov (%rdi), %rax");

VMX_TEST(vmx_ept, l1_without_ept_emulates_cr3, 0)
{
	/* Expect: MOV to CR3 exits; L1 loads it into the field; L2 then sees its new tables. */
	struct space first = space_new(vmx_page_with(1)), second = space_new(vmx_page_with(2));
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING);
	l2 = l2_in_space(&first, 0);
	control_on(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING);
	EXPECT_EQ(l2_read(l2, VA), 1);
	for (u64 turn = 0; turn < 6; turn++) {
		u64 cr3 = turn % 2 ? first.cr3 : second.cr3;

		l2->regs[RBX] = cr3;
		EXPECT_EQ(l2_enter_at(l2, load_cr3_insn), EXIT_CR_ACCESS);
		EXPECT_EQ(vmx_read(VMCS_EXIT_QUALIFICATION), 3 | RBX << 8);
		vmx_write(VMCS_GUEST_CR3, l2->regs[RBX]);
		l2_skip();
		EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
		EXPECT_EQ(l2->regs[RAX], turn % 2 ? 1 : 2);
	}
}
