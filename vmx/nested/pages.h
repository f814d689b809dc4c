/* SPDX-License-Identifier: MIT */
/*
 * Pages of L1's memory that the CPU itself uses while L2 runs: vmcs02 has their frames. Each is
 * held by a pfn-cache for guest use, so a change of L1's memory that takes one away raises the gate
 * of the context and calls the vCPU out; it does not enter with that vmcs02 again before it has the
 * frame that is there now.
 *
 * Where L1 has no memory at such a page: the entry fails (error 7) or, where L1 sees each access to
 * CR8 anyway, does without TPR shadow. In the midst of L2's turn, and for the APIC-access page,
 * which nothing can do without, L0 waits a while, since regions go and come; then L1 is stopped
 * with a line that names the page.
 */
#ifndef VMX_NESTED_PAGES_H
#define VMX_NESTED_PAGES_H

#include "mm/pfn_cache.h"
#include "vmx/nested/vmcs12.h"

struct context;
struct vcpu;
struct vm;

enum l2_page { L2_PAGE_VIRTUAL_APIC, L2_PAGE_APIC_ACCESS, L2_PAGES };

struct l2_pages {
	struct pfn_cache caches[L2_PAGES];
	struct pfn_user user; /* bit n: of page n vmcs02 has a frame that is not L1's any more */
	u32 vcpu;             /* which the caches know as their user */
	bool is_taken;        /* for vmcs12 as it is */
	u32 missing;          /* pages without memory that the entry does without */
	u64 single;           /* 1 + the gfn that EPT02 keeps a leaf of its own for; 0: none */
	u64 wanted[L2_PAGES]; /* for vmcs02's field: an address; 0: the page is not used */
	u64 written[L2_PAGES];
};

enum pages_result {
	PAGES_READY,
	PAGES_BUSY,      /* a change of L1's memory is under way: try again */
	PAGES_NO_MEMORY, /* at a page that this entry cannot do without: pages_missing */
};

/* Whether the entry does without its virtual-APIC page. */
static inline bool pages_lost_virtual_apic(const struct l2_pages *pages)
{
	return pages->missing & 1u << L2_PAGE_VIRTUAL_APIC;
}

void pages_create(struct l2_pages *pages, struct vm_memory *memory);
/* The context's plan has changed. */
void pages_replanned(struct context *context);
/* The context is another VMCS's. */
void pages_forget(const struct vm *vm, struct context *context);

/* Before an entry, with vmcs12 checked. READY: pages_write puts what was found into vmcs02. */
enum pages_result pages_look(struct vcpu *v, struct context *context);
/* vmcs02 is current, with its EPTP. */
void pages_write(struct context *context);
/* A page went away in L2's turn: vmcs02 gets what is there now, or the vCPU waits. */
void pages_again(struct vcpu *v);
/* The entry has to wait for the APIC-access page's memory; true: it has for too long, and L1 is
 * stopped. */
bool pages_wait(struct vcpu *v, const struct context *context);

#endif
