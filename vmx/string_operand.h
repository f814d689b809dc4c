/* SPDX-License-Identifier: MIT */
/*
 * The checks on the memory operand of INS and OUTS that come before translation. The exit of such
 * an instruction has priority over them (SDM "Relative Priority of Faults and VM Exits"), so they
 * are L0's to make. Pure.
 */
#ifndef VMX_STRING_OPERAND_H
#define VMX_STRING_OPERAND_H

#include "hv/types.h"
#include "vmx/event.h"

struct string_operand {
	u64 linear;
	u64 offset; /* within the segment, at the instruction's address size */
	u32 bytes;
	bool is_write;

	bool is_stack_segment;
	u32 limit;
	u32 rights;     /* of the segment, as the VMCS has them */
	bool long_code; /* 64-bit code: no limit and no rights, but canonical addresses */
	bool type_free; /* real-address and virtual-8086 mode: no rights */
	bool alignment; /* CPL 3 with CR0.AM and RFLAGS.AC */
};

/* The vector of the fault, whose error code is 0; VECTOR_NONE when the access may be translated. */
enum vector string_operand_fault(const struct string_operand *operand);

#endif
