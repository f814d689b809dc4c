/* SPDX-License-Identifier: MIT */
/*
 * The kick of a change of L1's memory: REQUEST_FLUSH_EPT to each vCPU on the CPUs that are told.
 * No vCPU compares EPT01's generation at its entries: the request stands for it. The leaves have
 * left EPT01 before the request is set (full order), so whoever takes the request and does INVEPT
 * has nothing left of them afterwards; their frames become free after the wait.
 *
 *   vCPU in its guest:     called out by NMI; the gate does not let it in again before INVEPT
 *   vCPU in root, idle:    it meets the gate, and INVEPT, before its next entry
 *   the changer's own:     in root; the same
 *   CPU not in the mask:   it has joined later, hence attach() sets the request after the change
 *
 * A vCPU whose VMCS has a frame that goes away gets REQUEST_PAGE: it leaves its guest, and does not
 * enter again with that VMCS while the gate that the change raised (mm/pfn_cache.h) is up.
 */
#include "vmx/vm_change.h"
#include "hv/percpu.h"
#include "mm/change.h"
#include "vmx/nested_calls.h"
#include "vmx/request.h"

static const struct vm *the_vm; /* constant after boot */

/*
 * A vCPU without a CPU yet runs nowhere: attach() stores the CPU before it sets the request, which
 * is then set after the change.
 */
static bool is_on(const struct vcpu *v, u64 cpu_mask)
{
	const struct cpu *cpu = __atomic_load_n(&v->cpu, __ATOMIC_ACQUIRE);

	return cpu && (cpu_mask & BIT(cpu->index));
}

static void kick_and_wait(u64 cpu_mask)
{
	for (u32 i = 0; i < the_vm->vcpu_count; i++)
		if (is_on(the_vm->vcpus[i], cpu_mask))
			vcpu_request(the_vm->vcpus[i], REQUEST_FLUSH_EPT);
	for (u32 i = 0; i < the_vm->vcpu_count; i++)
		if (is_on(the_vm->vcpus[i], cpu_mask))
			vcpu_wait_out(the_vm->vcpus[i], REQUEST_FLUSH_EPT);
}

static void call_out(u64 vcpu_mask)
{
	for (u64 left = vcpu_mask; left; left &= left - 1)
		vcpu_request(the_vm->vcpus[__builtin_ctzll(left)], REQUEST_PAGE);
	for (u64 left = vcpu_mask; left; left &= left - 1)
		vcpu_wait_out(the_vm->vcpus[__builtin_ctzll(left)], REQUEST_PAGE);
}

static void zap(struct gfn_range range, struct change_shadow *shadow)
{
	nested_zap(the_vm, range, shadow);
}

static void zap_end(struct change_shadow *shadow)
{
	nested_zap_end(the_vm, shadow);
}

static void page_written(l1_gfn_t gfn)
{
	nested_page_written(the_vm, gfn);
}

void vm_change_init(const struct vm *vm)
{
	_Static_assert(VCPUS_MAX <= PFN_CACHE_HOLDERS, "every vCPU can hold a page");
	static const struct change_ops ops = { .kick_and_wait = kick_and_wait,
					       .call_out = call_out,
					       .zap = zap,
					       .zap_end = zap_end,
					       .page_written = page_written };

	the_vm = vm;
	change_set_ops(&ops);
}
