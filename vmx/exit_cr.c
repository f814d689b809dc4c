/* SPDX-License-Identifier: MIT */
/* Control-register accesses that exit: writes of bits that L0 owns, and CR8. */
#include "hv/panic.h"
#include "vmx/caps.h"
#include "vmx/control_regs.h"
#include "vmx/exit.h"
#include "vmx/inject.h"
#include "vmx/ops.h"
#include "vmx/qualification.h"
#include "vmx/request.h"
#include "vmx/segment.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

static u64 operand_value(const struct vcpu *v, enum gpr reg)
{
	u64 value = reg == GPR_RSP ? vmcs_read(VMCS_GUEST_RSP) : v->regs[reg];

	return segment_is_64bit_code() ? value : (u32)value;
}

/* What the guest sees in a control register: its own bits, and the shadow of L0's. */
static struct cr_state cr_state_read(void)
{
	return (struct cr_state){
		.cr0 = vmcs_read_masked(VMCS_GUEST_CR0, VMCS_CR0_MASK, VMCS_CR0_SHADOW),
		.cr4 = vmcs_read_masked(VMCS_GUEST_CR4, VMCS_CR4_MASK, VMCS_CR4_SHADOW),
		.efer = vmcs_read(VMCS_GUEST_EFER),
		.cs_long = vmcs_read(VMCS_GUEST_AR_CS) & AR_L,
		.tss_16bit = AR_TYPE((u32)vmcs_read(VMCS_GUEST_AR_TR)) == AR_TYPE_BUSY_TSS16,
		.cr3 = vmcs_read(VMCS_GUEST_CR3),
	};
}

/* Read the four PDPTEs at CR3 into the VMCS; false when one is invalid, which faults the write. */
static bool load_pdptes(struct vcpu *v, u64 cr3)
{
	u64 pdptes[4];

	if (walk_cache_read(&v->walk, l1_gpa(cr3 & BITS(31, 5)), pdptes, sizeof(pdptes)))
		return false;
	if (pdptes_are_invalid(pdptes, vmx_caps()->physical_bits))
		return false;
	vmcs_write_pdptes(pdptes);
	return true;
}

static enum exit_action fault(struct vcpu *v)
{
	inject_exception_error(v, VECTOR_GP, 0);
	return EXIT_RESUME;
}

/* Both registers as they shall be: the hardware's values,
 * the shadows, EFER.LMA and the entry control that follows it. */
static void cr_state_write(struct vcpu *v, const struct cr_state *state)
{
	u64 controls = vmcs_read(VMCS_ENTRY_CONTROLS) & ~(u64)ENTRY_CTL_IA32E_MODE;

	vmcs_write(VMCS_GUEST_CR0, vmcs01_hardware_cr0(state->cr0));
	vmcs_write(VMCS_GUEST_CR4, vmcs01_hardware_cr4(state->cr4));
	vmcs01_write_shadows(v, state->cr0, state->cr4);
	vmcs_write(VMCS_GUEST_EFER, state->efer);
	vmcs_write(VMCS_ENTRY_CONTROLS,
		   controls | (state->efer & EFER_LMA ? ENTRY_CTL_IA32E_MODE : 0));
}

static enum exit_action change_state(struct vcpu *v, const struct cr_state *before,
				     const struct cr_state *after)
{
	if (cr_write_loads_pdptes(before, after) && !load_pdptes(v, after->cr3))
		return fault(v);
	cr_state_write(v, after);
	vcpu_flush_linear(v); /* the write flushes what the guest's CPU would flush, and more */
	return EXIT_SKIP_INSN;
}

static enum exit_action mov_to_cr0(struct vcpu *v, u64 value)
{
	struct cr_state before = cr_state_read(), after = before;

	if (cr0_write_faults(&before, value) || (value & v->cr0_fixed) != v->cr0_fixed)
		return fault(v);
	after.cr0 = (value & CR0_DEFINED) | CR0_ET;
	after.efer = efer_after_cr0(before.efer, value);
	return change_state(v, &before, &after);
}

static enum exit_action mov_to_cr4(struct vcpu *v, u64 value)
{
	struct cr_state before = cr_state_read(), after = before;

	if (cr4_write_faults(&before, value, v->vm->cr4_allowed) ||
	    (value & v->cr4_fixed) != v->cr4_fixed)
		return fault(v);
	after.cr4 = value;
	return change_state(v, &before, &after);
}

static enum exit_action mov_to_cr8(struct vcpu *v, u64 value)
{
	if (value > 15)
		return fault(v);
	lapic_set_cr8(&v->lapic, value);
	vcpu_request(v, REQUEST_EVENT); /* a lower priority may let an interrupt in */
	return EXIT_SKIP_INSN;
}

static enum exit_action mov_to_cr(struct vcpu *v, u32 cr, u64 value)
{
	switch (cr) {
	case 0:
		return mov_to_cr0(v, value);
	case 4:
		return mov_to_cr4(v, value);
	case 8:
		return mov_to_cr8(v, value);
	default:
		vm_stop_l1(v, "MOV to CR%u exited, which vmcs01 does not ask for", cr);
		return EXIT_STOP;
	}
}

static enum exit_action mov_from_cr(struct vcpu *v, u32 cr, enum gpr reg)
{
	if (cr != 8) {
		vm_stop_l1(v, "MOV from CR%u exited, which vmcs01 does not ask for", cr);
		return EXIT_STOP;
	}
	if (reg == GPR_RSP)
		vmcs_write(VMCS_GUEST_RSP, lapic_cr8(&v->lapic));
	else
		v->regs[reg] = lapic_cr8(&v->lapic);
	return EXIT_SKIP_INSN;
}

enum exit_action exit_cr_access(struct vcpu *v)
{
	u64 q = exit_qualification(v);
	u32 cr = QUALIFICATION_CR(q);
	enum gpr reg = (enum gpr)QUALIFICATION_GPR(q);

	switch ((enum cr_access_type)QUALIFICATION_TYPE(q)) {
	case CR_MOV_TO:
		v->exit->detail = operand_value(v, reg);
		return mov_to_cr(v, cr, v->exit->detail);
	case CR_MOV_FROM:
		return mov_from_cr(v, cr, reg);
	case CR_CLTS: /* needs TS among L0's bits: it is not */
	case CR_LMSW: /* likewise PE, MP, EM, TS */
		break;
	}
	vm_stop_l1(v, "CLTS or LMSW exited, which vmcs01 does not ask for");
	return EXIT_STOP;
}
