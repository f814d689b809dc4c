/* SPDX-License-Identifier: MIT */
/* Free places. A range of RAM is cut to the demand's bounds first, so that no address wraps. */
#include "hv/guest/load_place.h"

/* An empty copy keeps a byte, and so its page, to itself. */
static u64 end_of(const struct load_copy *copy)
{
	return copy->to.raw + MAX(copy->bytes + copy->zero_bytes, 1);
}

/* The first copy of the plan that overlaps [base, end), or NULL. */
static const struct load_copy *find_overlap(const struct load_plan *plan, u64 base, u64 end)
{
	for (u32 i = 0; i < plan->copy_count; i++) {
		const struct load_copy *copy = &plan->copies[i];

		if (copy->to.raw < end && base < end_of(copy))
			return copy;
	}
	return NULL;
}

/* The demand cut to a range; false: nothing is left. */
static bool cut(const struct load_range *range, const struct load_demand *demand,
		struct load_demand *left)
{
	*left = *demand;
	left->base = MAX(demand->base, range->base.raw);
	left->end = MIN(demand->end, range->base.raw + range->bytes);
	return range->type == LOAD_RAM && left->base < left->end;
}

static u64 lowest_of(const struct load_plan *plan, const struct load_demand *demand)
{
	u64 base = ALIGN_UP(demand->base, demand->alignment);

	while (base < demand->end && demand->bytes <= demand->end - base) {
		const struct load_copy *taken = find_overlap(plan, base, base + demand->bytes);

		if (!taken)
			return base;
		base = ALIGN_UP(end_of(taken), demand->alignment);
	}
	return 0;
}

static u64 highest_of(const struct load_plan *plan, const struct load_demand *demand)
{
	u64 end = demand->end;

	while (end > demand->base && demand->bytes <= end - demand->base) {
		u64 base = ALIGN_DOWN(end - demand->bytes, demand->alignment);
		const struct load_copy *taken;

		if (base < demand->base)
			break;
		taken = find_overlap(plan, base, base + demand->bytes);
		if (!taken)
			return base;
		end = taken->to.raw;
	}
	return 0;
}

u64 load_place_low(const struct load_request *request, const struct load_plan *plan,
		   const struct load_demand *demand)
{
	struct load_demand part;
	u64 found = 0;

	for (u32 i = 0; i < request->range_count && !found; i++)
		found = cut(&request->ranges[i], demand, &part) ? lowest_of(plan, &part) : 0;
	return found;
}

u64 load_place_high(const struct load_request *request, const struct load_plan *plan,
		    const struct load_demand *demand)
{
	struct load_demand part;
	u64 found = 0;

	for (u32 i = request->range_count; i-- > 0 && !found;)
		found = cut(&request->ranges[i], demand, &part) ? highest_of(plan, &part) : 0;
	return found;
}

u64 load_ram_until(const struct load_request *request, u64 base, u64 end)
{
	for (u32 i = 0; i < request->range_count; i++) {
		const struct load_range *range = &request->ranges[i];

		if (range->type == LOAD_RAM && base - range->base.raw < range->bytes)
			return MIN(end, range->base.raw + range->bytes);
	}
	return base;
}
