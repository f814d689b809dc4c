/* SPDX-License-Identifier: MIT */
/* Guest state of vmcs01: as a boot protocol wants it, after INIT, after SIPI. Segments and control
 * registers are tables. */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "vmx/control_regs.h"
#include "vmx/controls.h"
#include "vmx/guest_registers.h"
#include "vmx/ops.h"
#include "vmx/segment.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

#define PAT_AT_RESET    0x0007040600070406ULL
#define RIP_AFTER_INIT  0xfff0
#define CPUID_SIGNATURE 1u

/* The VMCS fields of a segment register. */
static const struct {
	enum vmcs_field selector, base, limit, rights;
} segment_fields[SEGMENTS] = {
#define SEGMENT(name)                                                       \
	[SEGMENT_##name] = { VMCS_GUEST_SEL_##name, VMCS_GUEST_BASE_##name, \
			     VMCS_GUEST_LIMIT_##name, VMCS_GUEST_AR_##name }
	SEGMENT(ES), SEGMENT(CS), SEGMENT(SS),   SEGMENT(DS),
	SEGMENT(FS), SEGMENT(GS), SEGMENT(LDTR), SEGMENT(TR),
#undef SEGMENT
};

struct segment_value {
	u32 base, limit, rights;
	u16 selector;
};

/* What makes a mode; cr0 and cr4 as the guest sees them. */
struct mode_value {
	u32 cr0, cr4, efer, entry_controls;
};

static const struct mode_value loader_modes[START_MODES] = {
	[START_PROTECTED] = { .cr0 = CR0_PE | CR0_ET | CR0_NE },
	[START_LONG] = { .cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG,
			 .cr4 = CR4_PAE,
			 .efer = EFER_LME | EFER_LMA,
			 .entry_controls = ENTRY_CTL_IA32E_MODE },
};
static const struct mode_value init_mode = { .cr0 = CR0_CD | CR0_NW | CR0_ET };

#define LOADER_SEGMENTS(code_rights, code, data)                      \
	{                                                             \
		[SEGMENT_ES] = { 0, 0xffffffff, AR_FLAT_DATA, data }, \
		[SEGMENT_CS] = { 0, 0xffffffff, code_rights, code },  \
		[SEGMENT_SS] = { 0, 0xffffffff, AR_FLAT_DATA, data }, \
		[SEGMENT_DS] = { 0, 0xffffffff, AR_FLAT_DATA, data }, \
		[SEGMENT_FS] = { 0, 0xffffffff, AR_FLAT_DATA, data }, \
		[SEGMENT_GS] = { 0, 0xffffffff, AR_FLAT_DATA, data }, \
		[SEGMENT_LDTR] = { 0, 0, AR_UNUSABLE, 0 },            \
		[SEGMENT_TR] = { 0, 0x67, AR_BUSY_TSS, 0 },           \
	}
static const struct segment_value loader_segments[START_MODES][SEGMENTS] = {
	[START_PROTECTED] =
		LOADER_SEGMENTS(AR_FLAT_CODE, START_PROTECTED_CODE, START_PROTECTED_DATA),
	[START_LONG] = LOADER_SEGMENTS(AR_LONG_CODE, START_LONG_CODE, START_LONG_DATA),
};
#undef LOADER_SEGMENTS

/* SDM "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT". */
#define REAL_DATA                          \
	{                                  \
		0, 0xffff, AR_REAL_DATA, 0 \
	}
static const struct segment_value init_segments[SEGMENTS] = {
	[SEGMENT_ES] = REAL_DATA,
	[SEGMENT_CS] = { 0xffff0000, 0xffff, AR_REAL_CODE, 0xf000 },
	[SEGMENT_SS] = REAL_DATA,
	[SEGMENT_DS] = REAL_DATA,
	[SEGMENT_FS] = REAL_DATA,
	[SEGMENT_GS] = REAL_DATA,
	[SEGMENT_LDTR] = { 0, 0xffff, AR_LDT, 0 },
	[SEGMENT_TR] = { 0, 0xffff, AR_BUSY_TSS, 0 },
};
#undef REAL_DATA

static void write_segments(const struct segment_value values[SEGMENTS])
{
	for (u32 i = 0; i < SEGMENTS; i++) {
		vmcs_write(segment_fields[i].selector, values[i].selector);
		vmcs_write(segment_fields[i].base, values[i].base);
		vmcs_write(segment_fields[i].limit, values[i].limit);
		vmcs_write(segment_fields[i].rights, values[i].rights);
	}
}

static void write_tables(u64 gdt_base, u64 gdt_limit, u64 idt_limit)
{
	vmcs_write(VMCS_GUEST_BASE_GDTR, gdt_base);
	vmcs_write(VMCS_GUEST_LIMIT_GDTR, gdt_limit);
	vmcs_write(VMCS_GUEST_BASE_IDTR, 0);
	vmcs_write(VMCS_GUEST_LIMIT_IDTR, idt_limit);
}

static void write_mode(struct vcpu *v, const struct mode_value *mode)
{
	vmcs_write(VMCS_GUEST_CR0, vmcs01_hardware_cr0(mode->cr0));
	vmcs_write(VMCS_CR0_MASK, CR0_L0_OWNED);
	vmcs_write(VMCS_GUEST_CR4, vmcs01_hardware_cr4(mode->cr4));
	vmcs_write(VMCS_CR4_MASK, ~(v->vm->cr4_allowed & ~(u64)(CR4_VMXE | CR4_L0_ON)));
	vmcs01_write_shadows(v, mode->cr0, mode->cr4);
	vmcs_write(VMCS_GUEST_EFER, mode->efer);
	vmcs_write(VMCS_ENTRY_CONTROLS,
		   (vmcs_read(VMCS_ENTRY_CONTROLS) & ~(u64)ENTRY_CTL_IA32E_MODE) |
			   mode->entry_controls);
}

/* What INIT and a loader have in common. */
static void write_registers(struct vcpu *v, u64 rip)
{
	memset(v->regs, 0, sizeof(v->regs));
	guest_registers_init(v);
	vmcs_write(VMCS_GUEST_CR3, 0);
	vmcs_write(VMCS_GUEST_DR7, DR7_AT_RESET);
	vmcs_write(VMCS_GUEST_RIP, rip);
	vmcs_write(VMCS_GUEST_RSP, 0);
	vmcs_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
}

/* Registers that a reset clears and INIT leaves alone. */
static void write_reset_only(void)
{
	vmcs_write(VMCS_GUEST_PAT, PAT_AT_RESET);
	vmcs_write(VMCS_GUEST_DEBUGCTL, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_CS, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, 0);
}

void vmcs01_reset(struct vcpu *v)
{
	write_reset_only();
	vmcs01_init(v);
}

void vmcs01_start(struct vcpu *v, const struct start_state *start)
{
	write_reset_only();
	write_registers(v, start->rip);
	write_mode(v, &loader_modes[start->mode]);
	vmcs_write(VMCS_GUEST_CR3, start->cr3);
	write_segments(loader_segments[start->mode]);
	write_tables(start->gdt_base, start->gdt_limit, 0);
	v->regs[GPR_RAX] = start->rax;
	v->regs[GPR_RBX] = start->rbx;
	v->regs[GPR_RSI] = start->rsi;
}

void vmcs01_init(struct vcpu *v)
{
	const struct cpuid_regs signature =
		cpuid_policy_answer(&v->vm->cpuid, &v->cpuid, CPUID_SIGNATURE, 0);

	write_registers(v, RIP_AFTER_INIT);
	write_mode(v, &init_mode);
	write_segments(init_segments);
	write_tables(0, 0xffff, 0xffff);
	v->regs[GPR_RDX] = signature.eax;
}

void vmcs01_sipi(u8 vector)
{
	vmcs_write(VMCS_GUEST_SEL_CS, (u64)vector << 8);
	vmcs_write(VMCS_GUEST_BASE_CS, (u64)vector << 12);
	vmcs_write(VMCS_GUEST_RIP, 0);
}
