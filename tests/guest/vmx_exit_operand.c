/* SPDX-License-Identifier: MIT */
/* What exits tell of an instruction's operands: the instruction information (SDM "VM-Exit
 * Instruction-Information Field") and the displacement in the qualification. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_l2.h"
#include "vmx/access_rights.h"

/* The fields, and the masks of what has a meaning beside each kind of operand. */
#define SCALE(factor_log2) ((u32)(factor_log2))
#define REG1(gpr)          ((u32)(gpr) << 3)
#define SIZE_RAND(bits)    ((u32)(bits) / 32 << 11) /* RDRAND, RDSEED */
#define ADDRESS_32         (1u << 7)
#define ADDRESS_64         (2u << 7)
#define IS_REGISTER        (1u << 10)
#define SEGMENT(number)    ((u32)(number) << 15)
#define INDEX(gpr)         ((u32)(gpr) << 18)
#define NO_INDEX           (1u << 22)
#define BASE(gpr)          ((u32)(gpr) << 23)
#define NO_BASE            (1u << 27)
#define REG2(gpr)          ((u32)(gpr) << 28)
#define TABLE(which)       ((u32)(which) << 28) /* SGDT, SIDT, LGDT, LIDT; SLDT, STR, LLDT, LTR */

#define MASK_PLACE         (7u << 7 | 7u << 15 | NO_INDEX | NO_BASE)
#define MASK_BASE          (MASK_PLACE | 0xfu << 23)
#define MASK_INDEX         (MASK_BASE | 0xfu << 18 | 3u)
#define MASK_REG1          (0xfu << 3)
#define MASK_REG2          (0xfu << 28)
#define MASK_TABLE         (3u << 28)
#define MASK_RAND          (MASK_REG1 | 3u << 11)

#define RDI_PLACE          (ADDRESS_64 | SEGMENT(SEGMENT_DS) | NO_INDEX | BASE(RDI))

struct operand_case {
	const char *code, *end;
	u32 reason;
	u32 info, mask;
	u64 displacement;
};

L2_CODE(displaced, "vmptrld 0x77(%rdi)");

/* An L2 whose last exit left a displacement and instruction information. */
static struct l2 *begin(const struct operand_case *c)
{
	struct l2 *l2 = l2_new(displaced);

	EXPECT_EQ(l2_enter(l2), EXIT_VMPTRLD);
	EXPECT_FIELD(EXIT_QUALIFICATION, 0x77);
	vmx_write(VMCS_GUEST_RIP, (u64)c->code);
	return l2;
}

static void expect_exit(struct l2 *l2, const struct operand_case *c)
{
	EXPECT_EQ(l2_enter(l2), c->reason);
	EXPECT_EQ(vmx_read(VMCS_EXIT_INSN_INFO) & c->mask, c->info);
	EXPECT_FIELD(EXIT_INSN_LEN, c->end - c->code);
	if (machine_is_bochs() && (c->info & IS_REGISTER) && vmx_read(VMCS_EXIT_QUALIFICATION))
		SKIP("Bochs 2.7 tells some displacement where the operand is a register");
	EXPECT_FIELD(EXIT_QUALIFICATION, c->displacement);
}

static void expect_operand(const struct operand_case *c)
{
	expect_exit(begin(c), c);
}

/* Expect: this instruction information where the mask has ones, and this displacement. */
#define OPERAND(name_, text_, reason_, info_, mask_, displacement_)                          \
	L2_CODE(operand_##name_, text_);                                                     \
	VMX_TEST(vmx_exit, operand_of_##name_, 0)                                            \
	{                                                                                    \
		expect_operand(&(const struct operand_case){ operand_##name_,                \
							     operand_##name_##_end, reason_, \
							     info_, mask_, displacement_ }); \
	}

OPERAND(vmclear_by_a_base, "vmclear (%rdi)", EXIT_VMCLEAR, RDI_PLACE, MASK_BASE, 0)
OPERAND(vmptrld_by_base_and_index, "vmptrld 0x12345(%rbx,%r12,8)", EXIT_VMPTRLD,
	ADDRESS_64 | SEGMENT(SEGMENT_DS) | INDEX(R12) | SCALE(3) | BASE(RBX), MASK_INDEX, 0x12345)
OPERAND(vmptrst_on_the_stack, "vmptrst -8(%rsp)", EXIT_VMPTRST,
	ADDRESS_64 | SEGMENT(SEGMENT_SS) | NO_INDEX | BASE(RSP), MASK_BASE, -8ULL)
OPERAND(vmxon_at_an_address_in_fs, "vmxon %fs:0x1000", EXIT_VMXON,
	ADDRESS_64 | SEGMENT(SEGMENT_FS) | NO_INDEX | NO_BASE, MASK_PLACE, 0x1000)
OPERAND(vmclear_beside_the_code, "vmclear operand_vmclear_beside_the_code(%rip)", EXIT_VMCLEAR,
	ADDRESS_64 | SEGMENT(SEGMENT_DS) | NO_INDEX | NO_BASE, MASK_PLACE,
	(u64)operand_vmclear_beside_the_code)
OPERAND(vmptrld_with_32_bit_address, "vmptrld 4(%r9d)", EXIT_VMPTRLD,
	ADDRESS_32 | SEGMENT(SEGMENT_DS) | NO_INDEX | BASE(R9), MASK_BASE, 4)
OPERAND(vmptrld_by_an_index_alone, "vmptrld 0x40(,%rcx,2)", EXIT_VMPTRLD,
	ADDRESS_64 | SEGMENT(SEGMENT_DS) | INDEX(RCX) | SCALE(1) | NO_BASE,
	MASK_PLACE | 0xfu << 18 | 3u, 0x40)
OPERAND(vmread_to_a_register, "vmread %rax, %rbx", EXIT_VMREAD, IS_REGISTER | REG1(RBX) | REG2(RAX),
	IS_REGISTER | MASK_REG1 | MASK_REG2, 0)
OPERAND(vmread_to_memory, "vmread %r10, 0x7f(%rsi)", EXIT_VMREAD,
	ADDRESS_64 | SEGMENT(SEGMENT_DS) | NO_INDEX | BASE(RSI) | REG2(R10),
	IS_REGISTER | MASK_BASE | MASK_REG2, 0x7f)
OPERAND(vmwrite_from_a_register, "vmwrite %r8, %rdx", EXIT_VMWRITE,
	IS_REGISTER | REG1(R8) | REG2(RDX), IS_REGISTER | MASK_REG1 | MASK_REG2, 0)
OPERAND(vmwrite_from_memory, "vmwrite %gs:(%rdi), %r15", EXIT_VMWRITE,
	ADDRESS_64 | SEGMENT(SEGMENT_GS) | NO_INDEX | BASE(RDI) | REG2(R15),
	IS_REGISTER | MASK_BASE | MASK_REG2, 0)

/* The same with a control that makes the instruction exit. */
static void expect_operand_with(const struct operand_case *c, enum control_set set, u32 mask)
{
	struct l2 *l2 = begin(c);

	control_on(set, mask);
	expect_exit(l2, c);
}

#define OPERAND_WITH(name_, text_, set_, control_, reason_, ...)                               \
	L2_CODE(operand_##name_, text_);                                                       \
	VMX_TEST(vmx_exit, operand_of_##name_, 0)                                              \
	{                                                                                      \
		static const struct operand_case c = { operand_##name_, operand_##name_##_end, \
						       reason_, __VA_ARGS__ };                 \
                                                                                               \
		NEEDS_CONTROL(CONTROL_SET_##set_, control_);                                   \
		expect_operand_with(&c, CONTROL_SET_##set_, control_);                         \
	}

OPERAND_WITH(sgdt, "sgdt 0x20(%rdi)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_GDTR_IDTR,
	     RDI_PLACE | TABLE(0), MASK_BASE | MASK_TABLE, 0x20)
OPERAND_WITH(sidt, "sidt %gs:(%rdi,%rcx,2)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_GDTR_IDTR,
	     ADDRESS_64 | SEGMENT(SEGMENT_GS) | INDEX(RCX) | SCALE(1) | BASE(RDI) | TABLE(1),
	     MASK_INDEX | MASK_TABLE, 0)
OPERAND_WITH(lgdt, "lgdt (%rbp)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_GDTR_IDTR,
	     ADDRESS_64 | SEGMENT(SEGMENT_SS) | NO_INDEX | BASE(RBP) | TABLE(2),
	     MASK_BASE | MASK_TABLE, 0)
OPERAND_WITH(lidt, "lidt -1(%r14)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_GDTR_IDTR,
	     ADDRESS_64 | SEGMENT(SEGMENT_DS) | NO_INDEX | BASE(R14) | TABLE(3),
	     MASK_BASE | MASK_TABLE, -1ULL)
OPERAND_WITH(sldt_to_a_register, "sldt %r9", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_LDTR_TR,
	     IS_REGISTER | REG1(R9) | TABLE(0), IS_REGISTER | MASK_REG1 | MASK_TABLE, 0)
OPERAND_WITH(str_to_memory, "str 3(%rdi)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_LDTR_TR,
	     RDI_PLACE | TABLE(1), IS_REGISTER | MASK_BASE | MASK_TABLE, 3)
OPERAND_WITH(lldt_from_a_register, "lldt %r13w", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_LDTR_TR,
	     IS_REGISTER | REG1(R13) | TABLE(2), IS_REGISTER | MASK_REG1 | MASK_TABLE, 0)
OPERAND_WITH(ltr_from_memory, "ltr 5(%rdi)", CPU2, CPU2_DESCRIPTOR_TABLE, EXIT_LDTR_TR,
	     RDI_PLACE | TABLE(3), IS_REGISTER | MASK_BASE | MASK_TABLE, 5)
/* Instructions that exit where L1 has them. */
#define OPERAND_OF_OFFERED(name_, text_, control_, reason_, info_)              \
	L2_CODE(operand_##name_, text_);                                        \
	VMX_TEST(vmx_exit, operand_of_##name_, 0)                               \
	{                                                                       \
		NEEDS_CONTROL(CONTROL_SET_CPU2, control_);                      \
		expect_operand(&(const struct operand_case){                    \
			operand_##name_, operand_##name_##_end, reason_, info_, \
			MASK_BASE | MASK_REG2, 0x10 });                         \
	}

OPERAND_OF_OFFERED(invept, "invept 0x10(%rdi), %r14", CPU2_ENABLE_EPT, EXIT_INVEPT,
		   RDI_PLACE | REG2(R14))
OPERAND_OF_OFFERED(invvpid, "invvpid 0x10(%rdi), %rbx", CPU2_ENABLE_VPID, EXIT_INVVPID,
		   RDI_PLACE | REG2(RBX))

static void expect_random(const struct operand_case *c, u32 control)
{
	if (!(c->reason == EXIT_RDRAND ? cpuid(1, 0).ecx & BIT(30) : cpuid(7, 0).ebx & BIT(18)))
		SKIP("no such instruction");
	NEEDS_CONTROL(CONTROL_SET_CPU2, control);
	expect_operand_with(c, CONTROL_SET_CPU2, control);
}

#define RANDOM(name_, text_, insn_, gpr_, bits_)                        \
	L2_CODE(operand_##name_, text_);                                \
	VMX_TEST(vmx_exit, operand_of_##name_, 0)                       \
	{                                                               \
		static const struct operand_case c = {                  \
			operand_##name_, operand_##name_##_end,         \
			EXIT_##insn_,    REG1(gpr_) | SIZE_RAND(bits_), \
			MASK_RAND,       0                              \
		};                                                      \
                                                                        \
		expect_random(&c, CPU2_##insn_##_EXITING);              \
	}

RANDOM(rdrand_of_32_bits, "rdrand %r12d", RDRAND, R12, 32)
RANDOM(rdrand_of_64_bits, "rdrand %rax", RDRAND, RAX, 64)
RANDOM(rdseed_of_64_bits, "rdseed %rdi", RDSEED, RDI, 64)

L2_CODE(rdrand16_operand, "rdrand %bp");

VMX_TEST(vmx_exit, operand_of_rdrand_of_16_bits, 0)
{
	/* Expect: RBP, 16 bits. */
	struct l2 *l2;
	u32 info;

	if (!(cpuid(1, 0).ecx & BIT(30)))
		SKIP("no such instruction");
	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_RDRAND_EXITING);
	l2 = l2_new(rdrand16_operand);
	control_on(CONTROL_SET_CPU2, CPU2_RDRAND_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_RDRAND);
	info = (u32)vmx_read(VMCS_EXIT_INSN_INFO) & MASK_RAND;
	if (info == (REG1(RBP) | SIZE_RAND(32)))
		SKIP("Bochs 2.7 says 32 bits of 16-bit RDRAND");
	EXPECT_EQ(info, REG1(RBP) | SIZE_RAND(16));
}

L2_CODE(invpcid_operand, "invpcid 8(%rdi), %r11");

VMX_TEST(vmx_exit, operand_of_invpcid, 0)
{
	/* Expect: place and register of INVPCID, which two controls together make exit. */
	static const struct operand_case c = { invpcid_operand,       invpcid_operand_end,
					       EXIT_INVPCID,          RDI_PLACE | REG2(R11),
					       MASK_BASE | MASK_REG2, 8 };
	struct l2 *l2;

	if (!(cpuid(7, 0).ebx & CPUID_7_EBX_INVPCID))
		SKIP("no such instruction");
	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_ENABLE_INVPCID);
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_INVLPG_EXITING);
	l2 = l2_new(c.code);
	control_on(CONTROL_SET_CPU2, CPU2_ENABLE_INVPCID);
	control_on(CONTROL_SET_CPU, CPU_INVLPG_EXITING);
	EXPECT_EQ(l2_enter(l2), c.reason);
	EXPECT_EQ(vmx_read(VMCS_EXIT_INSN_INFO) & c.mask, c.info);
	EXPECT_FIELD(EXIT_QUALIFICATION, c.displacement);
}
