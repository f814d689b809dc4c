/* SPDX-License-Identifier: MIT */
/* The table of what a VM exit loads. */
#include "vmx/nested/host_state.h"
#include "hv/msr_index.h"
#include "vmx/access_rights.h"
#include "vmx/control_regs.h"

#define V12(field)     (in->v12->field)

#define LIMIT_FLAT     0xffffffffu
#define LIMIT_TABLE    0xffffu
#define LIMIT_TSS      0x67u
/* CR0's bits that a VM exit does not change (SDM "Loading Host Control Registers, Debug Registers,
 * MSRs"): 63:32, 28:19, 17, 15:6, ET, CD, NW. CD and NW are L0's in hardware. */
#define CR0_NOT_LOADED (BITS(28, 19) | BIT(17) | BITS(15, 6) | CR0_ET | CR0_CD | CR0_NW)

static bool is_64bit(const struct host_state_inputs *in)
{
	return V12(EXIT_CONTROLS) & EXIT_CTL_HOST_64BIT;
}

/* As L1 sees it: what CR0's shadow gets. */
static u64 cr0(const struct host_state_inputs *in)
{
	return (V12(HOST_CR0) & ~CR0_NOT_LOADED) | (in->l2_cr0 & CR0_NOT_LOADED);
}

static u64 hardware_cr0(const struct host_state_inputs *in)
{
	return (cr0(in) & ~(u64)(CR0_CD | CR0_NW)) | in->cr0_fixed0;
}

/* "Host address-space size" sets PAE, and clears PCIDE where it is 0. */
static u64 cr4(const struct host_state_inputs *in)
{
	return is_64bit(in) ? V12(HOST_CR4) | CR4_PAE : V12(HOST_CR4) & ~(u64)CR4_PCIDE;
}

static u64 hardware_cr4(const struct host_state_inputs *in)
{
	return cr4(in) | CR4_L0_ON | in->cr4_fixed0;
}

static u64 efer(const struct host_state_inputs *in)
{
	u64 mode = EFER_LMA | EFER_LME;

	if (V12(EXIT_CONTROLS) & EXIT_CTL_LOAD_EFER)
		return V12(HOST_EFER);
	return is_64bit(in) ? in->l2_efer | mode : in->l2_efer & ~mode;
}

static u64 pat(const struct host_state_inputs *in)
{
	return V12(EXIT_CONTROLS) & EXIT_CTL_LOAD_PAT ? V12(HOST_PAT) : in->l2_pat;
}

static u64 rights_of_cs(const struct host_state_inputs *in)
{
	return is_64bit(in) ? (AR_FLAT_CODE & ~(u64)AR_DB) | AR_L : AR_FLAT_CODE;
}

/* A null selector leaves the register unusable; the rest of its rights is then undefined. */
#define RIGHTS_OF(segment)                                                   \
	static u64 rights_of_##segment(const struct host_state_inputs *in)   \
	{                                                                    \
		return V12(HOST_SEL_##segment) ? AR_FLAT_DATA : AR_UNUSABLE; \
	}
RIGHTS_OF(DS)
RIGHTS_OF(ES)
RIGHTS_OF(FS)
RIGHTS_OF(GS)
RIGHTS_OF(SS)

#define COPY(to, from)                                           \
	{                                                        \
		VMCS_GUEST_##to, NULL, VMCS12_ROW_HOST_##from, 0 \
	}
#define VALUE(to, function)               \
	{                                 \
		VMCS_##to, function, 0, 0 \
	}
#define CONSTANT(to, value_)                                 \
	{                                                    \
		VMCS_GUEST_##to, NULL, VMCS12_ROWS, (value_) \
	}
#define DATA_SEGMENT(name)                                                \
	COPY(SEL_##name, SEL_##name), CONSTANT(LIMIT_##name, LIMIT_FLAT), \
		VALUE(GUEST_AR_##name, rights_of_##name)

const struct host_state_row host_state_rows[] = {
	VALUE(GUEST_CR0, hardware_cr0),
	VALUE(CR0_SHADOW, cr0),
	COPY(CR3, CR3),
	VALUE(GUEST_CR4, hardware_cr4),
	VALUE(CR4_SHADOW, cr4),
	VALUE(GUEST_EFER, efer),
	VALUE(GUEST_PAT, pat),
	CONSTANT(DR7, DR7_AT_RESET),
	CONSTANT(DEBUGCTL, 0),
	COPY(SYSENTER_CS, SYSENTER_CS),
	COPY(SYSENTER_ESP, SYSENTER_ESP),
	COPY(SYSENTER_EIP, SYSENTER_EIP),

	COPY(SEL_CS, SEL_CS),
	CONSTANT(BASE_CS, 0),
	CONSTANT(LIMIT_CS, LIMIT_FLAT),
	VALUE(GUEST_AR_CS, rights_of_cs),
	DATA_SEGMENT(SS),
	CONSTANT(BASE_SS, 0),
	DATA_SEGMENT(DS),
	CONSTANT(BASE_DS, 0),
	DATA_SEGMENT(ES),
	CONSTANT(BASE_ES, 0),
	DATA_SEGMENT(FS),
	COPY(BASE_FS, BASE_FS),
	DATA_SEGMENT(GS),
	COPY(BASE_GS, BASE_GS),
	COPY(SEL_TR, SEL_TR),
	COPY(BASE_TR, BASE_TR),
	CONSTANT(LIMIT_TR, LIMIT_TSS),
	CONSTANT(AR_TR, AR_BUSY_TSS),
	CONSTANT(SEL_LDTR, 0),
	CONSTANT(AR_LDTR, AR_UNUSABLE),
	COPY(BASE_GDTR, BASE_GDTR),
	CONSTANT(LIMIT_GDTR, LIMIT_TABLE),
	COPY(BASE_IDTR, BASE_IDTR),
	CONSTANT(LIMIT_IDTR, LIMIT_TABLE),

	COPY(RIP, RIP),
	COPY(RSP, RSP),
	CONSTANT(RFLAGS, RFLAGS_FIXED),
	CONSTANT(INTERRUPTIBILITY, 0),
	CONSTANT(PENDING_DEBUG, 0),
	CONSTANT(ACTIVITY, 0),
};

const u32 host_state_row_count = ARRAY_SIZE(host_state_rows);

u64 host_state_value(const struct host_state_row *row, const struct host_state_inputs *in)
{
	if (row->value)
		return row->value(in);
	return row->source < VMCS12_ROWS ? in->v12->fields[row->source] : row->constant;
}
