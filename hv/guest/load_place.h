/* SPDX-License-Identifier: MIT */
/* Finds free places: RAM where nothing of the plan lies yet. Pure. */
#ifndef HV_GUEST_LOAD_PLACE_H
#define HV_GUEST_LOAD_PLACE_H

#include "hv/guest/load_plan.h"

struct load_demand {
	u64 base, end; /* within */
	u64 bytes;     /* > 0 */
	u64 alignment; /* a power of two */
};

/* The lowest and the highest such place; 0: there is none. */
u64 load_place_low(const struct load_request *request, const struct load_plan *plan,
		   const struct load_demand *demand);
u64 load_place_high(const struct load_request *request, const struct load_plan *plan,
		    const struct load_demand *demand);

/* The first address from base on that is not RAM, at most end. */
u64 load_ram_until(const struct load_request *request, u64 base, u64 end);

#endif
