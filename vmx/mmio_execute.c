/* SPDX-License-Identifier: MIT */
/* Register merging, extension and flags, as the SDM's instruction pages say. */
#include "vmx/mmio_execute.h"
#include "hv/msr_index.h"

#define RFLAGS_STATUS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

bool mmio_reads(const struct mmio_insn *insn)
{
	return insn->operation != MMIO_MOV || !insn->memory_first;
}

bool mmio_writes(const struct mmio_insn *insn)
{
	return insn->memory_first && insn->operation != MMIO_TEST && insn->operation != MMIO_CMP;
}

u64 mmio_mask(u32 bytes)
{
	return ~0ULL >> (64 - 8 * bytes);
}

static u64 address_register(const struct mmio_insn *insn, u8 number, const u64 *regs, u64 rip)
{
	if (number == MMIO_REG_NONE)
		return 0;
	return number == MMIO_REG_RIP ? rip + insn->length : regs[number];
}

u64 mmio_linear(const struct mmio_insn *insn, const u64 *regs, u64 rip, u64 segment_base)
{
	const struct mmio_address *a = &insn->address;
	u64 offset = address_register(insn, a->base, regs, rip) +
		     address_register(insn, a->index, regs, rip) * a->scale + a->disp;

	offset &= mmio_mask(a->address_bytes);
	if (insn->code != MMIO_CODE_64)
		return (u32)(offset + segment_base);
	return a->segment >= MMIO_FS ? offset + segment_base : offset;
}

/* The register or immediate operand, cut to the size of the memory operand. */
static u64 other_operand(const struct mmio_insn *insn, const u64 *regs)
{
	u64 value = insn->immediate ? insn->value : regs[insn->reg] >> (insn->reg_high ? 8 : 0);

	return value & mmio_mask(insn->bytes);
}

static void write_register(const struct mmio_insn *insn, u64 *regs, u64 value)
{
	u32 shift = insn->reg_high ? 8 : 0;
	u64 mask = mmio_mask(insn->reg_bytes) << shift;

	if (insn->reg_bytes == 4) /* clears the upper half */
		mask = ~0ULL;
	regs[insn->reg] = (regs[insn->reg] & ~mask) | (value << shift & mask);
}

static u64 extend(const struct mmio_insn *insn, u64 value)
{
	u64 sign = BIT(8 * insn->bytes - 1);

	if (!insn->sign_extend)
		return value;
	return ((value ^ sign) - sign) & mmio_mask(insn->reg_bytes);
}

/* SF, ZF and PF of a result. */
static u64 result_flags(u64 result, u32 bytes)
{
	u32 low = (u8)result;

	low ^= low >> 4;
	low ^= low >> 2;
	low ^= low >> 1;
	return (result ? 0 : RFLAGS_ZF) | (result >> (8 * bytes - 1) & 1 ? RFLAGS_SF : 0) |
	       (low & 1 ? 0 : RFLAGS_PF);
}

/* All flags of a - b; operands without bits above the size. */
static u64 compare_flags(u64 a, u64 b, u32 bytes)
{
	u64 result = (a - b) & mmio_mask(bytes);
	u64 overflow = (a ^ b) & (a ^ result);

	return result_flags(result, bytes) | (a < b ? RFLAGS_CF : 0) |
	       ((a ^ b ^ result) & 0x10 ? RFLAGS_AF : 0) |
	       (overflow >> (8 * bytes - 1) & 1 ? RFLAGS_OF : 0);
}

static u64 combine(u32 operation, u64 a, u64 b)
{
	return operation == MMIO_OR ? a | b : a & b;
}

u64 mmio_store_value(const struct mmio_insn *insn, const u64 *regs, u64 old)
{
	u64 other = other_operand(insn, regs);

	if (insn->operation == MMIO_OR || insn->operation == MMIO_AND)
		return combine(insn->operation, old, other);
	return other;
}

/* CF and OF of OR, AND and TEST are 0; so is AF, which is undefined. */
static u64 logic(const struct mmio_insn *insn, u64 *regs, u64 a, u64 b)
{
	u64 result = combine(insn->operation, a, b);

	if (!insn->memory_first)
		write_register(insn, regs, result);
	return result_flags(result, insn->bytes);
}

void mmio_finish_read(const struct mmio_insn *insn, u64 *regs, u64 *rflags, u64 value)
{
	u64 other = other_operand(insn, regs);
	u64 flags;

	if (insn->operation == MMIO_MOV || insn->operation == MMIO_XCHG) {
		write_register(insn, regs, extend(insn, value));
		return;
	}
	if (insn->operation != MMIO_CMP)
		flags = logic(insn, regs, value, other);
	else if (insn->memory_first)
		flags = compare_flags(value, other, insn->bytes);
	else
		flags = compare_flags(other, value, insn->bytes);
	*rflags = (*rflags & ~(u64)RFLAGS_STATUS) | flags;
}
