/* SPDX-License-Identifier: MIT */
/* Segment, canonical and alignment checks (SDM "Limit Checking", "Type Checking", "Canonical
 * Addressing"). */
#include "vmx/string_operand.h"
#include "vmx/access_rights.h"
#include "vmx/canonical.h"

/* Type bits of a segment: code, and for code readable, for data writable and expand-down. */
#define TYPE_READ_OR_WRITE 2u
#define TYPE_EXPAND_DOWN   4u
#define TYPE_CODE          8u

static bool type_allows(const struct string_operand *operand)
{
	u32 type = AR_TYPE(operand->rights);

	if (operand->rights & AR_UNUSABLE)
		return false;
	if (operand->is_write)
		return (type & (TYPE_CODE | TYPE_READ_OR_WRITE)) == TYPE_READ_OR_WRITE;
	return !(type & TYPE_CODE) || (type & TYPE_READ_OR_WRITE);
}

/* All of the operand lies within the segment; one that wraps around does not. */
static bool limit_allows(const struct string_operand *operand)
{
	u64 last = operand->offset + operand->bytes - 1;
	u64 highest = operand->rights & AR_DB ? BITS(31, 0) : BITS(15, 0);
	u32 type = AR_TYPE(operand->rights);

	if ((type & (TYPE_CODE | TYPE_EXPAND_DOWN)) == TYPE_EXPAND_DOWN && !operand->type_free)
		return operand->offset > operand->limit && last <= highest;
	return last <= operand->limit;
}

enum vector string_operand_fault(const struct string_operand *operand)
{
	enum vector fault = operand->is_stack_segment ? VECTOR_SS : VECTOR_GP;

	if (operand->long_code) {
		if (!is_canonical(operand->linear, LINEAR_BITS) ||
		    !is_canonical(operand->linear + operand->bytes - 1, LINEAR_BITS))
			return fault;
	} else {
		if (!operand->type_free && !type_allows(operand))
			return VECTOR_GP;
		if (!limit_allows(operand))
			return fault;
	}
	if (operand->alignment && operand->linear % operand->bytes)
		return VECTOR_AC;
	return VECTOR_NONE;
}
