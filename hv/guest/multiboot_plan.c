/* SPDX-License-Identifier: MIT */
/* Places a parsed image, its modules and its information block in a machine's memory. */
#include "hv/guest/multiboot.h"
#include "hv/errno.h"
#include "hv/format.h"
#include "hv/panic.h"

_Static_assert(MULTIBOOT_SEGMENTS_MAX + MULTIBOOT_MODULES_MAX + 1 <= LOAD_COPIES_MAX,
	       "a plan has a copy for each segment, each module and the information block");

struct span {
	u64 base;
	u64 end;
};

/* A copy's place with its zeroed part; an empty module keeps a page to itself. */
static struct span copy_span(const struct load_copy *copy)
{
	u64 base = copy->to.raw;

	return (struct span){ base, base + MAX(copy->bytes + copy->zero_bytes, 1) };
}

/* The first copy of the plan that overlaps the span, or NULL. */
static const struct load_copy *find_overlap(const struct load_plan *plan, struct span span)
{
	for (u32 i = 0; i < plan->copy_count; i++) {
		struct span taken = copy_span(&plan->copies[i]);

		if (taken.base < span.end && span.base < taken.end)
			return &plan->copies[i];
	}
	return NULL;
}

static void add_copy(struct load_plan *plan, struct load_copy copy)
{
	plan->copies[plan->copy_count++] = copy;
}

/* The first address from span.base on that is not RAM, at most span.end. */
static u64 ram_until(const struct multiboot_request *request, struct span span)
{
	for (u32 i = 0; i < request->range_count; i++) {
		const struct load_range *range = &request->ranges[i];

		if (range->type == LOAD_RAM && span.base - range->base.raw < range->bytes)
			return MIN(span.end, range->base.raw + range->bytes);
	}
	return span.base;
}

static int place_segments(const struct multiboot_request *request, struct load_plan *plan,
			  struct multiboot_error *error)
{
	const struct multiboot_image *image = request->image;

	for (u32 i = 0; i < image->segment_count; i++) {
		const struct multiboot_segment *segment = &image->segments[i];
		struct span span = { segment->gpa, segment->gpa + segment->memory_bytes };
		u64 end = ram_until(request, span);

		if (end < span.end) {
			format_text(error->text, sizeof(error->text),
				    "multiboot: the image needs 0x%llx-0x%llx, "
				    "and memory at 0x%llx is not free",
				    (unsigned long long)span.base, (unsigned long long)span.end - 1,
				    (unsigned long long)end);
			return -EINVAL;
		}
		add_copy(plan, (struct load_copy){ .to = l1_gpa(segment->gpa),
						   .from = image->file + segment->offset,
						   .bytes = segment->file_bytes,
						   .zero_bytes = segment->memory_bytes -
								 segment->file_bytes });
	}
	return 0;
}

/* What a place is wanted for: so many bytes within bounds, as high or as low as the rule says. */
struct demand {
	struct span bounds;
	u64 bytes;
	u64 (*within)(const struct load_plan *plan, struct span span, u64 bytes);
};

/* The highest free page-aligned place for bytes within the span; 0 when there is none. */
static u64 place_high(const struct load_plan *plan, struct span span, u64 bytes)
{
	const struct load_copy *taken;
	u64 base;

	while (span.end > span.base && bytes <= span.end - span.base) {
		base = ALIGN_DOWN(span.end - bytes, PAGE_SIZE);
		if (base < span.base)
			break;
		taken = find_overlap(plan, (struct span){ base, base + bytes });
		if (!taken)
			return base;
		span.end = taken->to.raw;
	}
	return 0;
}

/* The lowest such place. */
static u64 place_low(const struct load_plan *plan, struct span span, u64 bytes)
{
	const struct load_copy *taken;
	u64 base = ALIGN_UP(span.base, PAGE_SIZE);

	while (base < span.end && bytes <= span.end - base) {
		taken = find_overlap(plan, (struct span){ base, base + bytes });
		if (!taken)
			return base;
		base = ALIGN_UP(copy_span(taken).end, PAGE_SIZE);
	}
	return 0;
}

/* Search the RAM ranges from their lowest, cut to the demand's bounds; 0 when there is none. */
static u64 place(const struct multiboot_request *request, const struct load_plan *plan,
		 struct demand demand)
{
	for (u32 i = 0; i < request->range_count; i++) {
		const struct load_range *range = &request->ranges[i];
		struct span span = { MAX(range->base.raw, demand.bounds.base),
				     MIN(range->base.raw + range->bytes, demand.bounds.end) };
		u64 found = range->type == LOAD_RAM ? demand.within(plan, span, demand.bytes) : 0;

		if (found)
			return found;
	}
	return 0;
}

static int place_modules(const struct multiboot_request *request, struct load_plan *plan,
			 u32 *module_gpas, struct multiboot_error *error)
{
	for (u32 i = 0; i < request->module_count; i++) {
		const struct multiboot_module *module = &request->modules[i];
		struct demand demand = { { MIB, 4 * GIB }, MAX(module->bytes, 1), place_high };
		u64 gpa = place(request, plan, demand);

		if (!gpa) {
			format_text(error->text, sizeof(error->text),
				    "multiboot: no room for the 0x%llx bytes of module %.100s",
				    (unsigned long long)module->bytes, module->name);
			return -ENOSPC;
		}
		add_copy(plan, (struct load_copy){ .to = l1_gpa(gpa),
						   .from = module->from,
						   .bytes = module->bytes });
		module_gpas[i] = (u32)gpa;
	}
	return 0;
}

static int place_info(const struct multiboot_request *request, struct load_plan *plan,
		      const u32 *module_gpas, struct multiboot_error *error)
{
	struct multiboot_info_place info = { .buffer = plan->info, .size = sizeof(plan->info) };
	size_t bytes = multiboot_build_info(request, module_gpas, info);
	struct demand demand = { { MULTIBOOT_INFO_HINT, 4 * GIB }, bytes, place_low };
	u64 gpa = place(request, plan, demand);

	if (bytes > sizeof(plan->info) || !gpa) {
		format_text(error->text, sizeof(error->text),
			    "multiboot: no room for the information block of 0x%zx bytes", bytes);
		return -ENOSPC;
	}
	info.gpa = (u32)gpa;
	multiboot_build_info(request, module_gpas, info);
	plan->info_gpa = l1_gpa(gpa);
	add_copy(plan,
		 (struct load_copy){ .to = plan->info_gpa, .from = plan->info, .bytes = bytes });
	return 0;
}

int multiboot_plan(const struct multiboot_request *request, struct load_plan *plan,
		   struct multiboot_error *error)
{
	u32 module_gpas[MULTIBOOT_MODULES_MAX];
	int rc;

	ASSERT(request->module_count <= MULTIBOOT_MODULES_MAX);
	plan->copy_count = 0;
	plan->entry = l1_gpa(request->image->entry);
	rc = place_segments(request, plan, error);
	if (rc)
		return rc;
	rc = place_modules(request, plan, module_gpas, error);
	if (rc)
		return rc;
	return place_info(request, plan, module_gpas, error);
}
