/* SPDX-License-Identifier: MIT */
/* The hypercalls that change L1's memory (hv/abi.h). They return 0 or a negative error number. */
#ifndef VMX_REGION_CALLS_H
#define VMX_REGION_CALLS_H

#include "vmx/vcpu.h"

s64 call_region_add(struct vcpu *v);
s64 call_region_delete(struct vcpu *v);
s64 call_region_move(struct vcpu *v);
s64 call_region_flags(struct vcpu *v);
s64 call_dirty_log(struct vcpu *v);
s64 call_region_find(struct vcpu *v);
s64 call_pages_migrate(struct vcpu *v);
s64 call_balloon_out(struct vcpu *v);
s64 call_balloon_in(struct vcpu *v);
s64 call_page_poison(struct vcpu *v);

#endif
