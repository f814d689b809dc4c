/* SPDX-License-Identifier: MIT */
/*
 * Prefixes, opcode, ModRM, SIB, displacement, immediate, in this order, from a cursor that yields
 * zeros behind its end and remembers that it did: one look at the end of the walk is enough.
 */
#include "vmx/mmio_decode.h"

/* What the opcode tables say of an operand. */
#define BYTE         (1u << 0) /* 8 bits; otherwise the operand size of mode and prefixes */
#define MEMORY_FIRST (1u << 1)
#define OFFSET       (1u << 2) /* no ModRM: the accumulator and an absolute address */
#define IMM8         (1u << 3)
#define IMM          (1u << 4) /* of the operand size, 32 bits at most */
#define FROM_8       (1u << 5) /* memory is narrower than the register */
#define FROM_16      (1u << 6)
#define FROM_32      (1u << 7)
#define SIGN         (1u << 8)
#define ONLY_64      (1u << 9)  /* another instruction outside 64-bit code */
#define NOT_64       (1u << 10) /* invalid in 64-bit code */

/* Opcodes whose operation stands in the ModRM byte: enum mmio_operation goes on. */
enum { GROUP_FIRST = MMIO_CMP + 1, GROUP_ALU = GROUP_FIRST, GROUP_MOV, GROUP_TEST };

static const u8 groups[][8] = {
	[GROUP_ALU - GROUP_FIRST] = { [1] = MMIO_OR, [4] = MMIO_AND, [7] = MMIO_CMP },
	[GROUP_MOV - GROUP_FIRST] = { [0] = MMIO_MOV },
	[GROUP_TEST - GROUP_FIRST] = { [0] = MMIO_TEST, [1] = MMIO_TEST },
};

struct opcode {
	u8 operation; /* MMIO_NONE: not supported */
	u16 flags;
};

/* Two-byte opcodes stand in the second half. */
#define OPCODE_INDEX(number) (((number)&0xffu) | ((number) > 0xffu ? 0x100u : 0))

static const struct opcode opcodes[0x200] = {
#define OPCODE(number, operation, flags) [OPCODE_INDEX(number)] = { operation, flags },
#include "vmx/mmio_opcodes.def"
#undef OPCODE
};

#define REX_B 1u
#define REX_X 2u
#define REX_R 4u
#define REX_W 8u

struct cursor {
	const u8 *bytes;
	u32 count;
	u32 at;
	bool overrun;
};

struct prefixes {
	u8 rex;     /* 0: none; it has its fixed bits otherwise */
	u8 segment; /* enum mmio_segment, or MMIO_REG_NONE */
	bool operand_size, address_size, lock;
};

static u8 take_byte(struct cursor *c)
{
	if (c->at >= c->count) {
		c->overrun = true;
		return 0;
	}
	return c->bytes[c->at++];
}

/* A little-endian number of 0, 1, 2, 4 or 8 bytes, sign-extended. */
static u64 take_signed(struct cursor *c, u32 bytes)
{
	u64 value = 0;

	for (u32 i = 0; i < bytes; i++)
		value |= (u64)take_byte(c) << (8 * i);
	if (bytes == 0 || bytes == 8 || !(value >> (8 * bytes - 1)))
		return value;
	return value | ~0ULL << (8 * bytes);
}

/* Whether a byte is a legacy prefix; what it says goes into p. */
static bool note_prefix(struct prefixes *p, enum mmio_code code, u8 byte)
{
	switch (byte) {
	case 0x26: /* ES CS SS DS: no effect in 64-bit code */
	case 0x2e:
	case 0x36:
	case 0x3e:
		if (code != MMIO_CODE_64)
			p->segment = byte >> 3 & 3;
		return true;
	case 0x64:
	case 0x65:
		p->segment = byte & 7;
		return true;
	case 0x66:
		p->operand_size = true;
		return true;
	case 0x67:
		p->address_size = true;
		return true;
	case 0xf0:
		p->lock = true;
		return true;
	case 0xf2: /* no effect on these instructions but as hints (SDM "XACQUIRE/XRELEASE") */
	case 0xf3:
		return true;
	default:
		return false;
	}
}

/* The first byte behind the prefixes. A REX prefix counts only where it stands last. */
static u8 take_prefixes(struct cursor *c, enum mmio_code code, struct prefixes *p)
{
	for (;;) {
		u8 byte = take_byte(c);

		if (note_prefix(p, code, byte))
			p->rex = 0;
		else if (code == MMIO_CODE_64 && byte >> 4 == 4)
			p->rex = byte;
		else
			return byte;
	}
}

static u8 operand_bytes(const struct prefixes *p, enum mmio_code code)
{
	if (p->rex & REX_W)
		return 8;
	return p->operand_size == (code == MMIO_CODE_16) ? 4 : 2;
}

static u8 address_bytes(const struct prefixes *p, enum mmio_code code)
{
	static const u8 sizes[][2] = { { 2, 4 }, { 4, 2 }, { 8, 4 } };

	return sizes[code][p->address_size];
}

/* SDM "16-Bit Addressing Forms with the ModR/M Byte". */
static void take_address_16(struct cursor *c, struct mmio_address *a, u8 modrm)
{
	enum { BX = 3, BP = 5, SI = 6, DI = 7 };
	static const u8 forms[8][2] = {
		{ BX, SI },
		{ BX, DI },
		{ BP, SI },
		{ BP, DI },
		{ SI, MMIO_REG_NONE },
		{ DI, MMIO_REG_NONE },
		{ BP, MMIO_REG_NONE },
		{ BX, MMIO_REG_NONE },
	};
	u32 mod = modrm >> 6, rm = modrm & 7;
	bool absolute = mod == 0 && rm == 6;

	if (!absolute) {
		a->base = forms[rm][0];
		a->index = forms[rm][1];
	}
	a->segment = a->base == BP ? MMIO_SS : MMIO_DS;
	a->disp = take_signed(c, absolute ? 2 : mod);
}

/* SDM "32-Bit Addressing Forms with the ModR/M Byte", and with the SIB byte. */
static void take_address(struct cursor *c, struct mmio_address *a, u8 modrm,
			 const struct prefixes *p)
{
	enum { SP = 4, BP = 5 };
	static const u8 disp_bytes[4] = { 0, 1, 4, 0 };
	u32 mod = modrm >> 6, rm = modrm & 7;
	bool sib_form = rm == SP;

	if (sib_form) {
		u8 sib = take_byte(c);
		u8 index = (u8)((sib >> 3 & 7) | (p->rex & REX_X ? 8 : 0));

		rm = sib & 7;
		a->scale = (u8)(1u << (sib >> 6));
		if (index != SP)
			a->index = index;
	}
	if (rm == BP && mod == 0) {
		if (!sib_form)
			a->base = MMIO_REG_RIP; /* outside 64-bit code: none, see the caller */
		a->disp = take_signed(c, 4);
		return;
	}
	a->base = (u8)(rm | (p->rex & REX_B ? 8 : 0));
	if (a->base == SP || a->base == BP)
		a->segment = MMIO_SS;
	a->disp = take_signed(c, disp_bytes[mod]);
}

/* The register operand. Without REX, byte registers 4 to 7 are AH, CH, DH and BH. */
static void set_register(struct mmio_insn *insn, u8 modrm, const struct prefixes *p)
{
	u8 number = (u8)((modrm >> 3 & 7) | (p->rex & REX_R ? 8 : 0));

	insn->reg_high = insn->reg_bytes == 1 && !p->rex && number >= 4;
	insn->reg = insn->reg_high ? number - 4 : number;
}

static void set_sizes(struct mmio_insn *insn, u32 flags, u8 operand)
{
	insn->bytes = insn->reg_bytes = flags & BYTE ? 1 : operand;
	if (flags & FROM_8)
		insn->bytes = 1;
	if (flags & FROM_16)
		insn->bytes = 2;
	if (flags & FROM_32)
		insn->bytes = MIN(operand, 4);
}

/* ModRM and what follows from it; false where it names no memory or no known operation. */
static bool take_operands(struct cursor *c, struct mmio_insn *insn, const struct prefixes *p)
{
	struct mmio_address *a = &insn->address;
	u8 modrm = take_byte(c);

	if (modrm >> 6 == 3)
		return false;
	if (!insn->immediate)
		set_register(insn, modrm, p);
	if (insn->operation >= GROUP_FIRST)
		insn->operation = groups[insn->operation - GROUP_FIRST][modrm >> 3 & 7];
	if (a->address_bytes == 2)
		take_address_16(c, a, modrm);
	else
		take_address(c, a, modrm, p);
	if (a->base == MMIO_REG_RIP && insn->code != MMIO_CODE_64)
		a->base = MMIO_REG_NONE;
	return insn->operation != MMIO_NONE;
}

/* LOCK is legal where memory is read, changed and written. */
static bool may_lock(const struct mmio_insn *insn)
{
	return insn->memory_first && (insn->operation == MMIO_XCHG || insn->operation == MMIO_OR ||
				      insn->operation == MMIO_AND);
}

static bool decode(struct cursor *c, struct mmio_insn *insn, enum mmio_code code)
{
	struct prefixes p = { .segment = MMIO_REG_NONE };
	u8 byte = take_prefixes(c, code, &p);
	struct opcode opcode = byte == 0x0f ? opcodes[0x100 + take_byte(c)] : opcodes[byte];

	*insn = (struct mmio_insn){
		.code = (u8)code,
		.operation = opcode.operation,
		.immediate = opcode.flags & (IMM8 | IMM),
		.sign_extend = opcode.flags & SIGN,
		.memory_first = opcode.flags & MEMORY_FIRST,
		.address = { address_bytes(&p, code), MMIO_REG_NONE, MMIO_REG_NONE, 1, MMIO_DS, 0 },
	};
	if (opcode.operation == MMIO_NONE ||
	    opcode.flags & (code == MMIO_CODE_64 ? NOT_64 : ONLY_64))
		return false;
	set_sizes(insn, opcode.flags, operand_bytes(&p, code));
	if (opcode.flags & OFFSET)
		insn->address.disp = take_signed(c, insn->address.address_bytes);
	else if (!take_operands(c, insn, &p))
		return false;
	if (p.segment != MMIO_REG_NONE)
		insn->address.segment = p.segment;
	if (insn->immediate)
		insn->value = take_signed(c, opcode.flags & IMM8 ? 1 : MIN(insn->bytes, 4));
	insn->length = (u8)c->at;
	return !p.lock || may_lock(insn);
}

enum mmio_result mmio_decode(struct mmio_insn *insn, enum mmio_code code, const u8 *bytes,
			     u32 count)
{
	struct cursor c = { .bytes = bytes, .count = MIN(count, INSN_BYTES_MAX) };
	bool decoded = decode(&c, insn, code);

	if (c.overrun && count < INSN_BYTES_MAX)
		return MMIO_TRUNCATED;
	return decoded && !c.overrun ? MMIO_DECODED : MMIO_UNSUPPORTED;
}
