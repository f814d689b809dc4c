/* SPDX-License-Identifier: MIT */
/* The hypercalls that change L1's memory (hv/abi.h). They return 0 or a negative error number. */
#ifndef VMX_REGION_CALLS_H
#define VMX_REGION_CALLS_H

#include "vmx/hypercall.h"

s64 call_region_add(struct hypercall *c);
s64 call_region_delete(struct hypercall *c);
s64 call_region_move(struct hypercall *c);
s64 call_region_flags(struct hypercall *c);
s64 call_dirty_log(struct hypercall *c);
s64 call_region_find(struct hypercall *c);
s64 call_pages_migrate(struct hypercall *c);
s64 call_balloon_out(struct hypercall *c);
s64 call_balloon_in(struct hypercall *c);
s64 call_page_poison(struct hypercall *c);

#endif
