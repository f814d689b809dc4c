/* SPDX-License-Identifier: MIT */
/* IA32_FEATURE_CONTROL, which all other tests of VMX lock: this suite runs before them by its
 * name. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_insn.h"

static u32 write_outcome(u64 value)
{
	struct trap trap = TRAP_OF(wrmsr(MSR_IA32_FEATURE_CONTROL, value));

	return trap.vector == TRAP_NONE ? VMSUCCEED : FAULT(trap.vector, trap.error);
}

VMX_OUTSIDE_TEST(feature_control, a_vmxon_needs_the_lock)
{
	/* Expect: #GP(0) while IA32_FEATURE_CONTROL is not locked, with the VMXON bit or
	 * without. */
	u64 region;

	if (rdmsr(MSR_IA32_FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED)
		SKIP("IA32_FEATURE_CONTROL is locked already");
	region = vmx_region_alloc();
	write_cr4(read_cr4() | CR4_VMXE);
	EXPECT_OUTCOME(vmx_try_vmxon(region), FAULT(VECTOR_GP, 0));
	EXPECT_OUTCOME(write_outcome(FEATURE_CONTROL_VMXON), VMSUCCEED);
	EXPECT_EQ(rdmsr(MSR_IA32_FEATURE_CONTROL), FEATURE_CONTROL_VMXON);
	EXPECT_OUTCOME(vmx_try_vmxon(region), FAULT(VECTOR_GP, 0));
	EXPECT_OUTCOME(write_outcome(0), VMSUCCEED);
	EXPECT_EQ(rdmsr(MSR_IA32_FEATURE_CONTROL), 0);
	write_cr4(read_cr4() & ~(u64)CR4_VMXE);
	memory_page_free(region);
}

VMX_OUTSIDE_TEST(feature_control, b_the_lock_keeps_every_bit)
{
	/* Expect: once locked, each WRMSR is #GP(0), also of the value that it has; VMXON works. */
	u64 locked;

	vmx_on();
	vmx_off();
	locked = rdmsr(MSR_IA32_FEATURE_CONTROL);
	EXPECT(locked & FEATURE_CONTROL_LOCKED);
	EXPECT(locked & FEATURE_CONTROL_VMXON);
	EXPECT_OUTCOME(write_outcome(locked), FAULT(VECTOR_GP, 0));
	EXPECT_OUTCOME(write_outcome(0), FAULT(VECTOR_GP, 0));
	EXPECT_OUTCOME(write_outcome(FEATURE_CONTROL_VMXON), FAULT(VECTOR_GP, 0));
	EXPECT_EQ(rdmsr(MSR_IA32_FEATURE_CONTROL), locked);
}
