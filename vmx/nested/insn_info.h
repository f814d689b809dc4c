/* SPDX-License-Identifier: MIT */
/*
 * VM-exit instruction information of the instructions with one memory operand, or with a register
 * in its place (SDM "VM-Exit Instruction-Information Field"): VMCLEAR, VMPTRLD, VMPTRST, VMXON,
 * XRSTORS, XSAVES; VMREAD, VMWRITE; INVEPT, INVPCID, INVVPID. Where their operand is, and whether
 * segmentation lets them at it. Pure.
 */
#ifndef VMX_NESTED_INSN_INFO_H
#define VMX_NESTED_INSN_INFO_H

#include "hv/vectors.h"
#include "vmx/access_rights.h"
#include "vmx/vcpu.h"

#define INSN_INFO_REGISTER (1u << 10) /* 0 where the format has memory only */
#define INSN_INFO_NO_INDEX (1u << 22)
#define INSN_INFO_NO_BASE  (1u << 27)

struct insn_operand {
	bool in_memory;
	enum gpr reg;   /* the operand of VMREAD or VMWRITE that is not in memory */
	enum gpr other; /* their other operand; INVEPT's, INVPCID's, INVVPID's type */
	/* Of an operand in memory. */
	enum segment segment;
	u32 address_bits; /* 16, 32 or 64 */
	bool has_base, has_index;
	enum gpr base, index;
	u32 scale; /* log2 of the index's factor */
};

struct insn_operand insn_info_decode(u32 info);

/* The registers alone: of VMREAD and VMWRITE without a memory operand. */
static inline enum gpr insn_info_reg(u32 info)
{
	return (enum gpr)(info >> 3 & 0xf);
}

static inline u32 insn_info_segment(u32 info)
{
	return info >> 15 & 7;
}

static inline bool insn_info_is_64bit_address(u32 info)
{
	return (info >> 7 & 7) == 2;
}

static inline enum gpr insn_info_index(u32 info)
{
	return (enum gpr)(info >> 18 & 0xf);
}

static inline enum gpr insn_info_base(u32 info)
{
	return (enum gpr)(info >> 23 & 0xf);
}

static inline enum gpr insn_info_other(u32 info)
{
	return (enum gpr)(info >> 28 & 0xf);
}

/* What the address depends on besides. */
struct insn_place {
	const u64 *regs;  /* by enum gpr, RSP too */
	u64 displacement; /* the exit qualification */
	bool long_code;   /* 64-bit code: no limit, no rights, and a base only of FS and GS */
	/* Of operand.segment. */
	u64 base;
	u32 limit;
	u32 rights;
	u32 bytes; /* of the operand, at least 1 */
	bool is_write;
};

/* The linear address. VECTOR_NONE, or what the access raises before it is translated: #GP or #SS
 * with error code 0. */
enum vector insn_operand_locate(const struct insn_operand *operand, const struct insn_place *place,
				u64 *linear);

/* A register as an operand of the instructions above or of MOV to a control register: 64 bits in
 * 64-bit code, else 32. */
static inline u64 insn_register(const u64 *regs, u32 gpr, bool long_code)
{
	return long_code ? regs[gpr] : (u32)regs[gpr];
}

#endif
