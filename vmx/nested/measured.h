/* SPDX-License-Identifier: MIT */
/*
 * The pages of L1's memory that a vmcs12 names and L0 uses for as long as L2 runs with it. With
 * caches an entry or an exit does nothing about them: what L0 made of a page stays, and a page that
 * changes or goes says so. In the modes that are there to be measured (hv/pfn_cache_mode.h) each
 * entry to L2 and each exit to L1 reaches for all of them, by the way of that mode.
 */
#ifndef VMX_NESTED_MEASURED_H
#define VMX_NESTED_MEASURED_H

#include "vmx/nested/context.h"

void measured_reach_all(struct vcpu *v, const struct context *context);

/* At an entry to L2, and at an exit to L1. */
static inline void measured_reach(struct vcpu *v, const struct context *context)
{
	if (unlikely(v->walk.mode != PFN_CACHE_CACHED))
		measured_reach_all(v, context);
}

#endif
