/* SPDX-License-Identifier: MIT */
/* VMX instructions run one at a time, and their outcomes told as text. */
#include "tests/guest/lib/vmx_insn.h"
#include "hv/format.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/vmx_caps.h"

#define FLAG_CF    (1u << 0)
#define FLAG_ZF    (1u << 6)
#define ARITHMETIC 0x8d5u /* CF, PF, AF, ZF, SF, OF; known to vmx_insn.asm */
#define TEXT_MAX   48

/* vmx_insn.asm */
u64 vmx_insn_run(const char *code, u64 pointer, u64 reg, u64 *value);
void vmx_insn_run_compat(const char *code, u64 pointer, u64 reg);
u64 vmx_insn_enter(enum vmx_entry how);

const struct vmx_insn_info vmx_insn_table[VMX_INSNS] = {
	[INSN_VMXON] = { "VMXON", EXIT_VMXON, true, false },
	[INSN_VMXOFF] = { "VMXOFF", EXIT_VMXOFF, false, false },
	[INSN_VMCLEAR] = { "VMCLEAR", EXIT_VMCLEAR, true, false },
	[INSN_VMPTRLD] = { "VMPTRLD", EXIT_VMPTRLD, true, false },
	[INSN_VMPTRST] = { "VMPTRST", EXIT_VMPTRST, true, true },
	[INSN_VMREAD] = { "VMREAD to a register", EXIT_VMREAD, false, false },
	[INSN_VMREAD_MEM] = { "VMREAD to memory", EXIT_VMREAD, true, true },
	[INSN_VMWRITE] = { "VMWRITE from a register", EXIT_VMWRITE, false, false },
	[INSN_VMWRITE_MEM] = { "VMWRITE from memory", EXIT_VMWRITE, true, false },
	[INSN_VMLAUNCH] = { "VMLAUNCH", EXIT_VMLAUNCH, false, false },
	[INSN_VMRESUME] = { "VMRESUME", EXIT_VMRESUME, false, false },
	[INSN_INVEPT] = { "INVEPT", EXIT_INVEPT, true, false },
	[INSN_INVVPID] = { "INVVPID", EXIT_INVVPID, true, false },
	[INSN_VMCALL] = { "VMCALL", EXIT_VMCALL, false, false },
};

bool vmx_has_insn(enum vmx_insn insn)
{
	if (insn == INSN_INVEPT)
		return vmx_has_ept_caps(EPT_CAP_MASK(INVEPT));
	return insn != INSN_INVVPID || vmx_has_ept_caps(EPT_CAP_MASK(INVVPID));
}

/* SDM "Conventions": what each outcome does to the flags. */
static u32 outcome_of_flags(u64 flags)
{
	u64 number = 0;

	switch (flags & ARITHMETIC) {
	case 0:
		return VMSUCCEED;
	case FLAG_CF:
		return VMFAIL_INVALID;
	case FLAG_ZF:
		__asm__ volatile("vmread %1, %0" : "+r"(number) : "r"((u64)VMCS_INSN_ERROR) : "cc");
		return VMFAIL(number);
	default:
		return WRONG_FLAGS(flags & ARITHMETIC);
	}
}

static u32 outcome_of_trap(const struct trap *trap, const char *code)
{
	if (trap->rip != (u64)code)
		return FAULT_ELSEWHERE;
	if ((trap->rflags & ARITHMETIC) != ARITHMETIC)
		return WRONG_FLAGS(trap->rflags & ARITHMETIC);
	return FAULT(trap->vector, trap->error);
}

static u32 try_code(const char *code, u64 pointer, u64 reg, u64 *value)
{
	volatile u64 flags = 0;
	struct trap trap = TRAP_OF(flags = vmx_insn_run(code, pointer, reg, value));

	return trap.vector == TRAP_NONE ? outcome_of_flags(flags) : outcome_of_trap(&trap, code);
}

u32 vmx_try(enum vmx_insn insn, u64 pointer, u64 reg, u64 *value)
{
	return try_code(vmx_insn_code[FORM_64][insn], pointer, reg, value);
}

u32 vmx_try_form(enum vmx_insn insn, enum vmx_insn_form form, u64 pointer, u64 reg)
{
	const char *code = vmx_insn_code[form][insn];
	struct trap trap;
	u64 value = 0;

	if (form != FORM_COMPAT)
		return try_code(code, pointer, reg, &value);
	trap = TRAP_OF(vmx_insn_run_compat(code, pointer, reg));
	return trap.vector == TRAP_NONE ? VMSUCCEED : outcome_of_trap(&trap, code);
}

u32 vmx_try_in_ring3(enum vmx_insn insn)
{
	const char *code = vmx_insn_code[FORM_64][insn];
	struct trap trap = trap_of_user(code);

	return trap.rip == (u64)code ? FAULT(trap.vector, trap.error) : FAULT_ELSEWHERE;
}

static u32 try_pointed(enum vmx_insn insn, u64 operand)
{
	u64 value = 0;

	return vmx_try(insn, (u64)&operand, 0, &value);
}

u32 vmx_try_vmxon(u64 region)
{
	return try_pointed(INSN_VMXON, region);
}

u32 vmx_try_vmxoff(void)
{
	return try_pointed(INSN_VMXOFF, 0);
}

u32 vmx_try_vmclear(u64 region)
{
	return try_pointed(INSN_VMCLEAR, region);
}

u32 vmx_try_vmptrld(u64 region)
{
	return try_pointed(INSN_VMPTRLD, region);
}

u32 vmx_try_vmptrst(u64 *region)
{
	u64 value = 0;

	return vmx_try(INSN_VMPTRST, (u64)region, 0, &value);
}

u32 vmx_try_vmread(u64 encoding, u64 *value)
{
	return vmx_try(INSN_VMREAD, 0, encoding, value);
}

u32 vmx_try_vmwrite(u64 encoding, u64 value)
{
	return vmx_try(INSN_VMWRITE, 0, encoding, &value);
}

u32 vmx_try_invept(u64 type, u64 eptp, u64 reserved)
{
	const u64 descriptor[2] = { eptp, reserved };
	u64 value = 0;

	return vmx_try(INSN_INVEPT, (u64)descriptor, type, &value);
}

u32 vmx_try_invvpid(u64 type, u64 vpid, u64 address)
{
	const u64 descriptor[2] = { vpid, address };
	u64 value = 0;

	return vmx_try(INSN_INVVPID, (u64)descriptor, type, &value);
}

u32 vmx_try_enter(enum vmx_entry how)
{
	u64 flags = vmx_insn_enter(how);

	/* An exit gives both tables the largest limit. */
	__asm__ volatile("lgdt %0; lidt %1" ::"m"(descriptor_gdt_pointer),
			 "m"(descriptor_idt_pointer));
	return outcome_of_flags(flags);
}

u64 vmx_current(void)
{
	u64 pointer = 0;

	EXPECT_OUTCOME(vmx_try_vmptrst(&pointer), VMSUCCEED);
	return pointer;
}

static void describe(char text[TEXT_MAX], u32 outcome)
{
	u32 value = outcome & 0x0fffffff;

	switch (outcome & 0xf0000000) {
	case VMSUCCEED:
		format_text(text, TEXT_MAX, "VMsucceed");
		break;
	case VMFAIL_INVALID:
		format_text(text, TEXT_MAX, "VMfailInvalid");
		break;
	case VMFAIL(0):
		format_text(text, TEXT_MAX, "VMfailValid(%u)", value);
		break;
	case FAULT(0, 0):
		format_text(text, TEXT_MAX, "fault(%u, error 0x%x)", value >> 16, value & 0xffff);
		break;
	case WRONG_FLAGS(0):
		format_text(text, TEXT_MAX, "wrong flags 0x%x", value);
		break;
	default:
		format_text(text, TEXT_MAX, "a fault elsewhere");
		break;
	}
}

void vmx_expect_outcome(const char *file, int line, const char *what, const u32 got_want[2])
{
	char got[TEXT_MAX], want[TEXT_MAX];

	if (got_want[0] == got_want[1])
		return;
	describe(got, got_want[0]);
	describe(want, got_want[1]);
	test_fail(file, line, "%s: expected %s got %s", what, want, got);
}

void vmx_run_test(void (*body)(void), bool in_root)
{
	const char *why = vmx_lacks();
	struct trap trap;

	if (why)
		SKIP(why);
	if (in_root)
		vmx_on();
	trap = TRAP_OF(body());
	if (in_root)
		vmx_off();
	if (trap.vector != TRAP_NONE)
		test_fail(__FILE__, __LINE__, "expected no trap got %llu error 0x%llx at 0x%llx",
			  (unsigned long long)trap.vector, (unsigned long long)trap.error,
			  (unsigned long long)trap.rip);
}
