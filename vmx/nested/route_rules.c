/* SPDX-License-Identifier: MIT */
/* The rules by which an instruction or event of L2 exits under L1's controls (SDM "Instructions
 * That Cause VM Exits Conditionally", "Exception Bitmap"). */
#include "vmx/nested/route_rules.h"
#include "hv/msr_index.h"
#include "vmx/event.h"
#include "vmx/msr_bitmap.h"
#include "vmx/nested/insn_info.h"
#include "vmx/qualification.h"

#define CPU3_LOADIWKEY_EXITING BIT(0) /* tertiary processor-based controls */
#define CR0_LMSW_BITS          (CR0_MP | CR0_EM | CR0_TS)
#define BITMAP_PORTS           0x8000u /* of I/O bitmap A; the others are B's */
#define VMCS_BITMAP_FIELDS     0x8000u

bool route_has_control(const struct vmcs12 *v12, enum control_set set, u32 mask)
{
	if (set == CONTROL_SET_PIN)
		return v12->PIN_CONTROLS & mask;
	if (set == CONTROL_SET_CPU)
		return v12->CPU_CONTROLS & mask;
	return (v12->CPU_CONTROLS & CPU_SECONDARY) && (v12->CPU_CONTROLS2 & mask);
}

static bool has_cpu(const struct route_case *c, u32 mask)
{
	return route_has_control(c->v12, CONTROL_SET_CPU, mask);
}

static bool has_cpu2(const struct route_case *c, u32 mask)
{
	return route_has_control(c->v12, CONTROL_SET_CPU2, mask);
}

/* Bit of a bitmap in L1's memory. */
static bool bit_is_set(const struct route_case *c, u64 bitmap, u32 bit)
{
	u8 byte;

	if (c->bitmaps->read(c->bitmaps->context, l1_gpa(bitmap + bit / 8), &byte))
		return true;
	return byte >> bit % 8 & 1;
}

/* SDM "Exception Bitmap": for page faults a mismatch of the error code reverses the bit. */
bool route_exception(const struct route_case *c)
{
	const struct vmcs12 *v12 = c->v12;
	u32 vector = INTR_INFO_VECTOR(c->exit->intr_info);
	bool bit = v12->EXCEPTION_BITMAP >> (vector & 31) & 1;

	if (INTR_INFO_TYPE(c->exit->intr_info) == INTR_NMI)
		return route_has_control(v12, CONTROL_SET_PIN, PIN_NMI_EXITING);
	if (vector != VECTOR_PF)
		return bit;
	return ((c->exit->intr_error & v12->PF_ERROR_MASK) == v12->PF_ERROR_MATCH) == bit;
}

static bool mov_to_cr3(const struct route_case *c, u64 value)
{
	const u64 targets[] = { c->v12->CR3_TARGET0, c->v12->CR3_TARGET1, c->v12->CR3_TARGET2,
				c->v12->CR3_TARGET3 };

	if (!has_cpu(c, CPU_CR3_LOAD_EXITING))
		return false;
	for (u32 i = 0; i < ARRAY_SIZE(targets) && i < c->v12->CR3_TARGET_COUNT; i++)
		if (targets[i] == value)
			return false;
	return true;
}

/* L1 owns a bit that would not be what its read shadow says. */
static bool changes(u64 mask, u64 shadow, u64 value)
{
	return mask & (shadow ^ value);
}

static bool mov_to_cr(const struct route_case *c, u64 q)
{
	const struct vmcs12 *v12 = c->v12;
	u64 value = insn_register(c->exit->regs, QUALIFICATION_GPR(q), c->exit->long_code);

	switch (QUALIFICATION_CR(q)) {
	case 0:
		return changes(v12->CR0_MASK, v12->CR0_SHADOW, value);
	case 3:
		return mov_to_cr3(c, value);
	case 4:
		return changes(v12->CR4_MASK, v12->CR4_SHADOW, value);
	case 8:
		return has_cpu(c, CPU_CR8_LOAD_EXITING);
	default:
		return true; /* no CPU exits here: an unknown exit is L1's */
	}
}

static bool mov_from_cr(const struct route_case *c, u64 q)
{
	if (QUALIFICATION_CR(q) == 3)
		return has_cpu(c, CPU_CR3_STORE_EXITING);
	return QUALIFICATION_CR(q) != 8 || has_cpu(c, CPU_CR8_STORE_EXITING);
}

/* LMSW can set PE, never clear it. */
static bool lmsw(const struct vmcs12 *v12, u64 value)
{
	bool sets_pe = v12->CR0_MASK & value & ~v12->CR0_SHADOW & CR0_PE;

	return sets_pe || changes(v12->CR0_MASK & CR0_LMSW_BITS, v12->CR0_SHADOW, value);
}

bool route_cr_access(const struct route_case *c)
{
	u64 q = c->exit->qualification;

	switch ((enum cr_access_type)QUALIFICATION_TYPE(q)) {
	case CR_MOV_TO:
		return mov_to_cr(c, q);
	case CR_MOV_FROM:
		return mov_from_cr(c, q);
	case CR_CLTS:
		return c->v12->CR0_MASK & c->v12->CR0_SHADOW & CR0_TS;
	case CR_LMSW:
		break;
	}
	return lmsw(c->v12, QUALIFICATION_LMSW(q));
}

/* The bitmaps, where they are used, override unconditional exiting. */
bool route_io(const struct route_case *c)
{
	u32 port = QUALIFICATION_PORT(c->exit->qualification);
	u32 end = port + QUALIFICATION_BYTES(c->exit->qualification);

	if (!has_cpu(c, CPU_IO_BITMAPS))
		return has_cpu(c, CPU_UNCOND_IO);
	if (end > 2 * BITMAP_PORTS)
		return true; /* it wraps around */
	for (; port < end; port++)
		if (bit_is_set(c, port < BITMAP_PORTS ? c->v12->IO_BITMAP_A : c->v12->IO_BITMAP_B,
			       port % BITMAP_PORTS))
			return true;
	return false;
}

static bool msr_access(const struct route_case *c, bool write)
{
	u32 msr = (u32)c->exit->regs[GPR_RCX];

	if (!has_cpu(c, CPU_MSR_BITMAPS) || !msr_bitmap_covers(msr))
		return true;
	return bit_is_set(c, c->v12->MSR_BITMAP, msr_bitmap_bit(msr, write));
}

bool route_rdmsr(const struct route_case *c)
{
	return msr_access(c, false);
}

bool route_wrmsr(const struct route_case *c)
{
	return msr_access(c, true);
}

static bool vmcs_access(const struct route_case *c, u64 bitmap)
{
	struct insn_operand operand = insn_info_decode(c->exit->insn_info);
	u64 field = insn_register(c->exit->regs, operand.other, c->exit->long_code);

	if (!has_cpu2(c, CPU2_VMCS_SHADOWING) || field >= VMCS_BITMAP_FIELDS)
		return true;
	return bit_is_set(c, bitmap, (u32)field);
}

bool route_vmread(const struct route_case *c)
{
	return vmcs_access(c, c->v12->VMREAD_BITMAP);
}

bool route_vmwrite(const struct route_case *c)
{
	return vmcs_access(c, c->v12->VMWRITE_BITMAP);
}

/* PAUSE-loop exiting in L2 runs with L1's gap and window. */
bool route_pause(const struct route_case *c)
{
	return has_cpu(c, CPU_PAUSE_EXITING) || has_cpu2(c, CPU2_PAUSE_LOOP_EXITING);
}

/* On, or injected (SDM "Injection of Pending MTF VM Exits"). */
bool route_monitor_trap(const struct route_case *c)
{
	u32 injected = (u32)c->v12->ENTRY_INTR_INFO;

	return has_cpu(c, CPU_MONITOR_TRAP) ||
	       ((injected & INTR_INFO_VALID) && INTR_INFO_TYPE(injected) == INTR_OTHER);
}

/* The functions that L1 enabled are L0's to carry out. */
bool route_vmfunc(const struct route_case *c)
{
	u32 function = (u32)c->exit->regs[GPR_RAX];

	return has_cpu2(c, CPU2_ENABLE_VMFUNC) &&
	       (function > 63 || !(c->v12->VMFUNC_CONTROLS >> function & 1));
}

/* A bitmap of leaf functions in EAX, whose last bit stands for all that follow. */
static bool leaf_exits(const struct route_case *c, u64 bitmap)
{
	return bitmap >> MIN((u32)c->exit->regs[GPR_RAX], 63u) & 1;
}

bool route_encls(const struct route_case *c)
{
	return has_cpu2(c, CPU2_ENCLS_EXITING) && leaf_exits(c, c->v12->ENCLS_EXIT_BITMAP);
}

bool route_enclv(const struct route_case *c)
{
	return has_cpu2(c, CPU2_ENCLV_EXITING) && leaf_exits(c, c->v12->ENCLV_EXIT_BITMAP);
}

bool route_pconfig(const struct route_case *c)
{
	return has_cpu2(c, CPU2_ENABLE_PCONFIG) && leaf_exits(c, c->v12->PCONFIG_EXIT_BITMAP);
}

bool route_xsaves(const struct route_case *c)
{
	u64 asked = c->exit->regs[GPR_RDX] << 32 | (u32)c->exit->regs[GPR_RAX];

	return has_cpu2(c, CPU2_ENABLE_XSAVES) && (c->exit->xss & asked & c->v12->XSS_EXIT_BITMAP);
}

bool route_loadiwkey(const struct route_case *c)
{
	return has_cpu(c, CPU_TERTIARY) && (c->v12->CPU_CONTROLS3 & CPU3_LOADIWKEY_EXITING);
}
