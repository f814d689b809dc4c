/* SPDX-License-Identifier: MIT */
/* The hypercalls that measure the index of pfn-caches (hv/abi.h). They return 0 or a negative error
 * number. */
#ifndef VMX_CACHE_CALLS_H
#define VMX_CACHE_CALLS_H

#include "vmx/hypercall.h"

s64 call_caches(struct hypercall *c);
s64 call_invalidate(struct hypercall *c);

#endif
