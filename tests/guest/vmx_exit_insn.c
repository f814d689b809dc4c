/* SPDX-License-Identifier: MIT */
/* Instructions that exit when a control asks for it, and run when none does; those that always
 * exit; and which faults come before an exit. */
#include "hv/abi.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/vmx_l2.h"

struct controlled {
	const char *code, *end;
	enum control_set set;
	u32 mask;
	u32 reason;
	u32 also;          /* a secondary control that the instruction needs */
	bool (*has)(void); /* NULL: every CPU has the instruction */
};

static u64 operand; /* a page; L2s begin with it in RDI and RAX, CR3 in RBX, 0 in the others */

static bool has_monitor(void)
{
	return cpuid(1, 0).ecx & BIT(3);
}

static bool has_rdrand(void)
{
	return cpuid(1, 0).ecx & BIT(30);
}

static bool has_rdseed(void)
{
	return cpuid(7, 0).ebx & BIT(18);
}

static bool has_invpcid(void)
{
	return cpuid(7, 0).ebx & CPUID_7_EBX_INVPCID;
}

static struct l2 *begin(const struct controlled *c)
{
	struct l2 *l2 = l2_new(c->code);

	operand = vmx_page();
	l2->regs[RDI] = l2->regs[RAX] = operand;
	l2->regs[RBX] = read_cr3();
	if (c->also)
		control_on(CONTROL_SET_CPU2, c->also);
	return l2;
}

static const char *lacks(const struct controlled *c)
{
	if (!control_is_offered(c->set, c->mask))
		return "the control is not offered";
	if (c->also && !control_is_offered(CONTROL_SET_CPU2, c->also))
		return "the control that enables the instruction is not offered";
	if (c->has && !c->has())
		return "no such instruction";
	return NULL;
}

static void exits(const struct controlled *c)
{
	const char *why = lacks(c);
	struct l2 *l2;

	if (why)
		SKIP(why);
	l2 = begin(c);
	control_on(c->set, c->mask);
	EXPECT_EQ(l2_enter(l2), c->reason);
	EXPECT_FIELD(GUEST_RIP, (u64)c->code);
	EXPECT_FIELD(EXIT_INSN_LEN, c->end - c->code);
	EXPECT_EQ(l2->regs[RDI], operand);
	l2_skip();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)c->end);
}

static void runs(const struct controlled *c)
{
	const char *why = lacks(c);

	if (!why && !control_is_optional(c->set, c->mask))
		why = "the control is always on";
	if (why)
		SKIP(why);
	EXPECT_EQ(l2_enter(begin(c)), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)c->end);
}

/*
 * Two tests of an instruction. Expect of the first: an exit for this reason, with the instruction's
 * address and length, nothing done; L2 goes on behind it. Of the second: no exit but the VMCALL
 * behind it.
 */
#define CONTROLLED(name_, text_, set_, mask_, reason_, ...)                              \
	L2_CODE(code_##name_, text_);                                                    \
	static const struct controlled controlled_##name_ = { .code = code_##name_,      \
							      .end = code_##name_##_end, \
							      .set = CONTROL_SET_##set_, \
							      .mask = mask_,             \
							      .reason = reason_,         \
							      __VA_ARGS__ };             \
	VMX_TEST(vmx_exit, name_##_exits_when_asked, 0)                                  \
	{                                                                                \
		exits(&controlled_##name_);                                              \
	}                                                                                \
	VMX_TEST(vmx_exit, name_##_runs_when_not_asked, 0)                               \
	{                                                                                \
		runs(&controlled_##name_);                                               \
	}

CONTROLLED(invlpg, "invlpg (%rdi)", CPU, CPU_INVLPG_EXITING, EXIT_INVLPG)
CONTROLLED(rdtsc, "rdtsc", CPU, CPU_RDTSC_EXITING, EXIT_RDTSC)
CONTROLLED(rdtscp, "rdtscp", CPU, CPU_RDTSC_EXITING, EXIT_RDTSCP, .also = CPU2_ENABLE_RDTSCP,
	   .has = has_rdtscp)
CONTROLLED(pause, "pause", CPU, CPU_PAUSE_EXITING, EXIT_PAUSE)
CONTROLLED(monitor, "monitor", CPU, CPU_MONITOR_EXITING, EXIT_MONITOR, .has = has_monitor)
CONTROLLED(mwait, "mwait", CPU, CPU_MWAIT_EXITING, EXIT_MWAIT, .has = has_monitor)
CONTROLLED(wbinvd, "wbinvd", CPU2, CPU2_WBINVD_EXITING, EXIT_WBINVD)
CONTROLLED(rdrand, "rdrand %r9", CPU2, CPU2_RDRAND_EXITING, EXIT_RDRAND, .has = has_rdrand)
CONTROLLED(rdseed, "rdseed %r10d", CPU2, CPU2_RDSEED_EXITING, EXIT_RDSEED, .has = has_rdseed)
CONTROLLED(invpcid, "invpcid (%rdi), %rcx", CPU, CPU_INVLPG_EXITING, EXIT_INVPCID,
	   .also = CPU2_ENABLE_INVPCID, .has = has_invpcid)
CONTROLLED(sgdt, "sgdt (%rdi)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_GDTR_IDTR)
CONTROLLED(sidt, "sidt (%rdi)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_GDTR_IDTR)
CONTROLLED(lgdt, "lgdt descriptor_gdt_pointer(%rip)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_GDTR_IDTR)
CONTROLLED(lidt, "lidt descriptor_idt_pointer(%rip)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_GDTR_IDTR)
CONTROLLED(sldt, "sldt (%rdi)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_LDTR_TR)
CONTROLLED(str, "str (%rdi)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_LDTR_TR)
CONTROLLED(lldt, "lldt %cx", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_LDTR_TR)
CONTROLLED(cr3_load, "mov %rbx, %cr3", CPU, CPU_CR3_LOAD_EXITING, EXIT_CR_ACCESS)
CONTROLLED(cr3_store, "mov %cr3, %rbx", CPU, CPU_CR3_STORE_EXITING, EXIT_CR_ACCESS)
CONTROLLED(cr8_load, "mov %rcx, %cr8", CPU, CPU_CR8_LOAD_EXITING, EXIT_CR_ACCESS)
CONTROLLED(cr8_store, "mov %cr8, %rax", CPU, CPU_CR8_STORE_EXITING, EXIT_CR_ACCESS)
CONTROLLED(mov_to_dr, "mov %rcx, %dr2", CPU, CPU_MOV_DR_EXITING, EXIT_MOV_DR)
CONTROLLED(mov_from_dr, "mov %dr6, %rax", CPU, CPU_MOV_DR_EXITING, EXIT_MOV_DR)
CONTROLLED(out, "out %al, $0x80", CPU, CPU_UNCOND_IO, EXIT_IO)
CONTROLLED(in, "in $0x80, %al", CPU, CPU_UNCOND_IO, EXIT_IO)

/* Instructions that exit whatever L1 asks for. */
struct always {
	const char *code, *end;
	u32 reason;
	u32 cr4; /* what the instruction needs */
};

static void exits_always(const struct always *a)
{
	struct l2 *l2 = l2_new(a->code);

	l2->regs[RDI] = vmx_page();
	vmx_change(VMCS_GUEST_CR4, a->cr4, 0);
	EXPECT_EQ(l2_enter(l2), a->reason);
	EXPECT_FIELD(GUEST_RIP, (u64)a->code);
	EXPECT_FIELD(EXIT_INSN_LEN, a->end - a->code);
	l2_skip();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)a->end);
}

/* Expect: an exit for this reason without any optional control, with address and length. */
#define ALWAYS(name_, text_, reason_)                                                      \
	L2_CODE(always_##name_, text_);                                                    \
	VMX_TEST(vmx_exit, name_##_always_exits, 0)                                        \
	{                                                                                  \
		exits_always(&(const struct always){ always_##name_, always_##name_##_end, \
						     reason_, 0 });                        \
	}

ALWAYS(cpuid, "cpuid", EXIT_CPUID)
ALWAYS(invd, "invd", EXIT_INVD)
ALWAYS(vmcall, "vmcall", EXIT_VMCALL)
ALWAYS(vmclear, "vmclear (%rdi)", EXIT_VMCLEAR)
ALWAYS(vmlaunch, "vmlaunch", EXIT_VMLAUNCH)
ALWAYS(vmptrld, "vmptrld (%rdi)", EXIT_VMPTRLD)
ALWAYS(vmptrst, "vmptrst (%rdi)", EXIT_VMPTRST)
ALWAYS(vmread, "vmread %rax, %rbx", EXIT_VMREAD)
ALWAYS(vmresume, "vmresume", EXIT_VMRESUME)
ALWAYS(vmwrite, "vmwrite %rax, %rbx", EXIT_VMWRITE)
ALWAYS(vmxoff, "vmxoff", EXIT_VMXOFF)
ALWAYS(vmxon, "vmxon (%rdi)", EXIT_VMXON)

L2_CODE(xsetbv_insn, "xsetbv");

VMX_TEST(vmx_exit, xsetbv_always_exits, 0)
{
	/* Expect: with CR4.OSXSAVE an exit, without it #UD. */
	if (!has_xsave())
		SKIP("no XSAVE in CPUID");
	exits_always(
		&(const struct always){ xsetbv_insn, xsetbv_insn_end, EXIT_XSETBV, CR4_OSXSAVE });
	EXPECT_EQ(l2_enter(l2_new(xsetbv_insn)), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_UD));
}

L2_CODE(invept_insn, "invept (%rdi), %rax");
L2_CODE(invvpid_insn, "invvpid (%rdi), %rax");

VMX_TEST(vmx_exit, invept_always_exits, 0)
{
	/* Expect: an exit where L1 may use INVEPT. */
	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_ENABLE_EPT);
	exits_always(&(const struct always){ invept_insn, invept_insn_end, EXIT_INVEPT, 0 });
}

VMX_TEST(vmx_exit, invvpid_always_exits, 0)
{
	/* Expect: an exit where L1 may use INVVPID. */
	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_ENABLE_VPID);
	exits_always(&(const struct always){ invvpid_insn, invvpid_insn_end, EXIT_INVVPID, 0 });
}

/* Instructions that a secondary control enables are undefined without it. */
static void is_undefined(const char *code, u32 cr4)
{
	struct l2 *l2 = l2_new(code);

	l2->regs[RDI] = vmx_page();
	vmx_change(VMCS_GUEST_CR4, cr4, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_UD));
	EXPECT_FIELD(GUEST_RIP, (u64)code);
}

VMX_TEST(vmx_exit, rdtscp_is_undefined_unless_enabled, 0)
{
	/* Expect: #UD, even with RDTSC exiting. */
	is_undefined(code_rdtscp, 0);
	l2_new(code_rdtscp);
	control_on(CONTROL_SET_CPU, CPU_RDTSC_EXITING);
	is_undefined(code_rdtscp, 0);
}

VMX_TEST(vmx_exit, invpcid_is_undefined_unless_enabled, 0)
{
	/* Expect: #UD. */
	is_undefined(code_invpcid, 0);
}

L2_CODE(xsaves_insn, "xor %edx, %edx; mov $1, %eax; xsaves (%rdi)");
L2_CODE(vmfunc_insn, "xor %eax, %eax; xor %ecx, %ecx; vmfunc");

VMX_TEST(vmx_exit, xsaves_is_undefined_unless_enabled, 0)
{
	/* Expect: #UD without the control, none with it. */
	struct l2 *l2;

	if (!has_xsave() || !(cpuid(CPUID_LEAF_XSTATE, 1).eax & CPUID_D1_EAX_XSAVES))
		SKIP("no XSAVES in CPUID");
	l2 = l2_new(xsaves_insn);
	l2->regs[RDI] = vmx_page();
	vmx_change(VMCS_GUEST_CR4, CR4_OSXSAVE, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_UD));
	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_ENABLE_XSAVES);
	control_on(CONTROL_SET_CPU2, CPU2_ENABLE_XSAVES);
	vmx_write(VMCS_XSS_EXIT_BITMAP, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)xsaves_insn_end);
}

VMX_TEST(vmx_exit, vmfunc_is_undefined_unless_enabled, 0)
{
	/* Expect: #UD. */
	struct l2 *l2 = l2_new(vmfunc_insn);

	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_UD));
}

VMX_TEST(vmx_exit, invlpg_tells_its_address, 0)
{
	/* Expect: the qualification is the linear address, even one that nothing is mapped at. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_INVLPG_EXITING);
	l2 = l2_new(code_invlpg);
	control_on(CONTROL_SET_CPU, CPU_INVLPG_EXITING);
	l2->regs[RDI] = 0xffff812345678abcULL;
	EXPECT_EQ(l2_enter(l2), EXIT_INVLPG);
	EXPECT_FIELD(EXIT_QUALIFICATION, 0xffff812345678abcULL);
}

L2_CODE(arm_then_mwait, "mov %rdi, %rax; xor %ecx, %ecx; xor %edx, %edx; monitor\n"
			"xor %eax, %eax; mwait");
L2_CODE(disarm_then_mwait, "mov %rdi, %rax; xor %ecx, %ecx; xor %edx, %edx; monitor\n"
			   "movb $1, (%rdi); xor %eax, %eax; mwait");

VMX_TEST(vmx_exit, mwait_tells_whether_it_is_armed, 0)
{
	/* Expect: qualification 1 right after MONITOR, 0 without. */
	struct l2 *l2;

	if (!has_monitor())
		SKIP("no such instruction");
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MWAIT_EXITING);
	l2 = l2_new(arm_then_mwait);
	l2->regs[RDI] = vmx_page();
	control_on(CONTROL_SET_CPU, CPU_MWAIT_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_MWAIT);
	EXPECT_FIELD(EXIT_QUALIFICATION, 1);
	l2 = l2_new(code_mwait);
	control_on(CONTROL_SET_CPU, CPU_MWAIT_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_MWAIT);
	EXPECT_FIELD(EXIT_QUALIFICATION, 0);
}

VMX_TEST(vmx_exit, mwait_falls_through_when_disarmed, 0)
{
	/* Expect: L2 writes what it monitors, and its MWAIT does not wait. */
	struct l2 *l2;

	if (!has_monitor())
		SKIP("no such instruction");
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_MWAIT_EXITING | CPU_MONITOR_EXITING);
	l2 = l2_new(disarm_then_mwait);
	l2->regs[RDI] = vmx_page();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)disarm_then_mwait_end);
}

L2_CODE(rdpmc_insn, "rdpmc");

static struct trap rdpmc_in_l1(void)
{
	return TRAP_OF(__asm__ volatile("rdpmc" ::"c"(0) : "rax", "rdx"));
}

VMX_TEST(vmx_exit, rdpmc_exits_when_asked, 0)
{
	/* Expect: an exit with the control; without it what L1's own RDPMC does. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_RDPMC_EXITING);
	l2 = l2_new(rdpmc_insn);
	control_on(CONTROL_SET_CPU, CPU_RDPMC_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_RDPMC);
	EXPECT_INSN(rdpmc_insn);
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_RDPMC_EXITING);
	control_off(CONTROL_SET_CPU, CPU_RDPMC_EXITING);
	if (rdpmc_in_l1().vector == TRAP_NONE) {
		EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	} else {
		EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
		EXPECT_FIELD(EXIT_INTR_INFO,
			     FAULT_INFO(rdpmc_in_l1().vector) | INTR_INFO_ERROR_CODE);
	}
}

L2_CODE(hlt_insn, "hlt");
L2_CODE(ltr_insn, "ltr %ax");

VMX_TEST(vmx_exit, hlt_exits_when_asked, 0)
{
	/* Expect: an exit; L2 is active. */
	struct l2 *l2 = l2_new(hlt_insn);

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_HLT_EXITING);
	control_on(CONTROL_SET_CPU, CPU_HLT_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_HLT);
	EXPECT_INSN(hlt_insn);
	EXPECT_FIELD(GUEST_ACTIVITY, ACTIVITY_ACTIVE);
}

VMX_TEST(vmx_exit, ltr_exits_when_asked, 0)
{
	/* Expect: an exit, before the descriptor is looked at; #GP of a busy one without. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_DESCRIPTOR_TABLE);
	l2 = l2_new(ltr_insn);
	l2->regs[RAX] = TSS_SELECTOR;
	control_on(CONTROL_SET_CPU2, CPU2_DESCRIPTOR_TABLE);
	EXPECT_EQ(l2_enter(l2), EXIT_LDTR_TR);
	EXPECT_INSN(ltr_insn);
	control_off(CONTROL_SET_CPU2, CPU2_DESCRIPTOR_TABLE);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_GP) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, TSS_SELECTOR);
}

VMX_TEST(vmx_exit, secondary_controls_need_their_activation, 0)
{
	/* Expect: with "activate secondary controls" 0, those that are set count as 0. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_DESCRIPTOR_TABLE | CPU2_WBINVD_EXITING);
	l2 = l2_new(code_sgdt);
	l2->regs[RDI] = vmx_page();
	control_on(CONTROL_SET_CPU2, CPU2_DESCRIPTOR_TABLE | CPU2_WBINVD_EXITING);
	control_off(CONTROL_SET_CPU, CPU_SECONDARY);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2_enter_at(l2, code_wbinvd), EXIT_VMCALL);
	control_on(CONTROL_SET_CPU, CPU_SECONDARY);
	EXPECT_EQ(l2_enter_at(l2, code_sgdt), EXIT_GDTR_IDTR);
}

VMX_TEST(vmx_exit, hypercalls_of_l2_are_l1s, 0)
{
	/* Expect: a VMCALL with a number that L0 has a call for exits to L1, registers
	 * untouched. */
	struct l2 *l2 = l2_new(code_pause_end);

	l2->regs[RAX] = NESTOR_CALL_CAPABILITIES;
	l2->regs[RBX] = 0xb;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], NESTOR_CALL_CAPABILITIES);
	EXPECT_EQ(l2->regs[RBX], 0xb);
}

/* --- PAUSE-loop exiting (SDM "Instructions That Cause VM Exits Conditionally": PAUSE) --- */
#define PLE_TURNS "20000"

L2_CODE(pause_loop, "mov $" PLE_TURNS ", %ecx; 1: pause; dec %ecx; jnz 1b");
/* A PAUSE now and then: no loop of them. */
L2_CODE(pauses_apart, "mov $20, %ecx\n"
		      "1: pause; mov $10000, %edx; 2: dec %edx; jnz 2b\n"
		      "dec %ecx; jnz 1b");

static struct l2 *l2_with_ple(const char *code, u32 gap, u32 window)
{
	struct l2 *l2 = l2_new(code);

	control_on(CONTROL_SET_CPU2, CPU2_PAUSE_LOOP_EXITING);
	vmx_write(VMCS_PLE_GAP, gap);
	vmx_write(VMCS_PLE_WINDOW, window);
	return l2;
}

VMX_TEST(vmx_exit, a_loop_of_pauses_exits_when_asked, 0)
{
	/* Expect: at a PAUSE, when the window is over; the next entry begins another one. */
	struct l2 *l2;
	u64 left = 20001;

	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_PAUSE_LOOP_EXITING);
	l2 = l2_with_ple(pause_loop, 1000, 4000);
	for (u32 i = 0; i < 2; i++) {
		EXPECT_EQ(l2_enter(l2), EXIT_PAUSE);
		EXPECT_EQ(*(const u16 *)vmx_read(VMCS_GUEST_RIP), 0x90f3);
		EXPECT_FIELD(EXIT_INSN_LEN, 2);
		EXPECT_FIELD(EXIT_QUALIFICATION, 0);
		EXPECT(l2->regs[RCX] > 0 && l2->regs[RCX] < left);
		left = l2->regs[RCX];
	}
	vmx_write(VMCS_PLE_WINDOW, ~0u);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

VMX_TEST(vmx_exit, a_loop_of_pauses_runs_when_not_asked, 0)
{
	/* Expect: gap and window mean nothing without the control. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_PAUSE_LOOP_EXITING);
	l2 = l2_with_ple(pause_loop, 1000, 4000);
	control_off(CONTROL_SET_CPU2, CPU2_PAUSE_LOOP_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

VMX_TEST(vmx_exit, pauses_far_apart_are_no_loop, 0)
{
	/* Expect: no exit where each is further behind the last one than the gap. */
	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_PAUSE_LOOP_EXITING);
	EXPECT_EQ(l2_enter(l2_with_ple(pauses_apart, 1000, 4000)), EXIT_VMCALL);
}

VMX_TEST(vmx_exit, pause_exiting_goes_before_pause_loop_exiting, 0)
{
	/* Expect: with both, the first PAUSE exits. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_PAUSE_LOOP_EXITING);
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_PAUSE_EXITING);
	l2 = l2_with_ple(pause_loop, 1000, 4000);
	control_on(CONTROL_SET_CPU, CPU_PAUSE_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_PAUSE);
	EXPECT_EQ(l2->regs[RCX], 20000);
}
