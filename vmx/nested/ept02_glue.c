/* SPDX-License-Identifier: MIT */
/* What EPT02 asks of L0, and what L0's changes of L1's memory ask of EPT02. */
#include "mm/change.h"
#include "mm/ept01_protect.h"
#include "vmx/nested/ept02.h"
#include "vmx/nested/identity_ept.h"
#include "vmx/nested/nested.h"
#include "vmx/nested_calls.h"
#include "vmx/vm.h"

static bool is_computed(const struct vm *vm, l1_gfn_t gfn)
{
	return identity_ept_has_table(&vm->nested->identity_caps, gfn);
}

/* What L0 computes nobody writes to. */
static int protect(void *context, l1_gfn_t gfn)
{
	const struct vm *vm = context;

	if (is_computed(vm, gfn))
		return 0;
	return ept01_protect(vm->memory, gfn);
}

static void unprotect(void *context, l1_gfn_t gfn)
{
	const struct vm *vm = context;

	if (is_computed(vm, gfn))
		return;
	ept01_unprotect(vm->memory, gfn);
}

/* L1's INVEPT on one vCPU takes tables away that another may be walking. */
static void kick_and_wait(void *context)
{
	const struct vm *vm = context;

	ept01_protect_wait(vm->memory);
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
	msr_bitmap_zap(vm, range);
	*shadow = (struct change_shadow){ zapped.tables, zapped.flush };
}

void nested_zap_end(const struct vm *vm, struct change_shadow *shadow)
{
	struct ept02_zapped zapped = { shadow->tables, shadow->flush };

	ept02_zap_end(vm->nested->ept02, &zapped);
}

void nested_page_written(const struct vm *vm, l1_gfn_t gfn)
{
	msr_bitmap_written(vm, gfn);
	(void)ept02_table_written(vm->nested->ept02, gfn);
}
