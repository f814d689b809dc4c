/* SPDX-License-Identifier: MIT */
/*
 * The decoder of the instructions that reach devices through memory: MOV, MOVZX, MOVSX, MOVSXD,
 * XCHG, OR, AND, TEST and CMP with a memory operand of 1 to 8 bytes. Pure; it looks at no more than
 * the bytes it is given, and whatever else they hold is "not supported", never a guess.
 */
#ifndef VMX_MMIO_DECODE_H
#define VMX_MMIO_DECODE_H

#include "hv/types.h"

#define INSN_BYTES_MAX 15 /* of an instruction (SDM "Instruction Format") */

enum mmio_code { MMIO_CODE_16, MMIO_CODE_32, MMIO_CODE_64 };

enum mmio_result {
	MMIO_DECODED,
	MMIO_TRUNCATED, /* the instruction goes on behind the given bytes */
	MMIO_UNSUPPORTED,
};

enum mmio_operation {
	MMIO_NONE,
	MMIO_MOV,
	MMIO_XCHG,
	MMIO_OR,
	MMIO_AND,
	MMIO_TEST,
	MMIO_CMP,
};

/* Numbered as instructions number them. */
enum mmio_segment { MMIO_ES, MMIO_CS, MMIO_SS, MMIO_DS, MMIO_FS, MMIO_GS };

/* Base and index registers are numbers of general registers, or one of these. */
#define MMIO_REG_NONE 0xffu
#define MMIO_REG_RIP  0xfeu

/* base + index * scale + disp, cut to address_bytes, in a segment. */
struct mmio_address {
	u8 address_bytes; /* 2, 4, 8 */
	u8 base;
	u8 index;
	u8 scale;
	u8 segment; /* enum mmio_segment */
	u64 disp;
};

struct mmio_insn {
	u8 length;
	u8 code;        /* enum mmio_code */
	u8 operation;   /* enum mmio_operation */
	u8 bytes;       /* of the memory operand: 1, 2, 4, 8 */
	u8 reg;         /* the register operand: a general register, by number */
	u8 reg_bytes;   /* its size: greater than bytes where MOVZX, MOVSX or MOVSXD extend */
	bool reg_high;  /* it is AH, CH, DH or BH; reg says of which register */
	bool immediate; /* value stands in the place of a register operand */
	bool sign_extend;
	bool memory_first; /* memory is the destination, or the first operand of TEST and CMP */
	u64 value;         /* sign-extended */
	struct mmio_address address;
};

/* count: how many bytes there are, of which at most INSN_BYTES_MAX are looked at. */
enum mmio_result mmio_decode(struct mmio_insn *insn, enum mmio_code code, const u8 *bytes,
			     u32 count);

#endif
