/* SPDX-License-Identifier: MIT */
/* The state of a vCPU that no VMCS holds. */
#include "vmx/vcpu.h"
#include "hv/errno.h"
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "mm/page.h"
#include "vmx/caps.h"
#include "vmx/cpu_vmx.h"
#include "vmx/events.h"
#include "vmx/nested_calls.h"
#include "vmx/ops.h"
#include "vmx/vm.h"

#define MISC_ENABLE_FAST_STRINGS BIT(0)
#define MISC_ENABLE_NO_BTS       BIT(11)
#define MISC_ENABLE_NO_PEBS      BIT(12)

void vcpu_switch_vmcs(struct vcpu *v, struct hw_vmcs *vmcs)
{
	v->vmcs->launched = v->launched;
	v->vmcs->host_rsp = v->host_rsp;
	v->vmcs = vmcs;
	v->launched = vmcs->launched;
	vmcs_load(vmcs->page);
	if (unlikely(vmcs->host_rsp != v->host_rsp)) {
		vmcs->host_rsp = v->host_rsp;
		vmcs_write(VMCS_HOST_RSP, v->host_rsp);
	}
	events_timer_control(v);
}

int vcpu_create(struct vcpu *v, struct vm *vm, u32 index)
{
	struct lapic_config config = {
		.page = page_alloc(0),
		.id = index,
		.physical_bits = vmx_caps()->physical_bits,
		.tsc_per_tick = vm->tsc_per_tick,
		.is_bsp = index == 0,
	};

	if (!config.page)
		return -ENOMEM;
	v->vm = vm;
	v->index = index;
	v->activity = index == 0 ? VCPU_ACTIVE : VCPU_WAIT_FOR_SIPI;
	v->timer_due = LAPIC_NEVER;
	v->slice_end = LAPIC_NEVER;
	v->l2_timer_due = LAPIC_NEVER;
	v->deadline = LAPIC_NEVER;
	guest_mtrr_init(&v->mtrrs, vm->memory_end_below_4g, vmx_caps()->physical_bits);
	lapic_create(&v->lapic, &config);
	if (config.is_bsp)
		lapic_wire_lint(&v->lapic);
	walk_cache_init(&v->walk, vm->memory, index);
	walk_cache_set_mode(&v->walk, vm->config->pfn_cache);
	return nested_create_vcpu(v);
}

void vcpu_reset(struct vcpu *v)
{
	nested_reset(v);
	v->misc_enable = MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS;
	v->tsc_offset = 0;
	v->cpuid =
		(struct cpuid_context){ .xcr0 = XCR0_X87, .apic_id = v->index, .has_apic = true };
}
