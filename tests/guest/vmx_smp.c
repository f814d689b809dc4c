/* SPDX-License-Identifier: MIT */
/* VMX on two CPUs: each has its own operation and current VMCS, and a VMCS may move between
 * them. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/vmx_check.h"

#define NO_VMCS     (~0ULL)
#define OTHER       1u /* the CPU that does jobs */
#define ROUNDS      1000u
#define LIST        8u
#define MSR_UNKNOWN 0x1fffu
#define STILL       200000ULL /* ticks in which a CPU that runs would have moved on */

/* What the other CPU did and saw; it cannot tell the outcome of a test itself. */
struct other {
	u64 region, vmcs;
	u32 before, on, load, write, off;
	u64 first, value;
	u32 exit;
	struct l2 *l2;
};

struct msr_entry {
	u64 index, value;
};

static struct msr_entry list[LIST] __attribute__((aligned(16)));
static bool stop;

static u64 current(void)
{
	u64 pointer = 0, value = 0;

	vmx_try(INSN_VMPTRST, (u64)&pointer, 0, &value);
	return pointer;
}

/* Into VMX root operation on a CPU that vmx_on() does not know. */
static u32 enter_root(u64 region)
{
	u64 control = rdmsr(MSR_IA32_FEATURE_CONTROL);

	if (!(control & FEATURE_CONTROL_LOCKED))
		wrmsr(MSR_IA32_FEATURE_CONTROL,
		      control | FEATURE_CONTROL_VMXON | FEATURE_CONTROL_LOCKED);
	write_cr4(read_cr4() | CR4_VMXE);
	return vmx_try_vmxon(region);
}

static u32 leave_root(void)
{
	u32 outcome = vmx_try_vmxoff();

	write_cr4(read_cr4() & ~(u64)CR4_VMXE);
	return outcome;
}

static void go_in_and_out(void *argument)
{
	struct other *other = argument;
	u64 pointer = 0;

	other->before = vmx_try_vmptrst(&pointer);
	other->on = enter_root(other->region);
	other->first = current();
	other->load = vmx_try_vmptrld(other->vmcs);
	other->write = vmx_try_vmwrite(VMCS_GUEST_RIP, 0x1111);
	vmx_try_vmread(VMCS_GUEST_RIP, &other->value);
	vmx_try_vmclear(other->vmcs);
	other->off = leave_root();
}

static void enter_it(void *argument)
{
	struct other *other = argument;

	other->on = enter_root(other->region);
	other->load = vmx_try_vmptrld(other->l2->vmcs);
	if (other->load == VMSUCCEED) {
		l2_arrive(other->l2);
		other->value = vmx_read(VMCS_GUEST_SYSENTER_CS);
		vmx_write(VMCS_GUEST_SYSENTER_CS, other->value + 1);
		other->l2->launched = 0;
		other->exit = l2_enter(other->l2);
		vmx_try_vmclear(other->l2->vmcs);
	}
	other->off = leave_root();
}

static void load_it(void *argument)
{
	struct other *other = argument;

	other->on = enter_root(other->region);
	other->load = vmx_try_vmptrld(other->l2->vmcs);
}

static void let_it_go(void *argument)
{
	struct other *other = argument;

	other->first = current();
	vmx_try_vmclear(other->l2->vmcs);
	other->off = leave_root();
}

/* Between what an entry may load and what it must not. */
static void scribble(void *unused)
{
	(void)unused;
	while (!READ_ONCE(stop)) {
		for (u32 i = 0; i < LIST; i++)
			WRITE_ONCE(list[i].index,
				   list[i].index ^ MSR_UNKNOWN ^ MSR_IA32_KERNEL_GS_BASE);
	}
}

/* Count in VMX operation until it is told, then leave it: what waited comes then. */
static void count_in_root(void *argument)
{
	struct other *other = argument;

	other->on = enter_root(other->region);
	while (!READ_ONCE(stop))
		WRITE_ONCE(other->value, other->value + 1);
	leave_root();
	for (;;)
		WRITE_ONCE(other->first, other->first + 1);
}

static void wait(void)
{
	u64 start = rdtsc();

	while (rdtsc() - start < STILL)
		cpu_pause();
}

#define VMX_SMP_TEST(name_)                          \
	static void vmx_smp_##name_(void);           \
	MACHINE_TEST(vmx_smp, name_, NEED_CPUS_2)    \
	{                                            \
		vmx_run_test(vmx_smp_##name_, true); \
	}                                            \
	static void vmx_smp_##name_(void)

VMX_SMP_TEST(each_cpu_is_in_vmx_operation_by_itself)
{
	/* Expect: while CPU 0 is in VMX operation, CPU 1 is not (#UD); it goes in and out, with
	 * a VMCS of its own, and CPU 0 keeps its own. */
	struct other other = { .region = vmx_region_alloc(), .vmcs = vmx_region_alloc() };
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	vmx_write(VMCS_GUEST_SYSENTER_CS, 0x2222);
	EXPECT_OUTCOME(vmx_try_vmclear(other.vmcs), VMSUCCEED);
	EXPECT(smp_run(OTHER, go_in_and_out, &other));
	EXPECT_OUTCOME(other.before, FAULT(VECTOR_UD, 0));
	EXPECT_OUTCOME(other.on, VMSUCCEED);
	EXPECT_EQ(other.first, NO_VMCS);
	EXPECT_OUTCOME(other.load, VMSUCCEED);
	EXPECT_OUTCOME(other.write, VMSUCCEED);
	EXPECT_EQ(other.value, 0x1111);
	EXPECT_OUTCOME(other.off, VMSUCCEED);
	EXPECT_EQ(vmx_current(), l2.vmcs);
	EXPECT_EQ(vmx_read(VMCS_GUEST_SYSENTER_CS), 0x2222);
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	l2_destroy(&l2);
	memory_page_free(other.region);
	memory_page_free(other.vmcs);
}

VMX_SMP_TEST(a_vmcs_moves_between_cpus)
{
	/* Expect: VMCLEAR here, VMPTRLD and VMLAUNCH there, and back, a few times: its values move
	 * along, and L2 runs on both. */
	struct other other = { .region = vmx_region_alloc() };
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	other.l2 = &l2;
	for (u64 round = 0; round < 3; round++) {
		vmx_write(VMCS_GUEST_SYSENTER_CS, 0x100 * round);
		l2.launched = 0;
		EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
		EXPECT_OUTCOME(vmx_try_vmclear(l2.vmcs), VMSUCCEED);
		EXPECT(smp_run(OTHER, enter_it, &other));
		EXPECT_OUTCOME(other.on, VMSUCCEED);
		EXPECT_OUTCOME(other.load, VMSUCCEED);
		EXPECT_EQ(other.value, 0x100 * round);
		EXPECT_EQ(other.exit, EXIT_VMCALL);
		EXPECT_OUTCOME(other.off, VMSUCCEED);
		l2_arrive(&l2);
		EXPECT_EQ(vmx_read(VMCS_GUEST_SYSENTER_CS), 0x100 * round + 1);
	}
	l2_destroy(&l2);
	memory_page_free(other.region);
}

VMX_SMP_TEST(the_last_vmptrld_has_a_vmcs)
{
	/* Expect: where a VMCS is loaded on CPU 1 without VMCLEAR on CPU 0, CPU 0 has none any
	 * more: VMfailInvalid. (Nestor's rule; a CPU corrupts the VMCS.) */
	struct other other = { .region = vmx_region_alloc() };
	struct l2 l2;
	u64 value = 0;

	if (!nestor_is_present())
		SKIP("needs Nestor");
	l2_create(&l2, vmx_call_for_ever, 0, 0);
	other.l2 = &l2;
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	EXPECT(smp_run(OTHER, load_it, &other));
	EXPECT_OUTCOME(other.load, VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmread(VMCS_GUEST_RIP, &value), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), VMFAIL_INVALID);
	EXPECT(smp_run(OTHER, let_it_go, &other));
	EXPECT_EQ(other.first, l2.vmcs);
	l2_load(&l2);
	l2.launched = 0;
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	l2_destroy(&l2);
	memory_page_free(other.region);
}

VMX_SMP_TEST(msr_list_that_changes_during_entries)
{
	/* Expect: while CPU 1 changes each entry between an MSR that may be loaded and one that
	 * is not there, each entry works or fails at one of them; VMX works on. */
	u64 before = rdmsr(MSR_IA32_KERNEL_GS_BASE);
	u32 entered = 0, refused = 0;
	struct l2 l2;

	for (u32 i = 0; i < LIST; i++)
		list[i] = (struct msr_entry){ MSR_IA32_KERNEL_GS_BASE, before };
	l2_create(&l2, vmx_call_for_ever, 0, 0);
	vmx_write(VMCS_ENTRY_MSR_LOAD_ADDR, (u64)list);
	vmx_write(VMCS_ENTRY_MSR_LOAD_COUNT, LIST);
	WRITE_ONCE(stop, false);
	smp_start(OTHER, scribble, NULL);
	for (u32 round = 0; round < ROUNDS; round++) {
		u32 reason = l2_enter(&l2);
		u64 place = vmx_read(VMCS_EXIT_QUALIFICATION);

		if (reason == EXIT_VMCALL)
			entered++;
		else if (reason == (EXIT_ENTRY_MSR_LOAD | EXIT_REASON_ENTRY_FAILURE) && place &&
			 place <= LIST)
			refused++;
	}
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(OTHER));
	EXPECT_EQ(entered + refused, ROUNDS);
	EXPECT(refused > 0);
	l2_destroy(&l2);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, before);
}

VMX_SMP_TEST(init_waits_until_vmxoff)
{
	/* Expect: CPU 1 in VMX root operation runs on after an INIT; it stops at its VMXOFF. */
	struct other other = { .region = vmx_region_alloc() };
	u64 before;

	if (machine_is_bochs())
		SKIP("Bochs 2.7 drops an INIT in VMX root operation");
	WRITE_ONCE(stop, false);
	smp_start(OTHER, count_in_root, &other);
	wait();
	EXPECT_OUTCOME(READ_ONCE(other.on), VMSUCCEED);
	smp_send_init(OTHER);
	before = READ_ONCE(other.value);
	wait();
	EXPECT(READ_ONCE(other.value) > before);
	WRITE_ONCE(stop, true);
	wait();
	before = READ_ONCE(other.first);
	wait();
	EXPECT_EQ(READ_ONCE(other.first), before);
	EXPECT(smp_restart(OTHER, 0));
	memory_page_free(other.region);
}
