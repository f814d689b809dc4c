/* SPDX-License-Identifier: MIT */
/* What nested VMX needs, all of it taken at boot: nothing that L1 does later can use it up. */
#include "hv/errno.h"
#include "hv/log.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "mm/ept01.h"
#include "mm/ept01_protect.h"
#include "mm/page.h"
#include "vmx/control_regs.h"
#include "vmx/cpu_vmx.h"
#include "vmx/exit_msr.h"
#include "vmx/nested/caps12.h"
#include "vmx/nested/ept02.h"
#include "vmx/nested/identity_ept.h"
#include "vmx/nested/nested.h"
#include "vmx/nested_calls.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

#define EPT02_TABLE_ORDER 9u /* 512 tables: 2 MiB */

/* The reserved bits of these MSRs are those of L1's own WRMSR (msr_access.c, exit_msr.c). */
#define EFER_OF_L1        (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

_Static_assert(VCPUS_MAX == EPT02_VCPUS, "a root counts for each vCPU");
_Static_assert(VCPUS_MAX + VCPUS_MAX * CONFIG_CONTEXTS_MAX <= 0xffff, "a VPID for each context");
_Static_assert(!(DERIVE_ALL & DIRTY_PLAN), "the groups have other bits");
_Static_assert(sizeof(struct context) <= PAGE_SIZE, "a context is a page, besides what it holds");

struct field_effect field_effects[VMCS12_ROWS];

static void make_effects(void)
{
	for (u32 row = 0; row < VMCS12_ROWS; row++)
		field_effects[row] = (struct field_effect){
			.mask = vmcs12_masks[row],
			.unchecked = entry_check_readers[row],
			.dirty = (u16)(derive_marks((enum vmcs12_row)row) |
				       (plan_reads[row] ? DIRTY_PLAN : 0)),
			.is_special = entry_check_is_special((enum vmcs12_row)row),
			.is_info = vmcs_field_table[row].kind == VMCS_EXIT_INFO,
		};
}

static void *alloc(u64 bytes)
{
	return page_alloc(page_order(bytes));
}

/* What L0 needs of each vmcs02. CR8 is L1's local APIC's, so each access exits. */
static void fill_derive_inputs(struct derive_inputs *in, const struct vm *vm)
{
	const struct vmx_caps *host = vmx_caps();

	for (u32 set = 0; set < CONTROL_SETS; set++)
		in->l0_controls[set] = vmx_controls_for((enum control_set)set);
	in->l0_controls[CONTROL_SET_CPU] |= CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING;
	in->l0_exceptions = VMCS01_EXCEPTION_BITMAP;
	in->cr0_fixed0 = host->cr0_fixed0;
	in->cr4_fixed0 = host->cr4_fixed0;
	in->cr4_guest = vm->cr4_allowed & ~(u64)(CR4_VMXE | CR4_L0_ON);
}

/* It takes five pages with what it holds (boot/ranges.h). */
static int create_context(struct vm *vm, struct context_pool *pool, u16 vpid02)
{
	struct context *context = alloc(sizeof(*context));

	if (!context)
		return -ENOMEM;
	context_pool_add(pool, context);
	pages_create(&context->pages, vm->memory);
	context->vpid02 = vmx_controls_for(CONTROL_SET_CPU2) & CPU2_ENABLE_VPID ? vpid02 : 0;
	context->vpid_owner = CONTEXT_NOBODY;
	if (vmcs02_create(context))
		return -ENOMEM;
	vmcs02_clear(context);
	return shadow_create(context);
}

/* The vCPU whose VMPTRLD recycles it is this CPU's, and so is the context's hardware state. A VMCS
 * that was cleared is L1's memory, of which nothing is ours any more. */
static void evict(struct context *context)
{
	struct vcpu *v = this_cpu()->vcpu;

	if (!context->is_clear) {
		nested_sync(v, context);
		nested_write_back(v->vm, context);
	}
	vmcs02_clear(context);
	vmcs_load(v->vmcs->page);
}

static int create_contexts(struct vm *vm, struct nested_vm *nested)
{
	u32 count = vm->vcpu_count * vm->config->contexts;

	context_pool_create(&nested->contexts, evict);
	for (u32 i = 0; i < count; i++)
		if (create_context(vm, &nested->contexts, (u16)(VCPUS_MAX + 1 + i)))
			return -ENOMEM;
	return pfn_cache_expect(vm->memory, count * L2_PAGES);
}

static int create_ept02(struct vm *vm, struct nested_vm *nested)
{
	const struct ept02_config config = {
		.memory = vm->memory,
		.order = EPT02_TABLE_ORDER,
		.roots = 4 * vm->vcpu_count,
		.singles = vm->vcpu_count * vm->config->contexts,
		.avoid = l1_gpa_to_l1_gfn(l1_gpa(LAPIC_DEFAULT_BASE)),
		.ops = ept02_glue_init(vm),
	};

	nested->ept02 = ept02_create(&config);
	if (!nested->ept02)
		return -ENOMEM;
	return ept01_protect_create(vm->memory, 2 * BIT(EPT02_TABLE_ORDER));
}

int nested_create_vm(struct vm *vm)
{
	struct nested_vm *nested = alloc(sizeof(*nested));

	if (!nested)
		return -ENOMEM;
	vm->nested = nested;
	caps12_build(&nested->caps, vmx_caps(), vm->cr4_allowed);
	identity_ept_caps(&nested->identity_caps, &nested->caps);
	make_effects();
	vmcs12_index_build(&nested->fields, &nested->caps);
	nested->check_cpu = (struct entry_check_cpu){
		.caps = &nested->caps,
		.efer = EFER_OF_L1,
		.debugctl = DEBUGCTL_BTF,
	};
	fill_derive_inputs(&nested->derive, vm);
	nested->msr_bitmap = page_alloc(0);
	if (!nested->msr_bitmap || shadow_create_vm(nested) || create_contexts(vm, nested) ||
	    create_ept02(vm, nested))
		return -ENOMEM;
	msr_bitmap_for_l1(nested->msr_bitmap);
	log_line("nested", "%u contexts, %u tables of EPT02, VMCS shadowing %s",
		 nested->contexts.count, 1u << EPT02_TABLE_ORDER,
		 nested->vmread_bitmap ? "on" : "off");
	return 0;
}

int nested_create_vcpu(struct vcpu *v)
{
	v->nested = alloc(sizeof(*v->nested));
	if (!v->nested)
		return -ENOMEM;
	v->nested->derive = v->vm->nested->derive;
	v->nested->ept02.index = v->index;
	return 0;
}
