/* SPDX-License-Identifier: MIT */
/*
 * What a VMX instruction did, as one value to compare: VMsucceed, VMfailInvalid, VMfailValid with
 * its number, or a fault with vector and error code. Flags are part of it: the arithmetic flags are
 * all set before, and flags that don't fit the outcome (a fault must leave them alone) make an
 * outcome of its own, which equals none of these.
 *
 *     EXPECT_OUTCOME(vmx_try_vmclear(region + 1), VMFAIL(VMX_ERROR_VMCLEAR_ADDRESS));
 */
#ifndef TESTS_GUEST_LIB_VMX_INSN_H
#define TESTS_GUEST_LIB_VMX_INSN_H

#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/lib/vmx.h"
#include "tests/test.h"
#include "vmx/nested/vmx_error.h"

#define VMSUCCEED            0u
#define VMFAIL_INVALID       0x10000000u
#define VMFAIL(number)       (0x20000000u | (u32)(number)) /* VMfailValid */
#define FAULT(vector, error) (0x30000000u | (u32)(vector) << 16 | (u32)(error))
#define WRONG_FLAGS(flags)   (0x40000000u | (u32)(flags))
#define FAULT_ELSEWHERE      0x50000000u /* not at the instruction */

/* Known to vmx_insn.asm. */
enum vmx_insn {
	INSN_VMXON,
	INSN_VMXOFF,
	INSN_VMCLEAR,
	INSN_VMPTRLD,
	INSN_VMPTRST,
	INSN_VMREAD,
	INSN_VMREAD_MEM,
	INSN_VMWRITE,
	INSN_VMWRITE_MEM,
	INSN_VMLAUNCH,
	INSN_VMRESUME,
	INSN_INVEPT,
	INSN_INVVPID,
	INSN_VMCALL,
	VMX_INSNS
};

struct vmx_insn_info {
	const char *name;
	u32 exit_reason; /* in an L2 */
	bool has_pointer, writes;
};
extern const struct vmx_insn_info vmx_insn_table[VMX_INSNS];
/* Does the CPU have it? INVEPT and INVVPID come with EPT and VPID. */
bool vmx_has_insn(enum vmx_insn insn);

/*
 * Each as a piece of code: 64-bit with a pointer in RDI, 64-bit with the pointer in RBP, which
 * means SS, and for compatibility mode. Type or encoding in RSI, value in RDX.
 */
enum vmx_insn_form { FORM_64, FORM_SS, FORM_COMPAT, VMX_INSN_FORMS };
extern const char *const vmx_insn_code[VMX_INSN_FORMS][VMX_INSNS];
/* For an L2: VMCALL again and again, in whatever mode, and no change of a register. */
void vmx_call_for_ever(void);

u32 vmx_try(enum vmx_insn insn, u64 pointer, u64 reg, u64 *value);
/* The same with no interest in the value. */
u32 vmx_try_form(enum vmx_insn insn, enum vmx_insn_form form, u64 pointer, u64 reg);
u32 vmx_try_in_ring3(enum vmx_insn insn);

/* With operands that are there. */
u32 vmx_try_vmxon(u64 region);
u32 vmx_try_vmxoff(void);
u32 vmx_try_vmclear(u64 region);
u32 vmx_try_vmptrld(u64 region);
u32 vmx_try_vmptrst(u64 *region);
u32 vmx_try_vmread(u64 encoding, u64 *value);
u32 vmx_try_vmwrite(u64 encoding, u64 value);
u32 vmx_try_invept(u64 type, u64 eptp, u64 reserved);
u32 vmx_try_invvpid(u64 type, u64 vpid, u64 address);
/*
 * VMLAUNCH or VMRESUME, maybe right after MOV SS: VMSUCCEED where L2 ran and exited. Sets the
 * VMCS's host RSP and RIP; L2 must change no registers.
 */
enum vmx_entry { ENTER_LAUNCH, ENTER_RESUME, ENTER_LAUNCH_AFTER_MOV_SS, ENTER_RESUME_AFTER_MOV_SS };
u32 vmx_try_enter(enum vmx_entry how);

/* The current-VMCS pointer as VMPTRST tells it: ~0 for none. */
u64 vmx_current(void);

void vmx_expect_outcome(const char *file, int line, const char *what, const u32 got_want[2]);
#define EXPECT_OUTCOME(got_, want_) \
	vmx_expect_outcome(__FILE__, __LINE__, #got_, (const u32[2]){ (got_), (want_) })

/*
 * A test in VMX root operation; skipped where there is no VMX. A trap in it is a failure; VMX
 * operation ends all the same. VMX_OUTSIDE_TEST goes in and out itself.
 */
#define VMX_TEST(suite_, name_)                              \
	static void body_##suite_##_##name_(void);           \
	TEST(suite_, name_)                                  \
	{                                                    \
		vmx_run_test(body_##suite_##_##name_, true); \
	}                                                    \
	static void body_##suite_##_##name_(void)

#define VMX_OUTSIDE_TEST(suite_, name_)                       \
	static void body_##suite_##_##name_(void);            \
	TEST(suite_, name_)                                   \
	{                                                     \
		vmx_run_test(body_##suite_##_##name_, false); \
	}                                                     \
	static void body_##suite_##_##name_(void)

void vmx_run_test(void (*body)(void), bool in_root);

#endif
