/* SPDX-License-Identifier: MIT */
/*
 * Control-register accesses of L2 that L1 does not want: L0 owns bits of CR0 and CR4 that L1 left
 * to L2, and CR8 is L1's own. The bits that L1 owns stay as L1 set them (SDM "Changes to
 * Instruction Behavior in VMX Non-Root Operation").
 */
#include "hv/msr_index.h"
#include "vmx/control_regs.h"
#include "vmx/inject.h"
#include "vmx/nested/l2_memory.h"
#include "vmx/qualification.h"
#include "vmx/request.h"
#include "vmx/segment.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

static enum exit_action fault(struct vcpu *v)
{
	inject_exception_error(v, VECTOR_GP, 0);
	return EXIT_RESUME;
}

static u64 source_of(const struct vcpu *v, enum gpr reg)
{
	u64 value = vmx_register_read(v, reg);

	return segment_is_64bit_code() ? value : (u32)value;
}

/* The registers as they take effect for L2: not as it may see them. */
static struct cr_state state_now(const struct vcpu *v, const struct context *context)
{
	struct derive_inputs in = v->vm->nested->derive;

	in.v12 = &context->v12;
	return (struct cr_state){
		.cr0 = derive_cr0_of_l2(&context->v12, vmcs_read(VMCS_GUEST_CR0),
					context->cr0_shadow),
		.cr4 = derive_cr4_of_l2(&in, vmcs_read(VMCS_GUEST_CR4), context->cr4_shadow),
		.efer = vmcs_read(VMCS_GUEST_EFER),
		.cs_long = vmcs_read(VMCS_GUEST_AR_CS) & AR_L,
		.tss_16bit = AR_TYPE((u32)vmcs_read(VMCS_GUEST_AR_TR)) == AR_TYPE_BUSY_TSS16,
		.cr3 = vmcs_read(VMCS_GUEST_CR3),
	};
}

/* Whether a write leaves the bits that VMX operation fixes. */
static bool keeps_fixed(const struct vcpu *v, const struct cr_state *state)
{
	const struct vmx_caps *caps = &v->vm->nested->caps;
	u64 fixed0 = caps->cr0_fixed0;

	if (nested_has_control2(&v->nested->current->v12, CPU2_UNRESTRICTED_GUEST))
		fixed0 &= ~(u64)(CR0_PE | CR0_PG);
	return (state->cr0 & fixed0) == fixed0 &&
	       (state->cr4 & caps->cr4_fixed0) == caps->cr4_fixed0;
}

static void write_state(struct vcpu *v, struct context *context, const struct cr_state *state)
{
	u64 fixed0 = v->vm->nested->derive.cr0_fixed0;
	u64 mask0 = context->v12.CR0_MASK, mask4 = context->v12.CR4_MASK;
	u64 controls = vmcs_read(VMCS_ENTRY_CONTROLS) & ~(u64)ENTRY_CTL_IA32E_MODE;

	if (nested_has_control2(&context->v12, CPU2_UNRESTRICTED_GUEST))
		fixed0 &= ~(u64)(CR0_PE | CR0_PG);
	context->cr0_shadow = (context->cr0_shadow & mask0) | (state->cr0 & ~mask0);
	context->cr4_shadow = (context->cr4_shadow & mask4) | (state->cr4 & ~mask4);
	vmcs_write(VMCS_GUEST_CR0, (state->cr0 & ~(u64)(CR0_CD | CR0_NW)) | fixed0);
	vmcs_write(VMCS_CR0_SHADOW, context->cr0_shadow);
	vmcs_write(VMCS_GUEST_CR4, vmcs01_hardware_cr4(state->cr4));
	vmcs_write(VMCS_CR4_SHADOW, context->cr4_shadow);
	vmcs_write(VMCS_GUEST_EFER, state->efer);
	vmcs_write(VMCS_ENTRY_CONTROLS,
		   controls | (state->efer & EFER_LMA ? ENTRY_CTL_IA32E_MODE : 0));
}

/* The four PDPTEs at CR3, which is L2-physical. False: one is invalid, which faults the write. */
static bool load_pdptes(struct vcpu *v, u64 cr3)
{
	u64 pdptes[4];

	if (l2_read(v, l2_gpa(cr3 & BITS(31, 5)), pdptes, sizeof(pdptes)))
		return false;
	if (pdptes_are_invalid(pdptes, v->vm->nested->caps.physical_bits))
		return false;
	vmcs_write_pdptes(pdptes);
	return true;
}

static enum exit_action change_state(struct vcpu *v, const struct cr_state *before,
				     const struct cr_state *after)
{
	if (!keeps_fixed(v, after))
		return fault(v);
	if (cr_write_loads_pdptes(before, after) && !load_pdptes(v, after->cr3))
		return fault(v);
	write_state(v, v->nested->current, after);
	vpid_flush(v->nested->current->vpid02);
	return EXIT_SKIP_INSN;
}

static enum exit_action mov_to_cr0(struct vcpu *v, u64 value)
{
	struct context *context = v->nested->current;
	struct cr_state before = state_now(v, context), after = before;
	u64 mask = context->v12.CR0_MASK;
	u64 wanted = (before.cr0 & mask) | (value & ~mask);

	if (value >> 32 || cr0_write_faults(&before, wanted))
		return fault(v);
	after.cr0 = (wanted & CR0_DEFINED) | CR0_ET;
	after.efer = efer_after_cr0(before.efer, wanted);
	return change_state(v, &before, &after);
}

static enum exit_action mov_to_cr4(struct vcpu *v, u64 value)
{
	struct context *context = v->nested->current;
	struct cr_state before = state_now(v, context), after = before;
	u64 mask = context->v12.CR4_MASK;

	after.cr4 = (before.cr4 & mask) | (value & ~mask);
	if (cr4_write_faults(&before, after.cr4, v->vm->nested->caps.cr4_fixed1))
		return fault(v);
	return change_state(v, &before, &after);
}

/* Without a TPR shadow of L1's, L2's CR8 is that of L1's local APIC. */
static enum exit_action access_cr8(struct vcpu *v, bool is_write, enum gpr reg)
{
	u64 value;

	if (!is_write) {
		vmx_register_write(v, reg, lapic_cr8(&v->lapic));
		return EXIT_SKIP_INSN;
	}
	value = vmx_register_read(v, reg);
	if (value > 15)
		return fault(v);
	lapic_set_cr8(&v->lapic, value);
	vcpu_request(v, REQUEST_EVENT);
	return EXIT_SKIP_INSN;
}

/* LMSW: PE can be set, not cleared; MP, EM and TS follow. */
static u64 after_lmsw(u64 cr0, u16 source)
{
	return (cr0 & ~(u64)(CR0_MP | CR0_EM | CR0_TS)) |
	       (source & (CR0_PE | CR0_MP | CR0_EM | CR0_TS));
}

enum exit_action exit02_cr_access(struct vcpu *v)
{
	u64 q = exit_qualification(v);
	u32 cr = QUALIFICATION_CR(q);
	enum gpr reg = (enum gpr)QUALIFICATION_GPR(q);
	u64 cr0 = state_now(v, v->nested->current).cr0;

	switch ((enum cr_access_type)QUALIFICATION_TYPE(q)) {
	case CR_CLTS:
		return mov_to_cr0(v, cr0 & ~(u64)CR0_TS);
	case CR_LMSW:
		return mov_to_cr0(v, after_lmsw(cr0, QUALIFICATION_LMSW(q)));
	case CR_MOV_FROM:
	case CR_MOV_TO:
		break;
	}
	if (cr == 8)
		return access_cr8(v, QUALIFICATION_TYPE(q) == CR_MOV_TO, reg);
	if (cr == 0)
		return mov_to_cr0(v, source_of(v, reg));
	if (cr == 4)
		return mov_to_cr4(v, source_of(v, reg));
	vm_stop_l1(v, "MOV CR%u of L2 exited, which nobody asked for", cr);
	return EXIT_STOP;
}
