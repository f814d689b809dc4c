/* SPDX-License-Identifier: MIT */
/* Operands by instruction information; the checks on memory are those of vmx/string_operand.c. */
#include "vmx/nested/insn_info.h"
#include "vmx/string_operand.h"

#define INFO_SCALE(info)        ((info)&3u)
#define INFO_ADDRESS_SIZE(info) ((info) >> 7 & 7u)

/* Values that the SDM leaves open become the largest that it defines. */
struct insn_operand insn_info_decode(u32 info)
{
	return (struct insn_operand){
		.in_memory = !(info & INSN_INFO_REGISTER),
		.reg = insn_info_reg(info),
		.other = insn_info_other(info),
		.segment = (enum segment)MIN(insn_info_segment(info), (u32)SEGMENT_GS),
		.address_bits = 16u << MIN(INFO_ADDRESS_SIZE(info), 2u),
		.has_base = !(info & INSN_INFO_NO_BASE),
		.has_index = !(info & INSN_INFO_NO_INDEX),
		.base = insn_info_base(info),
		.index = insn_info_index(info),
		.scale = INFO_SCALE(info),
	};
}

/* The effective address: the bits of the displacement above the address size are undefined. */
static u64 offset_of(const struct insn_operand *operand, const struct insn_place *place)
{
	u64 offset = place->displacement;

	if (operand->has_base)
		offset += place->regs[operand->base];
	if (operand->has_index)
		offset += place->regs[operand->index] << operand->scale;
	return offset & BITS(operand->address_bits - 1, 0);
}

static u64 linear_of(const struct insn_operand *operand, const struct insn_place *place, u64 offset)
{
	if (!place->long_code)
		return (u32)(place->base + offset);
	return operand->segment >= SEGMENT_FS ? place->base + offset : offset;
}

enum vector insn_operand_locate(const struct insn_operand *operand, const struct insn_place *place,
				u64 *linear)
{
	u64 offset = offset_of(operand, place);
	const struct string_operand access = {
		.linear = linear_of(operand, place, offset),
		.offset = offset,
		.bytes = place->bytes,
		.is_write = place->is_write,
		.is_stack_segment = operand->segment == SEGMENT_SS,
		.limit = place->limit,
		.rights = place->rights,
		.long_code = place->long_code,
	};

	*linear = access.linear;
	if (!place->long_code && (place->rights & AR_UNUSABLE))
		return access.is_stack_segment ? VECTOR_SS : VECTOR_GP;
	return string_operand_fault(&access);
}
