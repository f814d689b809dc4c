/* SPDX-License-Identifier: MIT */
/*
 * The VMX instructions, one function each, each counted.
 * A VMREAD or VMWRITE that fails means that our tables and the CPU disagree:
 * it ends in a panic that names the field. Host tests have their own copy of this header.
 */
#ifndef VMX_OPS_H
#define VMX_OPS_H

#include "hv/percpu.h"
#include "mm/addr.h"
#include "vmx/caps.h"
#include "vmx/vmcs_fields.h"

/* How a VMX instruction ended (SDM "Conventions" of the VMX instruction reference). */
enum vmx_status { VMX_SUCCEED, VMX_FAIL_INVALID, VMX_FAIL_VALID };

/* Cold ends of the checks below: vmx/ops.c. */
_Noreturn void vmx_field_failed(const char *insn, enum vmcs_field field);
_Noreturn void vmx_op_failed(const char *insn, u64 operand);

/* Without counting: for runs of many, whose number is added once. */
static inline __attribute__((always_inline)) u64 vmcs_read_uncounted(enum vmcs_field field)
{
	u64 value;

	__asm__ goto volatile("vmread %1, %0\n\t"
			      "jbe %l[failed]"
			      : "=r"(value)
			      : "r"((u64)field)
			      : "cc"
			      : failed);
	return value;
failed:
	vmx_field_failed("VMREAD", field);
}

static inline u64 vmcs_read(enum vmcs_field field)
{
	counter_inc(CTR_VMREAD);
	return vmcs_read_uncounted(field);
}

static inline __attribute__((always_inline)) void vmcs_write_uncounted(enum vmcs_field field,
								       u64 value)
{
	__asm__ goto volatile("vmwrite %0, %1\n\t"
			      "jbe %l[failed]"
			      :
			      : "rm"(value), "r"((u64)field)
			      : "cc", "memory"
			      : failed);
	return;
failed:
	vmx_field_failed("VMWRITE", field);
}

static inline void vmcs_write(enum vmcs_field field, u64 value)
{
	counter_inc(CTR_VMWRITE);
	vmcs_write_uncounted(field, value);
}

/* A control register as the current VMCS's guest sees it: its own bits, and the shadow's. */
static inline u64 vmcs_read_masked(enum vmcs_field reg, enum vmcs_field mask,
				   enum vmcs_field shadow)
{
	u64 owned = vmcs_read(mask);

	return (vmcs_read(reg) & ~owned) | (vmcs_read(shadow) & owned);
}

static inline void vmcs_write_pdptes(const u64 pdptes[4])
{
	for (u32 i = 0; i < 4; i++)
		vmcs_write((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), pdptes[i]);
}

#define VMX_POINTER_OP(name, mnemonic)                          \
	static inline void name(hpa_t operand)                  \
	{                                                       \
		__asm__ goto volatile(mnemonic " %0\n\t"        \
					       "jbe %l[failed]" \
				      :                         \
				      : "m"(operand.raw)        \
				      : "cc", "memory"          \
				      : failed);                \
		return;                                         \
	failed:                                                 \
		vmx_op_failed(mnemonic, operand.raw);           \
	}

VMX_POINTER_OP(vmx_on, "vmxon")
VMX_POINTER_OP(vmx_vmclear, "vmclear")
VMX_POINTER_OP(vmx_vmptrld, "vmptrld")

#undef VMX_POINTER_OP

static inline void vmx_invept(enum invalidation type, u64 eptp)
{
	struct {
		u64 eptp, zero;
	} operand = { type == INVALIDATE_SINGLE ? eptp : 0, 0 };

	counter_inc(CTR_INVEPT);
	__asm__ goto volatile("invept %0, %1\n\t"
			      "jbe %l[failed]"
			      :
			      : "m"(operand), "r"((u64)type)
			      : "cc", "memory"
			      : failed);
	return;
failed:
	vmx_op_failed("invept", eptp);
}

static inline void vmx_invvpid(enum invalidation type, u16 vpid)
{
	struct {
		u64 vpid, linear;
	} operand = { vpid, 0 };

	counter_inc(CTR_INVVPID);
	__asm__ goto volatile("invvpid %0, %1\n\t"
			      "jbe %l[failed]"
			      :
			      : "m"(operand), "r"((u64)type)
			      : "cc", "memory"
			      : failed);
	return;
failed:
	vmx_op_failed("invvpid", vpid);
}

#endif
