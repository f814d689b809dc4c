/* SPDX-License-Identifier: MIT */
/* Places a parsed image, its modules and what it is told in a machine's memory. */
#include "hv/guest/load_plan.h"
#include "hv/errno.h"
#include "hv/guest/bzimage.h"
#include "hv/guest/load_place.h"
#include "hv/guest/multiboot.h"
#include "hv/guest/pvh.h"
#include "hv/panic.h"
#include "hv/string.h"

_Static_assert(KERNEL_SEGMENTS_MAX + LOAD_MODULES_MAX + 2 <= LOAD_COPIES_MAX,
	       "a plan has a copy for each segment, each module, the block and the page tables");

static const struct {
	size_t (*build_info)(const struct load_request *request, const u32 *module_gpas,
			     struct info_place place);
	bool has_tables;
} protocols[KERNEL_PROTOCOLS] = {
	[KERNEL_MULTIBOOT] = { multiboot_build_info, false },
	[KERNEL_PVH] = { pvh_build_info, false },
	[KERNEL_LINUX] = { bzimage_build_info, true },
};

/* What the steps work on. */
struct planning {
	const struct load_request *request;
	struct load_plan *plan;
	struct load_error *error;
	u32 module_gpas[LOAD_MODULES_MAX];
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct planning *p, int rc,
							const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	load_error_set(p->error, kernel_protocol_name(p->request->image->protocol), fmt, ap);
	va_end(ap);
	return rc;
}

static void add_copy(struct load_plan *plan, struct load_copy copy)
{
	plan->copies[plan->copy_count++] = copy;
}

/* Counts that an image may not take; memory is not looked at yet. */
static int check_limits(struct planning *p)
{
	const struct load_request *request = p->request;
	const struct kernel_image *image = request->image;
	const struct {
		const char *what;
		u64 given, max;
	} limits[] = {
		{ "modules", request->module_count, image->modules_max },
		{ "characters of command line", strlen(request->cmdline), image->cmdline_max },
		{ "ranges of memory", request->range_count, image->ranges_max },
	};

	for (u32 i = 0; i < ARRAY_SIZE(limits); i++) {
		if (limits[i].given > limits[i].max)
			return refuse(p, -EINVAL, "%llu %s, and the image takes at most %llu",
				      (unsigned long long)limits[i].given, limits[i].what,
				      (unsigned long long)limits[i].max);
	}
	return 0;
}

/* Where the one segment of an image that can move goes: a distance from its preferred address. */
static int choose_move(struct planning *p, u64 *move)
{
	const struct kernel_image *image = p->request->image;
	const struct kernel_segment *segment = &image->segments[0];
	struct load_demand demand = { segment->gpa, 4 * GIB, segment->memory_bytes,
				      image->alignment };
	u64 gpa;

	*move = 0;
	if (!image->alignment)
		return 0;
	gpa = load_place_low(p->request, p->plan, &demand);
	if (!gpa)
		return refuse(
			p, -ENOSPC,
			"no room for the image's 0x%llx bytes from 0x%llx up, aligned to 0x%x",
			(unsigned long long)segment->memory_bytes, (unsigned long long)segment->gpa,
			image->alignment);
	*move = gpa - segment->gpa;
	return 0;
}

static int place_segments(struct planning *p)
{
	const struct kernel_image *image = p->request->image;
	u64 move;
	int rc = choose_move(p, &move);

	if (rc)
		return rc;
	for (u32 i = 0; i < image->segment_count; i++) {
		const struct kernel_segment *segment = &image->segments[i];
		u64 base = segment->gpa + move, end = base + segment->memory_bytes;
		u64 ram_end = load_ram_until(p->request, base, end);

		if (ram_end < end)
			return refuse(p, -EINVAL,
				      "the image needs 0x%llx-0x%llx, and memory at 0x%llx is not "
				      "free",
				      (unsigned long long)base, (unsigned long long)end - 1,
				      (unsigned long long)ram_end);
		add_copy(p->plan, (struct load_copy){ .to = l1_gpa(base),
						      .from = image->file + segment->offset,
						      .bytes = segment->file_bytes,
						      .zero_bytes = segment->memory_bytes -
								    segment->file_bytes });
	}
	p->plan->entry = l1_gpa(image->entry + move);
	return 0;
}

static int place_modules(struct planning *p)
{
	const struct load_request *request = p->request;

	for (u32 i = 0; i < request->module_count; i++) {
		const struct load_module *module = &request->modules[i];
		struct load_demand demand = { MIB, request->image->modules_end,
					      MAX(module->bytes, 1), PAGE_SIZE };
		u64 gpa = load_place_high(request, p->plan, &demand);

		if (!gpa)
			return refuse(p, -ENOSPC,
				      "no room for the 0x%llx bytes of module %.100s below 0x%llx",
				      (unsigned long long)module->bytes, module->name,
				      (unsigned long long)demand.end);
		add_copy(p->plan, (struct load_copy){ .to = l1_gpa(gpa),
						      .from = module->from,
						      .bytes = module->bytes });
		p->module_gpas[i] = (u32)gpa;
	}
	return 0;
}

/* The first free pages from LOAD_LOW up; 0: there are none. */
static u64 place_told(const struct planning *p, u64 bytes)
{
	struct load_demand demand = { LOAD_LOW, 4 * GIB, bytes, PAGE_SIZE };

	return load_place_low(p->request, p->plan, &demand);
}

static int place_info(struct planning *p)
{
	struct load_plan *plan = p->plan;
	struct info_place info = { .buffer = plan->info, .size = sizeof(plan->info) };
	size_t bytes = protocols[plan->protocol].build_info(p->request, p->module_gpas, info);
	u64 gpa = place_told(p, bytes);

	if (bytes > sizeof(plan->info) || !gpa)
		return refuse(p, -ENOSPC, "no room for the information block of 0x%zx bytes",
			      bytes);
	info.gpa = (u32)gpa;
	protocols[plan->protocol].build_info(p->request, p->module_gpas, info);
	plan->info_gpa = l1_gpa(gpa);
	add_copy(plan,
		 (struct load_copy){ .to = plan->info_gpa, .from = plan->info, .bytes = bytes });
	return 0;
}

static int place_tables(struct planning *p)
{
	struct load_plan *plan = p->plan;

	plan->tables_gpa = l1_gpa(0);
	if (!protocols[plan->protocol].has_tables)
		return 0;
	plan->tables_gpa = l1_gpa(place_told(p, sizeof(plan->tables)));
	if (!plan->tables_gpa.raw)
		return refuse(p, -ENOSPC, "no room for page tables of 0x%zx bytes",
			      sizeof(plan->tables));
	identity_map_build(&plan->tables, plan->tables_gpa.raw);
	add_copy(plan, (struct load_copy){ .to = plan->tables_gpa,
					   .from = &plan->tables,
					   .bytes = sizeof(plan->tables) });
	return 0;
}

int load_plan_make(const struct load_request *request, struct load_plan *plan,
		   struct load_error *error)
{
	static int (*const steps[])(struct planning * p) = {
		check_limits, place_segments, place_modules, place_info, place_tables,
	};
	struct planning p = { .request = request, .plan = plan, .error = error };
	int rc = 0;

	ASSERT(request->module_count <= LOAD_MODULES_MAX);
	plan->copy_count = 0;
	plan->protocol = request->image->protocol;
	for (u32 i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = steps[i](&p);
	return rc;
}
