/* SPDX-License-Identifier: MIT */
/* APIC virtualization in vmcs01: the controls of the APIC's mode, and what the CPU goes by. */
#include "vmx/apicv.h"
#include "hv/errno.h"
#include "hv/log.h"
#include "hv/platform.h"
#include "mm/ept01.h"
#include "mm/page.h"
#include "vmx/caps.h"
#include "vmx/events.h"
#include "vmx/ops.h"
#include "vmx/request.h"
#include "vmx/vm.h"

static const char *const level_names[] = {
	[APICV_NONE] = "software",
	[APICV_TPR] = "software, TPR by the CPU",
	[APICV_FULL] = "registers and interrupts by the CPU",
};

static u32 cpu2_allowed(void)
{
	return vmx_caps()->allowed1[CONTROL_SET_CPU2];
}

static bool has_access_page(const struct vm *vm)
{
	return vm->apicv != APICV_NONE && (cpu2_allowed() & CPU2_APIC_ACCESSES);
}

int apicv_init_vm(struct vm *vm)
{
	vm->apicv = vm->config->software_apic
			    ? APICV_NONE
			    : apicv_level_of(vmx_caps()->allowed1[CONTROL_SET_CPU], cpu2_allowed());
	vm->hides_virtual_events = platform_is_bochs();
	log_line("L1", "local APICs: %s", level_names[vm->apicv]);
	if (!has_access_page(vm))
		return 0;
	vm->apic_access_page = page_alloc(0);
	if (!vm->apic_access_page)
		return -ENOMEM;
	return ept01_overlay_create(vm->memory, l1_gpa_to_l1_gfn(l1_gpa(LAPIC_DEFAULT_BASE)),
				    hpa_to_pfn(page_to_hpa(vm->apic_access_page)));
}

static void write_eoi_exits(struct vcpu *v)
{
	u64 bitmap[4];

	lapic_level_vectors(&v->lapic, bitmap);
	for (u32 i = 0; i < ARRAY_SIZE(bitmap); i++)
		vmcs_write((enum vmcs_field)(VMCS_EOI_EXIT_BITMAP0 + 2 * i), bitmap[i]);
	v->lapic.tmr_changed = false;
}

static void write_controls(struct vcpu *v)
{
	u32 cpu2 = apicv_cpu2_controls(v->apicv.level, &v->lapic, cpu2_allowed());

	vmcs_write(VMCS_CPU_CONTROLS2,
		   (vmcs_read(VMCS_CPU_CONTROLS2) & ~(u64)APICV_CPU2_CONTROLS) | cpu2);
	apicv_msr_bitmap(v->msr_bitmap, cpu2);
	if (apicv_delivers(&v->apicv))
		write_eoi_exits(v);
}

void apicv_create(struct vcpu *v)
{
	struct vm *vm = v->vm;

	v->apicv = (struct apicv){ .level = apicv_level_now(vm->apicv, &v->lapic),
				   .has_page = apicv_page_is_at(&v->lapic) };
	v->vmcs01.cpu_controls |= apicv_cpu_controls(v->apicv.level);
	vmcs_write(VMCS_CPU_CONTROLS, v->vmcs01.cpu_controls);
	if (v->apicv.level == APICV_NONE)
		return;
	vmcs_write(VMCS_VIRTUAL_APIC_ADDR, page_to_hpa(v->lapic.page).raw);
	vmcs_write(VMCS_TPR_THRESHOLD, 0);
	if (has_access_page(vm))
		vmcs_write(VMCS_APIC_ACCESS_ADDR, page_to_hpa(vm->apic_access_page).raw);
	write_controls(v);
}

/* One EPT01 serves all vCPUs, so the page goes when the first APIC is elsewhere. */
static void follow_page(struct vcpu *v)
{
	bool has_page = apicv_page_is_at(&v->lapic);

	if (!has_access_page(v->vm) || has_page == v->apicv.has_page)
		return;
	v->apicv.has_page = has_page;
	if (has_page)
		ept01_overlay_show(v->vm->memory);
	else
		ept01_overlay_hide(v->vm->memory);
}

void apicv_mode_changed(struct vcpu *v)
{
	if (v->apicv.level == APICV_NONE)
		return;
	follow_page(v);
	v->apicv.level = apicv_level_now(v->vm->apicv, &v->lapic);
	write_controls(v);
	/* Translations remember whether they lead to the APIC-access page (SDM "Issues Pertaining
	 * to Page Size and TLB Management"). */
	vcpu_request(v, REQUEST_FLUSH_EPT | REQUEST_EVENT);
}

u32 apicv_event_cut_short(const struct vcpu *v, u32 info)
{
	if (!v->vm->hides_virtual_events || !apicv_delivers(&v->apicv) || vcpu_is_in_l2(v) ||
	    !may_take_interrupt(vmcs_read(VMCS_GUEST_RFLAGS),
				vmcs_read(VMCS_GUEST_INTERRUPTIBILITY)))
		return info;
	return apicv_event_in_service(&v->lapic, info);
}

static void write_threshold(struct vcpu *v)
{
	u32 threshold = lapic_tpr_threshold(&v->lapic);

	if (threshold == v->apicv.tpr_threshold)
		return;
	v->apicv.tpr_threshold = threshold;
	vmcs_write(VMCS_TPR_THRESHOLD, threshold);
}

/* The CPU evaluates what is pending at the entry; L0 has to know of a wake-up only. */
static void prepare_delivery(struct vcpu *v)
{
	vmcs_write(VMCS_GUEST_INTR_STATUS, apicv_interrupt_status(&v->lapic));
	if (unlikely(v->lapic.tmr_changed))
		write_eoi_exits(v);
	if (v->activity == VCPU_HALTED && lapic_pending_vector(&v->lapic) != LAPIC_NO_VECTOR &&
	    may_take_interrupt(vmcs_read(VMCS_GUEST_RFLAGS),
			       vmcs_read(VMCS_GUEST_INTERRUPTIBILITY)))
		v->activity = VCPU_ACTIVE;
}

void apicv_before_entry(struct vcpu *v)
{
	if (apicv_delivers(&v->apicv))
		prepare_delivery(v);
	else
		write_threshold(v);
}
