/* SPDX-License-Identifier: MIT */
/* Where a VMX instruction that must not fail ends when it does. */
#include "vmx/ops.h"
#include "hv/panic.h"

static u64 instruction_error(void)
{
	u64 error = 0;

	__asm__ volatile("vmread %1, %0" : "+r"(error) : "r"((u64)VMCS_INSN_ERROR) : "cc");
	return error;
}

void vmx_field_failed(const char *insn, enum vmcs_field field)
{
	panic("%s of field 0x%x (%s) failed, VM-instruction error %llu", insn, (unsigned int)field,
	      vmcs_field_name((u32)field), (unsigned long long)instruction_error());
}

void vmx_op_failed(const char *insn, u64 operand)
{
	panic("%s of 0x%llx failed, VM-instruction error %llu", insn, (unsigned long long)operand,
	      (unsigned long long)instruction_error());
}
