/* SPDX-License-Identifier: MIT */
/* The virtual-APIC and the APIC-access page (SDM "APIC Virtualization"): looked up, written to
 * vmcs02, waited for. */
#include "vmx/nested/pages.h"
#include "hv/errno.h"
#include "hv/tsc.h"
#include "vmx/nested/ept02.h"
#include "vmx/nested/nested.h"
#include "vmx/request.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

#define WAITS_A_SECOND 10u /* a wait's part of a second */

static const struct {
	enum vmcs12_row address;
	enum vmcs_field field;
	const char *name;
} rows[L2_PAGES] = {
	[L2_PAGE_VIRTUAL_APIC] = { VMCS12_ROW_VIRTUAL_APIC_ADDR, VMCS_VIRTUAL_APIC_ADDR,
				   "virtual-APIC page" },
	[L2_PAGE_APIC_ACCESS] = { VMCS12_ROW_APIC_ACCESS_ADDR, VMCS_APIC_ACCESS_ADDR,
				  "APIC-access page" },
};

/* Without the page L1 still sees each access to CR8, and nothing else looks at it. */
static bool may_do_without(const struct vmcs12 *v12, enum l2_page page)
{
	const u32 both = CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING;

	return page == L2_PAGE_VIRTUAL_APIC && (v12->CPU_CONTROLS & both) == both &&
	       !nested_has_control2(v12, CPU2_APIC_ACCESSES);
}

void pages_create(struct l2_pages *pages, struct vm_memory *memory)
{
	for (u32 i = 0; i < L2_PAGES; i++)
		pfn_cache_init_guest(&pages->caches[i], memory, &pages->user, i);
	pages->vcpu = CONTEXT_NOBODY;
}

void pages_replanned(struct context *context)
{
	struct l2_pages *pages = &context->pages;

	pages->is_taken = false;
	for (u32 i = 0; i < L2_PAGES; i++)
		if (!(context->plan.pages >> i & 1)) /* what is cached meanwhile does not know it */
			pages->written[i] = 0;
}

/* The APIC-access page of this context, or none, is a leaf of its own. */
static void keep_single(const struct vm *vm, struct l2_pages *pages, u64 single)
{
	if (pages->single == single)
		return;
	if (single)
		ept02_keep_single(vm->nested->ept02, l1_gfn(single - 1));
	if (pages->single)
		ept02_let_grow(vm->nested->ept02, l1_gfn(pages->single - 1));
	pages->single = single;
}

static void drop(const struct vm *vm, struct l2_pages *pages, u32 page)
{
	if (pfn_cache_is_active(&pages->caches[page]))
		pfn_cache_deactivate(&pages->caches[page]);
	if (page == L2_PAGE_APIC_ACCESS)
		keep_single(vm, pages, 0);
	pages->wanted[page] = 0;
}

void pages_forget(const struct vm *vm, struct context *context)
{
	struct l2_pages *pages = &context->pages;

	for (u32 i = 0; i < L2_PAGES; i++) {
		drop(vm, pages, i);
		pages->written[i] = 0;
	}
	pages->missing = 0;
	pages->is_taken = false;
}

/* 0, or pfn_cache_use's error. */
static int look_at(const struct vcpu *v, struct context *context, u32 page)
{
	struct l2_pages *pages = &context->pages;
	struct pfn_cache *cache = &pages->caches[page];
	l1_gpa_t gpa = l1_gpa(context->v12.fields[rows[page].address]);
	pfn_t pfn;
	int rc;

	if (pfn_cache_is_active(cache) && cache->gpa.raw != gpa.raw)
		pfn_cache_deactivate(cache);
	if (!pfn_cache_is_active(cache))
		pfn_cache_activate(cache, gpa);
	if (page == L2_PAGE_APIC_ACCESS)
		keep_single(v->vm, pages, (gpa.raw >> PAGE_SHIFT) + 1);
	rc = pfn_cache_use(cache, v->index, &pfn);
	if (!rc)
		pages->wanted[page] = pfn_to_hpa(pfn).raw;
	return rc;
}

/* The vCPU that had the context is not to be called out for it any more. */
static void change_user(const struct vcpu *v, struct l2_pages *pages)
{
	for (u32 i = 0; i < L2_PAGES && pages->vcpu != CONTEXT_NOBODY; i++)
		if (pfn_cache_is_active(&pages->caches[i]))
			pfn_cache_unuse(&pages->caches[i], pages->vcpu);
	pages->vcpu = v->index;
}

static enum pages_result look(struct vcpu *v, struct context *context)
{
	struct l2_pages *pages = &context->pages;
	u32 used = context->plan.pages;

	pages->missing = 0;
	for (u32 i = 0; i < L2_PAGES; i++) {
		int rc = 0;

		if (used >> i & 1)
			rc = look_at(v, context, i);
		else
			drop(v->vm, pages, i);
		if (rc == -EBUSY)
			return PAGES_BUSY;
		if (rc)
			pages->missing |= 1u << i;
	}
	for (u32 i = 0; i < L2_PAGES; i++)
		if ((pages->missing >> i & 1) && !may_do_without(&context->v12, i))
			return PAGES_NO_MEMORY;
	return PAGES_READY;
}

enum pages_result pages_look(struct vcpu *v, struct context *context)
{
	struct l2_pages *pages = &context->pages;
	u32 missed = pages->missing;
	enum pages_result result;

	/* The gate is read before the entry declares itself: who raises it later calls it out. */
	if (likely(pages->is_taken && pages->vcpu == v->index && !READ_ONCE(pages->user.stale)))
		return PAGES_READY;
	if (pages->vcpu != v->index)
		change_user(v, pages);
	result = look(v, context);
	pages->is_taken = result == PAGES_READY && !pages->missing;
	if (pages->missing != missed)
		context->dirty |= 1u << DERIVE_CONTROLS | 1u << DERIVE_APIC;
	if (result == PAGES_READY)
		v->nested->page_deadline = 0;
	return result;
}

/*
 * SDM "Issues Pertaining to Page Size and TLB Management": whether a translation leads to the
 * APIC-access page may be cached with it.
 */
static void flush(const struct context *context)
{
	vpid_flush(context->vpid02);
	vmx_invept(vmx_invept_type(), context->eptp);
}

void pages_write(struct context *context)
{
	struct l2_pages *pages = &context->pages;

	for (u32 i = 0; i < L2_PAGES; i++) {
		if (likely(pages->written[i] == pages->wanted[i]))
			continue;
		pages->written[i] = pages->wanted[i];
		if (pages->wanted[i])
			vmcs_write(rows[i].field, pages->wanted[i]);
		if (i == L2_PAGE_APIC_ACCESS)
			flush(context);
	}
}

bool pages_wait(struct vcpu *v, const struct context *context)
{
	u64 now = rdtsc();
	u32 page = (u32)__builtin_ctz(context->pages.missing);

	if (!v->nested->page_deadline)
		v->nested->page_deadline = now + tsc_hz() / WAITS_A_SECOND;
	if (now < v->nested->page_deadline) {
		if (vm_shares_cpus(v->vm)) /* who brings it back may be another vCPU of this CPU */
			vcpu_request(v, REQUEST_LEAVE);
		return false;
	}
	vm_stop_l1(v, "the %s of the L2 of VMCS 0x%llx, at 0x%llx, has no memory", rows[page].name,
		   (unsigned long long)context->vmptr.raw,
		   (unsigned long long)context->v12.fields[rows[page].address]);
	return true;
}

/* vmcs02 is current, and its controls follow what pages there are; L0's own windows are not among
 * them. */
static void write_again(struct vcpu *v, struct context *context)
{
	if (context->dirty) {
		nested_update(v, context);
		vcpu_request(v, REQUEST_EVENT);
	}
	pages_write(context);
}

void pages_again(struct vcpu *v)
{
	struct context *context = v->nested->current;

	switch (pages_look(v, context)) {
	case PAGES_READY:
		write_again(v, context);
		return;
	case PAGES_NO_MEMORY:
		if (pages_wait(v, context))
			return;
		break;
	case PAGES_BUSY:
		break;
	}
	vcpu_request(v, REQUEST_PAGE);
}
