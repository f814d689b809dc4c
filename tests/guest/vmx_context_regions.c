/* SPDX-License-Identifier: MIT */
/* L1's memory comes, goes and moves (hv/abi.h) under what L2s stand on, between their entries:
 * pages, EPT tables, bitmaps, VMCSs. Needs test_calls = on. */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "tests/guest/lib/vmx_smp.h"

#define ONES           (~0ULL)
#define ERROR_REVISION 11u

L2_CODE(out_insn, "out %al, $0x80");
L2_CODE(rdmsr_insn, "rdmsr");

/* --- pages of an L2 --- */
/* The region comes and goes three times; L2 finds it at this address. */
static void expect_comings(struct l2 *l2, u64 address)
{
	for (u64 i = 1; i <= 3; i++) {
		EXPECT_EQ(l2_read(l2, address), ONES);
		EXPECT_EQ(region_add(REGION_HERE), 0);
		poke(REGION_HERE, i);
		EXPECT_EQ(l2_read(l2, address), i);
		EXPECT_EQ(l2_write(l2, address, 0x100 + i), EXIT_VMCALL);
		EXPECT_EQ(peek(REGION_HERE), 0x100 + i);
		EXPECT_EQ(region_delete(REGION_HERE), 0);
		EXPECT_EQ(l2_read(l2, address), ONES);
		EXPECT_EQ(l2_write(l2, address, 5), EXIT_VMCALL);
	}
}

VMX_TEST(vmx_context, l2_without_ept_sees_regions_come_and_go, 0)
{
	/* Expect: contents while the region is there, ones and lost writes when it is not. */
	TEST_CALLS_REQUIRED();
	expect_comings(l2_new(read_insn), REGION_HERE);
}

VMX_TEST(vmx_context, l2_under_ept_sees_regions_come_and_go, 0)
{
	/* Expect: the same where L1's EPT puts the page elsewhere; L1 changes no entry. */
	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	expect_comings(l2_with_alias(read_insn, REGION_HERE, EPT_LEVEL_4K), EPT_ALIAS);
}

VMX_TEST(vmx_context, l2_under_large_leaves_sees_regions_come_and_go, 0)
{
	/* Expect: the same under a 2 MiB leaf of which the region is a part. */
	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	expect_comings(l2_with_alias(read_insn, REGION_HERE, EPT_LEVEL_2M), EPT_ALIAS);
}

VMX_TEST(vmx_context, l2_sees_a_region_move, 0)
{
	/* Expect: two leaves, one for each place: the contents are where the region is. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	l2 = l2_under_ept(read_insn, &eptp);
	ept_map(eptp, EPT_ALIAS, EPT_LEVEL_4K, REGION_HERE | EPT_MEMORY);
	ept_map(eptp, EPT_ALIAS + PAGE_SIZE, EPT_LEVEL_4K, REGION_THERE | EPT_MEMORY);
	EXPECT_EQ(region_add(REGION_HERE), 0);
	poke(REGION_HERE, 0x77);
	for (u32 round = 0; round < 5; round++) {
		EXPECT_EQ(l2_read(l2, EPT_ALIAS), 0x77 + 2 * round);
		EXPECT_EQ(l2_read(l2, EPT_ALIAS + PAGE_SIZE), ONES);
		EXPECT_EQ(region_move(REGION_HERE, REGION_THERE), 0);
		EXPECT_EQ(l2_read(l2, EPT_ALIAS), ONES);
		EXPECT_EQ(l2_read(l2, EPT_ALIAS + PAGE_SIZE), 0x77 + 2 * round);
		EXPECT_EQ(l2_write(l2, EPT_ALIAS + PAGE_SIZE, 0x79 + 2 * round), EXIT_VMCALL);
		EXPECT_EQ(region_move(REGION_THERE, REGION_HERE), 0);
	}
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

VMX_TEST(vmx_context, l2_cannot_write_a_read_only_region, 0)
{
	/* Expect: its writes are lost, without EPT and under EPT that allows them. */
	u64 before;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	EXPECT_EQ(nestor_call3(NESTOR_CALL_REGION_ADD, REGION_HERE, REGION_BYTES,
			       NESTOR_REGION_READONLY),
		  0);
	before = peek(REGION_HERE);
	l2 = l2_new(read_insn);
	EXPECT_EQ(l2_write(l2, REGION_HERE, ~before), EXIT_VMCALL);
	EXPECT_EQ(l2_read(l2, REGION_HERE), before);
	l2 = l2_with_alias(read_insn, REGION_HERE, EPT_LEVEL_4K);
	EXPECT_EQ(l2_write(l2, EPT_ALIAS, ~before), EXIT_VMCALL);
	EXPECT_EQ(l2_read(l2, EPT_ALIAS), before);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

/* --- EPT tables --- */
VMX_TEST(vmx_context, an_ept_table_goes_and_comes, 0)
{
	/* Expect: where the table was, entries read as ones: misconfigured; a new table there
	 * counts. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(EPT_CAP_MASK(INVEPT_SINGLE));
	EXPECT_EQ(region_add(REGION_HERE), 0);
	poke(REGION_HERE, vmx_page_with(0x11) | EPT_MEMORY);
	l2 = l2_with_alias_table(read_insn, REGION_HERE, &eptp);
	EXPECT_EQ(l2_read(l2, EPT_ALIAS), 0x11);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, EPT_ALIAS), ~(u64)EXIT_EPT_MISCONFIG);
	EXPECT_EQ(region_add(REGION_HERE), 0);
	memset((void *)REGION_HERE, 0, PAGE_SIZE);
	poke(REGION_HERE, vmx_page_with(0x22) | EPT_MEMORY);
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, EPT_ALIAS), 0x22);
	EXPECT_EQ(l2_read(l2, EPT_ALIAS + PAGE_SIZE), ~(u64)EXIT_EPT_VIOLATION);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

VMX_TEST(vmx_context, an_ept_table_moves, 0)
{
	/* Expect: after the entry above it follows, all is as before; changes there count. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(EPT_CAP_MASK(INVEPT_SINGLE));
	EXPECT_EQ(region_add(REGION_HERE), 0);
	memset((void *)REGION_HERE, 0, PAGE_SIZE);
	poke(REGION_HERE, vmx_page_with(0x11) | EPT_MEMORY);
	l2 = l2_with_alias_table(read_insn, REGION_HERE, &eptp);
	EXPECT_EQ(l2_read(l2, EPT_ALIAS), 0x11);
	EXPECT_EQ(region_move(REGION_HERE, REGION_THERE), 0);
	*ept_entry(eptp, EPT_ALIAS, EPT_LEVEL_2M) = REGION_THERE | EPT_RWX;
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, EPT_ALIAS), 0x11);
	poke(REGION_THERE, vmx_page_with(0x22) | EPT_MEMORY);
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, EPT_ALIAS), 0x22);
	EXPECT_EQ(region_delete(REGION_THERE), 0);
}

/* --- bitmaps --- */
static u32 l2_rdmsr(struct l2 *l2)
{
	l2->regs[RCX] = MSR_IA32_LSTAR;
	return l2_enter_at(l2, rdmsr_insn);
}

VMX_TEST(vmx_context, an_msr_bitmap_goes_comes_and_moves, 0)
{
	/* Expect: contents decide while it is there, every access exits while it is not. */
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	l2 = l2_new(rdmsr_insn);
	vmx_write(VMCS_MSR_BITMAP, REGION_HERE);
	for (u32 round = 0; round < 3; round++) {
		EXPECT_EQ(l2_rdmsr(l2), EXIT_RDMSR);
		EXPECT_EQ(region_add(REGION_HERE), 0);
		memset((void *)REGION_HERE, 0, PAGE_SIZE);
		EXPECT_EQ(l2_rdmsr(l2), EXIT_VMCALL);
		EXPECT_EQ(region_move(REGION_HERE, REGION_THERE), 0);
		EXPECT_EQ(l2_rdmsr(l2), EXIT_RDMSR);
		vmx_write(VMCS_MSR_BITMAP, REGION_THERE);
		EXPECT_EQ(l2_rdmsr(l2), EXIT_VMCALL);
		vmx_write(VMCS_MSR_BITMAP, REGION_HERE);
		EXPECT_EQ(region_delete(REGION_THERE), 0);
	}
}

VMX_TEST(vmx_context, io_bitmaps_go_and_come, 0)
{
	/* Expect: the same of I/O bitmaps. */
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	l2 = l2_new(out_insn);
	control_on(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	vmx_write(VMCS_IO_BITMAP_A, REGION_HERE);
	vmx_write(VMCS_IO_BITMAP_B, REGION_HERE + PAGE_SIZE);
	for (u32 round = 0; round < 3; round++) {
		EXPECT_EQ(l2_enter_at(l2, out_insn), EXIT_IO);
		EXPECT_EQ(region_add(REGION_HERE), 0);
		memset((void *)REGION_HERE, 0, 2 * PAGE_SIZE);
		EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
		EXPECT_EQ(region_delete(REGION_HERE), 0);
	}
}

/* --- VMCSs --- */
/* An L2 whose VMCS lies at REGION_HERE: after VMCLEAR all of it is in memory, so it may be
 * copied. */
static struct l2 *l2_at_here(u64 *home)
{
	struct l2 *l2 = l2_new(read_insn);

	vmx_write(VMCS_GUEST_SYSENTER_EIP, 0x5eed);
	l2_clear(l2);
	*home = l2->vmcs;
	memcpy((void *)REGION_HERE, (const void *)l2->vmcs, PAGE_SIZE);
	l2->vmcs = REGION_HERE;
	l2_load(l2);
	return l2;
}

/* VMPTRLD of a place that may have no VMCS: 0, or the VM-instruction error. */
static u32 try_to_load(u64 vmcs)
{
	bool fails;

	__asm__ volatile("vmptrld %1" : "=@ccbe"(fails) : "m"(vmcs) : "memory");
	return fails ? (u32)vmx_read(VMCS_INSN_ERROR) : 0;
}

VMX_TEST(vmx_context, a_cleared_vmcs_moves_with_its_region, 0)
{
	/* Expect: fields and L2 at the new place, nothing to load at the old one. */
	u64 home, page = vmx_page_with(0x11);
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	l2 = l2_at_here(&home);
	EXPECT_EQ(l2_read(l2, page), 0x11);
	l2_clear(l2);
	EXPECT_EQ(region_move(REGION_HERE, REGION_THERE), 0);
	l2_new(read_insn); /* one that is current and says why VMPTRLD fails */
	EXPECT_EQ(try_to_load(REGION_HERE), ERROR_REVISION);
	l2->vmcs = REGION_THERE;
	l2_load(l2);
	EXPECT_FIELD(GUEST_SYSENTER_EIP, 0x5eed);
	EXPECT_EQ(l2_read(l2, page), 0x11);
	l2_clear(l2);
	l2->vmcs = home;
	EXPECT_EQ(region_delete(REGION_THERE), 0);
}

VMX_TEST(vmx_context, a_vmcs_that_goes_while_current_harms_nobody, 0)
{
	/* Expect: its L2 goes on or VM entry fails; VMCLEAR is done; L1 and other L2s are well. */
	u64 home, page = vmx_page_with(0x11);
	struct l2 *l2;
	u32 reason;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	l2 = l2_at_here(&home);
	EXPECT_EQ(l2_read(l2, page), 0x11);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
	reason = l2_enter_at(l2, read_insn);
	EXPECT(reason == EXIT_VMCALL || (reason & L2_VMFAIL));
	l2_clear(l2);
	l2->vmcs = home;
	EXPECT_EQ(l2_read(l2_new(read_insn), page), 0x11);
	EXPECT_EQ(try_to_load(REGION_HERE), ERROR_REVISION);
	EXPECT_EQ(region_add(REGION_HERE), 0);
	memset((void *)REGION_HERE, 0, PAGE_SIZE);
	EXPECT_EQ(try_to_load(REGION_HERE), ERROR_REVISION);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

VMX_TEST(vmx_context, a_vmcs_that_goes_while_another_is_current_is_gone, 0)
{
	/* Expect: VMPTRLD fails (11) at once or after a VMCLEAR, and a new VMCS there is a new
	 * one. */
	u64 home;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	l2 = l2_at_here(&home);
	l2_new(read_insn);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
	EXPECT_EQ(try_to_load(REGION_HERE), ERROR_REVISION);
	l2_clear(l2);
	EXPECT_EQ(region_add(REGION_HERE), 0);
	memset((void *)REGION_HERE, 0, PAGE_SIZE);
	*(u32 *)REGION_HERE = (u32)rdmsr(MSR_IA32_VMX_BASIC) & 0x7fffffff;
	l2_clear(l2);
	EXPECT_EQ(try_to_load(REGION_HERE), 0);
	EXPECT(vmx_read(VMCS_GUEST_SYSENTER_EIP) != 0x5eed);
	l2_clear(l2);
	l2->vmcs = home;
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}
