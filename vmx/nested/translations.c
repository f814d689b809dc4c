/* SPDX-License-Identifier: MIT */
/*
 * L2's translations on this CPU. An L2 runs on the root of EPT02 that its EPTP12 chooses. Each
 * context has a VPID of its own; what L1's INVVPID asks for is done at the next entry of each
 * context, and so is what an entry without VPID does.
 */
#include "vmx/nested/ept02.h"
#include "vmx/nested/identity_ept.h"
#include "vmx/nested/nested.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

/* The vCPU uses one root at a time: that of the L2 that it entered last. After its INVEPT it gets
 * it again. */
static void choose_root(struct vcpu *v, struct context *context, u64 eptp12)
{
	struct nested *nested = v->nested;
	struct ept02 *pool = v->vm->nested->ept02;

	if (nested->root)
		ept02_root_put(pool, nested->root);
	nested->root = ept02_root_get(pool, &nested->ept02, eptp12, context->root);
	context->root = nested->root;
}

static void write_eptp(struct context *context, u64 eptp)
{
	if (likely(context->eptp == eptp))
		return;
	context->eptp = eptp;
	vmcs_write(VMCS_EPT_POINTER, eptp);
}

static void flush_root(struct vcpu *v, struct context *context)
{
	if (unlikely(ept02_flush_owed(v->nested->root, v->cpu->index)))
		vmx_invept(vmx_invept_type(), context->eptp);
}

u64 nested_eptp12(const struct vcpu *v, const struct vmcs12 *v12)
{
	return likely(nested_has_ept(v12)) ? v12->EPT_POINTER
					   : identity_eptp(&v->vm->nested->identity_caps);
}

static void enter_ept(struct vcpu *v, struct context *context)
{
	struct ept02_root *root = v->nested->root;

	if (unlikely(!root || !ept02_root_is_for(root, &v->nested->ept02, context->plan.eptp12)))
		choose_root(v, context, context->plan.eptp12);
	write_eptp(context, ept02_pointer(v->nested->root));
	flush_root(v, context);
}

void translations_enter(struct vcpu *v, struct context *context)
{
	const struct nested *nested = v->nested;

	enter_ept(v, context);
	if (likely(!(context->plan.extras & ENTRY_FLUSHES) &&
		   context->vpid_epoch == nested->vpid_epoch && context->vpid_owner == v->index &&
		   context->vpid12 == context->v12.VPID))
		return;
	context->vpid_epoch = nested->vpid_epoch;
	context->vpid_owner = v->index;
	context->vpid12 = (u16)context->v12.VPID;
	vpid_flush(context->vpid02);
}

void translations_flush(struct vcpu *v)
{
	if (vcpu_is_in_l2(v))
		flush_root(v, v->nested->current);
}

void translations_leave(struct vcpu *v)
{
	if (v->nested->root)
		ept02_root_put(v->vm->nested->ept02, v->nested->root);
	v->nested->root = NULL;
}
