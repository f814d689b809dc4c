/* SPDX-License-Identifier: MIT */
/* Capstone's view of an instruction, compared with ours field by field. */
#include "insn_oracle.h"
#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASK(bytes) (~0ULL >> (64 - 8 * (bytes)))

static cs_insn *disassemble(enum mmio_code code, const u8 *bytes, u32 count)
{
	static const cs_mode modes[] = { CS_MODE_16, CS_MODE_32, CS_MODE_64 };
	static csh handles[3];
	static cs_insn *insns[3];
	const uint8_t *at = bytes;
	uint64_t address = 0;
	size_t left = count;

	if (!handles[code]) {
		if (cs_open(CS_ARCH_X86, modes[code], &handles[code]) ||
		    cs_option(handles[code], CS_OPT_DETAIL, CS_OPT_ON))
			abort();
		insns[code] = cs_malloc(handles[code]);
	}
	return cs_disasm_iter(handles[code], &at, &left, &address, insns[code]) ? insns[code]
										: NULL;
}

const char *oracle_text(enum mmio_code code, const u8 *bytes, u32 count)
{
	static char text[sizeof(((cs_insn *)NULL)->mnemonic) + sizeof(((cs_insn *)NULL)->op_str)];
	const cs_insn *insn = disassemble(code, bytes, count);

	if (!insn)
		return "";
	snprintf(text, sizeof(text), "%s %s", insn->mnemonic, insn->op_str);
	return text;
}

static enum mmio_operation operation_of(const cs_insn *insn)
{
	switch (insn->id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
	case X86_INS_MOVZX:
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD:
		return MMIO_MOV;
	case X86_INS_XCHG:
		return MMIO_XCHG;
	case X86_INS_OR:
		return MMIO_OR;
	case X86_INS_AND:
		return MMIO_AND;
	case X86_INS_TEST:
		return MMIO_TEST;
	case X86_INS_CMP:
		return MMIO_CMP;
	default:
		return MMIO_NONE;
	}
}

/* General registers by number; AH to BH behind them. */
static const struct {
	x86_reg names[4]; /* of 8, 4, 2, 1 bytes */
} registers[] = {
#define LEGACY(a, low)                                               \
	{                                                            \
		{                                                    \
			X86_REG_R##a, X86_REG_E##a, X86_REG_##a, low \
		}                                                    \
	}
#define NEW(n)                                                                          \
	{                                                                               \
		{                                                                       \
			X86_REG_R##n, X86_REG_R##n##D, X86_REG_R##n##W, X86_REG_R##n##B \
		}                                                                       \
	}
	LEGACY(AX, X86_REG_AL),
	LEGACY(CX, X86_REG_CL),
	LEGACY(DX, X86_REG_DL),
	LEGACY(BX, X86_REG_BL),
	LEGACY(SP, X86_REG_SPL),
	LEGACY(BP, X86_REG_BPL),
	LEGACY(SI, X86_REG_SIL),
	LEGACY(DI, X86_REG_DIL),
	NEW(8),
	NEW(9),
	NEW(10),
	NEW(11),
	NEW(12),
	NEW(13),
	NEW(14),
	NEW(15),
#undef LEGACY
#undef NEW
};

static const x86_reg high_registers[] = { X86_REG_AH, X86_REG_CH, X86_REG_DH, X86_REG_BH };

static x86_reg register_name(u32 number, u32 bytes)
{
	static const u8 columns[9] = { [8] = 0, [4] = 1, [2] = 2, [1] = 3 };

	if (number == MMIO_REG_NONE)
		return X86_REG_INVALID;
	if (number == MMIO_REG_RIP)
		return bytes == 8 ? X86_REG_RIP : X86_REG_EIP;
	return registers[number].names[columns[bytes]];
}

static x86_reg operand_register(const struct mmio_insn *insn)
{
	return insn->reg_high ? high_registers[insn->reg]
			      : register_name(insn->reg, insn->reg_bytes);
}

/* MOV to and from segment registers: 8Ch and 8Eh. */
static bool is_mov_segment(const cs_x86 *x86)
{
	return (x86->opcode[0] | 2) == 0x8e;
}

/* LOCK with a register as destination is #UD, which Capstone does not know. */
static bool is_locked_register(const cs_x86 *x86)
{
	return x86->prefix[0] == X86_PREFIX_LOCK && x86->operands[0].type == X86_OP_REG;
}

static const cs_x86_op *memory_operand(const cs_x86 *x86)
{
	for (u8 i = 0; i < x86->op_count; i++)
		if (x86->operands[i].type == X86_OP_MEM)
			return &x86->operands[i];
	return NULL;
}

static bool segment_differs(const struct mmio_insn *insn, x86_reg segment)
{
	static const x86_reg names[] = { X86_REG_ES, X86_REG_CS, X86_REG_SS,
					 X86_REG_DS, X86_REG_FS, X86_REG_GS };
	bool named = segment == X86_REG_FS || segment == X86_REG_GS;

	if (insn->code == MMIO_CODE_64 && !named) /* it lets a prefix without effect hide another */
		return segment == X86_REG_INVALID && insn->address.segment >= MMIO_FS;
	if (segment == X86_REG_INVALID) /* not overridden */
		return insn->address.segment != MMIO_DS && insn->address.segment != MMIO_SS;
	return segment != names[insn->address.segment];
}

static const char *address_objection(const struct mmio_insn *insn, const x86_op_mem *mem)
{
	const struct mmio_address *a = &insn->address;
	x86_reg index = mem->index;

	if (index == X86_REG_EIZ || index == X86_REG_RIZ)
		index = X86_REG_INVALID;
	if (mem->base != register_name(a->base, a->address_bytes))
		return "base";
	if (index != register_name(a->index, a->address_bytes))
		return "index";
	if (index != X86_REG_INVALID && mem->scale != a->scale)
		return "scale";
	if (((u64)mem->disp ^ a->disp) & MASK(a->address_bytes))
		return "displacement";
	return segment_differs(insn, mem->segment) ? "segment" : NULL;
}

static const char *other_objection(const struct mmio_insn *insn, const cs_x86_op *other)
{
	if (insn->immediate) {
		if (other->type != X86_OP_IMM ||
		    ((u64)other->imm ^ insn->value) & MASK(insn->bytes))
			return "immediate";
		return NULL;
	}
	return other->type != X86_OP_REG || other->reg != operand_register(insn) ? "register"
										 : NULL;
}

/* Behind 66h with F2h or F3h, Capstone 4 looks for instructions of which these are a part, and is
 * right about little. */
static bool has_mandatory_prefixes(const u8 *bytes, u32 length)
{
	return memchr(bytes, X86_PREFIX_OPSIZE, length) &&
	       (memchr(bytes, X86_PREFIX_REP, length) || memchr(bytes, X86_PREFIX_REPNE, length));
}

/* It takes each MOVSXD for the one with REX.W. */
static bool has_doubtful_size(const cs_insn *cs, const struct mmio_insn *insn)
{
	return (cs->id == X86_INS_MOVSXD && insn->reg_bytes != 8) ||
	       has_mandatory_prefixes(cs->bytes, insn->length);
}

const char *oracle_objection(const struct mmio_insn *insn, enum mmio_code code, const u8 *bytes,
			     u32 count)
{
	const cs_insn *cs = disassemble(code, bytes, count);
	const cs_x86_op *memory;
	const cs_x86 *x86;
	const char *objection;
	bool symmetric = insn->operation == MMIO_XCHG || insn->operation == MMIO_TEST;
	bool extends;

	if (!cs)
		return has_mandatory_prefixes(bytes, insn->length) ? NULL : "no instruction";
	x86 = &cs->detail->x86;
	memory = memory_operand(x86);
	extends = cs->id == X86_INS_MOVSX || cs->id == X86_INS_MOVSXD;
	if (cs->size != insn->length)
		return "length";
	if (operation_of(cs) != (enum mmio_operation)insn->operation ||
	    extends != insn->sign_extend)
		return "operation";
	if (!memory || x86->op_count != 2)
		return "operands";
	if (has_doubtful_size(cs, insn))
		return address_objection(insn, &memory->mem);
	if (memory->size != insn->bytes)
		return "size";
	if (!symmetric && (memory == &x86->operands[0]) != insn->memory_first)
		return "order";
	objection = address_objection(insn, &memory->mem);
	return objection ? objection
			 : other_objection(insn, &x86->operands[memory == &x86->operands[0]]);
}

bool oracle_expects(enum mmio_code code, const u8 *bytes, u32 count)
{
	const cs_insn *cs = disassemble(code, bytes, count);

	return cs && operation_of(cs) != MMIO_NONE && memory_operand(&cs->detail->x86) &&
	       !is_mov_segment(&cs->detail->x86) && !is_locked_register(&cs->detail->x86);
}
