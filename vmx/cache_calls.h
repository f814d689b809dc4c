/* SPDX-License-Identifier: MIT */
/* The hypercalls that measure the index of pfn-caches (hv/abi.h). They return 0 or a negative error
 * number. */
#ifndef VMX_CACHE_CALLS_H
#define VMX_CACHE_CALLS_H

#include "vmx/vcpu.h"

s64 call_caches(struct vcpu *v);
s64 call_invalidate(struct vcpu *v);

#endif
