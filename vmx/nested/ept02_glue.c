/* SPDX-License-Identifier: MIT */
/* What EPT02 asks of L0, and what L0's changes of L1's memory ask of EPT02. */
#include "hv/errno.h"
#include "mm/change.h"
#include "vmx/nested/ept02.h"
#include "vmx/nested/identity_ept.h"
#include "vmx/nested/nested.h"
#include "vmx/nested_calls.h"
#include "vmx/request.h"
#include "vmx/vm.h"

/* Every table is read again by every INVEPT: nothing is protected. */
static int protect(void *context, l1_gfn_t gfn)
{
	const struct vm *vm = context;

	/* What L0 computes nobody writes to. */
	return identity_ept_has_table(&vm->nested->identity_caps, gfn) ? 0 : -ENOTSUP;
}

static void unprotect(void *context, l1_gfn_t gfn)
{
	(void)context;
	(void)gfn;
}

/* L1's INVEPT on one vCPU takes tables away that another may be walking. */
static void kick_and_wait(void *context)
{
	const struct vm *vm = context;

	for (u32 i = 0; i < vm->vcpu_count; i++)
		vcpu_request(vm->vcpus[i], REQUEST_FLUSH_EPT);
	for (u32 i = 0; i < vm->vcpu_count; i++)
		vcpu_wait_out(vm->vcpus[i], REQUEST_FLUSH_EPT);
}

const struct ept02_ops *ept02_glue_init(struct vm *vm)
{
	static struct ept02_ops ops = { protect, unprotect, kick_and_wait, NULL };

	ops.context = vm;
	return &ops;
}

void nested_zap(const struct vm *vm, struct gfn_range range, struct change_shadow *shadow)
{
	struct ept02_zapped zapped = { shadow->tables, shadow->flush };

	ept02_zap_l1(vm->nested->ept02, l1_gfn(range.first), range.pages, &zapped);
	*shadow = (struct change_shadow){ zapped.tables, zapped.flush };
}

void nested_zap_end(const struct vm *vm, struct change_shadow *shadow)
{
	struct ept02_zapped zapped = { shadow->tables, shadow->flush };

	ept02_zap_end(vm->nested->ept02, &zapped);
}
