/* SPDX-License-Identifier: MIT */
/* MSRs that VM entry loads, and what is left of an entry that failed. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_check.h"

#define LIST_MAX     512u /* entries that every CPU takes */
#define HOLE         0xd0000000ULL
#define SMM_MONITOR  0x9bu
#define MSR_UNKNOWN  0x1fffu
#define SOME_ADDRESS 0x7654321000ULL

struct msr_entry {
	u32 index, reserved;
	u64 value;
};

static struct msr_entry list[LIST_MAX] __attribute__((aligned(16)));
static struct msr_entry exit_list[2] __attribute__((aligned(16)));

static struct msr_entry good(u64 value)
{
	return (struct msr_entry){ MSR_IA32_KERNEL_GS_BASE, 0, value };
}

static void fill(u32 count)
{
	for (u32 i = 0; i < count; i++)
		list[i] = good(SOME_ADDRESS + i);
}

/* Enter with the first so many of the list. */
static void expect_list(u64 want, u32 count)
{
	check_set(VMCS_ENTRY_MSR_LOAD_ADDR, (u64)list);
	EXPECT_REFUSED(want, VMCS_ENTRY_MSR_LOAD_COUNT, count);
}

CHECK_TEST(entry_loads_msrs_in_order)
{
	/* Expect: lists of 1 and of 512 enter, and the last value of an MSR stays; no list loads
	 * nothing. */
	u64 before = rdmsr(MSR_IA32_KERNEL_GS_BASE);

	fill(LIST_MAX);
	expect_list(ENTERS, 0);
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), before);
	expect_list(ENTERS, 1);
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), SOME_ADDRESS);
	expect_list(ENTERS, LIST_MAX);
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), SOME_ADDRESS + LIST_MAX - 1);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, before);
}

CHECK_TEST(failing_msr_is_named_by_its_place)
{
	/* Expect: exit reason 34 with the 1-based number of the entry that is refused, wherever it
	 * stands. */
	const u32 places[] = { 1, 2, 3, 255, 256, 257, LIST_MAX };
	u64 before = rdmsr(MSR_IA32_KERNEL_GS_BASE);

	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		fill(LIST_MAX);
		list[places[i] - 1].index = MSR_UNKNOWN;
		expect_list(BAD_MSR(places[i]), LIST_MAX);
		expect_list(ENTERS, places[i] - 1);
	}
	wrmsr(MSR_IA32_KERNEL_GS_BASE, before);
}

CHECK_TEST(msrs_that_entries_must_not_load_fail)
{
	/* Expect: exit reason 34 for FS and GS base, the x2APIC's MSRs, IA32_SMM_MONITOR_CTL, and
	 * those that WRMSR refuses. SDM "Loading MSRs". */
	const u32 msrs[] = { MSR_IA32_FS_BASE,   MSR_IA32_GS_BASE,  MSR_X2APIC_FIRST,
			     MSR_X2APIC_ID,      MSR_X2APIC_LAST,   SMM_MONITOR,
			     MSR_IA32_VMX_BASIC, MSR_IA32_VMX_MISC, MSR_IA32_FEATURE_CONTROL,
			     MSR_UNKNOWN };

	for (u32 i = 0; i < ARRAY_SIZE(msrs); i++) {
		list[0] = (struct msr_entry){ msrs[i], 0, 0 };
		expect_list(BAD_MSR(1), 1);
	}
}

CHECK_TEST(values_that_wrmsr_refuses_fail)
{
	/* Expect: exit reason 34 for an address that is not canonical, reserved bits of
	 * IA32_EFER, and memory types that IA32_PAT has not. */
	const struct msr_entry bad[] = {
		{ MSR_IA32_KERNEL_GS_BASE, 0, NON_CANONICAL },
		{ MSR_IA32_LSTAR, 0, NON_CANONICAL },
		{ MSR_IA32_EFER, 0, ~0ULL },
		{ MSR_IA32_PAT, 0, 2 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		list[0] = bad[i];
		expect_list(BAD_MSR(1), 1);
	}
}

CHECK_TEST(list_entries_have_reserved_bits)
{
	/* Expect: exit reason 34 for each of bits 63:32 of an entry's first half. */
	for (u32 bit = 0; bit < 32; bit++) {
		list[0] = good(rdmsr(MSR_IA32_KERNEL_GS_BASE));
		list[0].reserved = 1u << bit;
		expect_list(BAD_MSR(1), 1);
	}
}

CHECK_TEST(list_in_a_hole_fails_at_its_first_entry)
{
	/* Expect: exit reason 34: what is read there is ones, in the reserved bits too. */
	check_set(VMCS_ENTRY_MSR_LOAD_ADDR, HOLE);
	EXPECT_REFUSED(BAD_MSR(1), VMCS_ENTRY_MSR_LOAD_COUNT, 1);
}

CHECK_TEST(guest_state_goes_before_msrs)
{
	/* Expect: exit reason 33 where both are wrong, and no MSR is loaded. */
	u64 before = rdmsr(MSR_IA32_KERNEL_GS_BASE);

	list[0] = good(SOME_ADDRESS);
	list[1] = (struct msr_entry){ MSR_UNKNOWN, 0, 0 };
	check_set(VMCS_GUEST_RFLAGS, 0);
	expect_list(BAD_GUEST, 2);
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), before);
}

CHECK_TEST(msrs_before_the_failing_one_stay_loaded)
{
	/* Expect: what stands before it is there afterwards, what stands behind it is not. */
	u64 before = rdmsr(MSR_IA32_KERNEL_GS_BASE), star = rdmsr(MSR_IA32_STAR);

	list[0] = good(SOME_ADDRESS);
	list[1] = (struct msr_entry){ MSR_UNKNOWN, 0, 0 };
	list[2] = (struct msr_entry){ MSR_IA32_STAR, 0, ~star };
	expect_list(BAD_MSR(2), 3);
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), SOME_ADDRESS);
	EXPECT_EQ(rdmsr(MSR_IA32_STAR), star);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, before);
}

CHECK_TEST(failed_entry_loads_the_exit_list)
{
	/* Expect: after exit reasons 33 and 34 the VM-exit MSR-load list is loaded. */
	u64 before = rdmsr(MSR_IA32_KERNEL_GS_BASE);

	exit_list[0] = good(SOME_ADDRESS + PAGE_SIZE);
	check_keep(VMCS_EXIT_MSR_LOAD_ADDR, (u64)exit_list);
	check_keep(VMCS_EXIT_MSR_LOAD_COUNT, 1);
	check_set(VMCS_GUEST_RFLAGS, 0);
	EXPECT_EQ(check_enter(), BAD_GUEST);
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), SOME_ADDRESS + PAGE_SIZE);
	check_put_back();
	wrmsr(MSR_IA32_KERNEL_GS_BASE, before);
	list[0] = good(SOME_ADDRESS);
	list[1] = (struct msr_entry){ MSR_UNKNOWN, 0, 0 };
	check_set(VMCS_ENTRY_MSR_LOAD_ADDR, (u64)list);
	check_set(VMCS_ENTRY_MSR_LOAD_COUNT, 2);
	EXPECT_EQ(check_enter(), BAD_MSR(2));
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), SOME_ADDRESS + PAGE_SIZE);
	check_put_back();
	EXPECT_ENTRY(ENTERS);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, before);
}

CHECK_TEST(failed_entry_stores_no_msrs)
{
	/* Expect: the VM-exit MSR-store list is as before after exit reasons 33 and 34, and written
	 * by an exit. */
	exit_list[0] = good(1);
	check_keep(VMCS_EXIT_MSR_STORE_ADDR, (u64)exit_list);
	check_keep(VMCS_EXIT_MSR_STORE_COUNT, 1);
	check_set(VMCS_GUEST_RFLAGS, 0);
	EXPECT_EQ(check_enter(), BAD_GUEST);
	EXPECT_EQ(READ_ONCE(exit_list[0].value), 1);
	check_put_back();
	list[0] = (struct msr_entry){ MSR_UNKNOWN, 0, 0 };
	check_set(VMCS_ENTRY_MSR_LOAD_ADDR, (u64)list);
	check_set(VMCS_ENTRY_MSR_LOAD_COUNT, 1);
	EXPECT_EQ(check_enter(), BAD_MSR(1));
	EXPECT_EQ(READ_ONCE(exit_list[0].value), 1);
	check_put_back();
	EXPECT_ENTRY(ENTERS);
	EXPECT_EQ(READ_ONCE(exit_list[0].value), rdmsr(MSR_IA32_KERNEL_GS_BASE));
}

CHECK_TEST(failed_entry_loads_host_state)
{
	/* Expect: after exit reason 33, FS base and SYSENTER_CS are the VMCS's, DR7 is 400h. */
	u64 base = rdmsr(MSR_IA32_FS_BASE), cs = rdmsr(MSR_IA32_SYSENTER_CS);

	check_set(VMCS_HOST_BASE_FS, base + PAGE_SIZE);
	check_set(VMCS_HOST_SYSENTER_CS, cs + 8);
	check_set(VMCS_GUEST_RFLAGS, 0);
	write_dr7(DR7_AT_RESET | 1);
	EXPECT_EQ(check_enter(), BAD_GUEST);
	EXPECT_EQ(rdmsr(MSR_IA32_FS_BASE), base + PAGE_SIZE);
	EXPECT_EQ(rdmsr(MSR_IA32_SYSENTER_CS), cs + 8);
	EXPECT_EQ(read_dr7(), DR7_AT_RESET);
	check_put_back();
	EXPECT_ENTRY(ENTERS);
	EXPECT_EQ(rdmsr(MSR_IA32_FS_BASE), base);
	EXPECT_EQ(rdmsr(MSR_IA32_SYSENTER_CS), cs);
}

CHECK_TEST(failed_entry_saves_no_guest_state)
{
	/* Expect: after exit reasons 33 and 34 each guest-state field holds what was written,
	 * though an exit would save another: selectors and rights of unusable segments, RSP,
	 * DR7. */
	const struct {
		enum vmcs_field field;
		u64 value;
	} rows[] = {
		{ VMCS_GUEST_RIP, 0x123456 },         { VMCS_GUEST_RSP, 0xabcdef },
		{ VMCS_GUEST_SEL_LDTR, 0x1238 },      { VMCS_GUEST_DR7, 0x755 },
		{ VMCS_GUEST_SYSENTER_ESP, 0x77777 }, { VMCS_GUEST_LIMIT_IDTR, 0x1234 },
		{ VMCS_GUEST_CR3, 0x5000 },           { VMCS_GUEST_ACTIVITY, 0 },
	};

	list[0] = (struct msr_entry){ MSR_UNKNOWN, 0, 0 };
	check_set(VMCS_ENTRY_MSR_LOAD_ADDR, (u64)list);
	check_set(VMCS_ENTRY_MSR_LOAD_COUNT, 1);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		check_set(rows[i].field, rows[i].value);
	EXPECT_EQ(check_enter(), BAD_MSR(1));
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_EQ(vmx_read(rows[i].field), rows[i].value);
	check_set(VMCS_GUEST_RFLAGS, 0);
	EXPECT_EQ(check_enter(), BAD_GUEST);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_EQ(vmx_read(rows[i].field), rows[i].value);
	EXPECT_EQ(vmx_read(VMCS_GUEST_RFLAGS), 0);
	check_put_back();
	EXPECT_ENTRY(ENTERS);
}

CHECK_TEST(failed_entry_changes_no_other_exit_information)
{
	/* Expect: but for reason and qualification, the exit-information fields are those of the
	 * exit before. */
	const enum vmcs_field fields[] = { VMCS_EXIT_INTR_INFO,     VMCS_EXIT_INTR_ERROR,
					   VMCS_IDT_VECTORING_INFO, VMCS_IDT_VECTORING_ERROR,
					   VMCS_EXIT_INSN_LEN,      VMCS_EXIT_INSN_INFO,
					   VMCS_GUEST_LINEAR_ADDR };
	u64 before[ARRAY_SIZE(fields)];

	if (machine_is_bochs())
		SKIP("Bochs 2.7 writes the event and length fields at a failed entry too");
	check_set(VMCS_GUEST_PENDING_DEBUG, BIT(14)); /* an exit by #DB */
	EXPECT_EQ(check_enter(), EXIT_EXCEPTION_NMI);
	check_put_back();
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++)
		before[i] = vmx_read(fields[i]);
	check_set(VMCS_GUEST_RFLAGS, 0);
	EXPECT_EQ(check_enter(), BAD_GUEST);
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++)
		EXPECT_EQ(vmx_read(fields[i]), before[i]);
	check_put_back();
	EXPECT_ENTRY(ENTERS);
}
