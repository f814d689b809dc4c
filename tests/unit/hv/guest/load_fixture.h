/* SPDX-License-Identifier: MIT */
/* A machine of 64 MiB and two modules for tests of load plans, whatever the image's format.
 * FILE_BYTES as in parse_fixture.h. */
#ifndef TESTS_LOAD_FIXTURE_H
#define TESTS_LOAD_FIXTURE_H

#include "parse_fixture.h"
#include "hv/guest/load_plan.h"

static struct load_plan plan;
static struct load_range ranges[4];
static struct load_module modules[2];
static struct load_request request;
static u8 module_bytes[0x1001];

/* The plan points into the bytes themselves. */
static inline void fixture_parse_bytes(const u8 *bytes, size_t size)
{
	if (kernel_parse(bytes, size, &parsed, &error))
		fail_msg("refused: %s", error.text);
}

static inline void fixture_parse(void)
{
	fixture_parse_bytes(file, sizeof(file));
}

static inline void fixture_machine(void)
{
	memset(&plan, 0x5a, sizeof(plan));
	ranges[0] = (struct load_range){ l1_gpa(0), 640 * KIB, LOAD_RAM };
	ranges[1] = (struct load_range){ l1_gpa(640 * KIB), 384 * KIB, LOAD_RESERVED };
	ranges[2] = (struct load_range){ l1_gpa(MIB), 63 * MIB, LOAD_RAM };
	ranges[3] = (struct load_range){ l1_gpa(4 * GIB), GIB, LOAD_RAM };
	modules[0] = (struct load_module){ "first", 5, "\\m1", "a b" };
	modules[1] = (struct load_module){ module_bytes, sizeof(module_bytes), "\\m2", "" };
	request = (struct load_request){ .image = &parsed,
					 .name = "k",
					 .cmdline = "x=1 y",
					 .modules = modules,
					 .module_count = 2,
					 .ranges = ranges,
					 .range_count = 4 };
}

/* So many ranges of 8 MiB, from 0 on; the second is reserved. */
static inline void fixture_many_ranges(struct load_range *many, u32 count)
{
	for (u32 i = 0; i < count; i++)
		many[i] = (struct load_range){ l1_gpa(i * 8 * MIB), 8 * MIB,
					       i == 1 ? LOAD_RESERVED : LOAD_RAM };
	request.ranges = many;
	request.range_count = count;
}

static inline u32 info32(u32 offset)
{
	u32 value;

	memcpy(&value, plan.info + offset, 4);
	return value;
}

static inline u64 info64(u32 offset)
{
	return (u64)info32(offset + 4) << 32 | info32(offset);
}

/* What the block holds at a guest-physical address. */
static inline const char *info_string(u64 gpa)
{
	return (const char *)plan.info + (gpa - plan.info_gpa.raw);
}

static inline void no_copy_overlaps_another_or_leaves_ram(void)
{
	for (u32 i = 0; i < plan.copy_count; i++) {
		const struct load_copy *a = &plan.copies[i];
		u64 a_end = a->to.raw + a->bytes + a->zero_bytes;
		bool in_ram = false;

		for (u32 j = 0; j < i; j++) {
			const struct load_copy *b = &plan.copies[j];

			assert_true(a_end <= b->to.raw ||
				    b->to.raw + b->bytes + b->zero_bytes <= a->to.raw);
		}
		for (u32 j = 0; j < request.range_count; j++)
			in_ram = in_ram ||
				 (ranges[j].type == LOAD_RAM && a->to.raw >= ranges[j].base.raw &&
				  a_end <= ranges[j].base.raw + ranges[j].bytes);
		assert_true(in_ram);
	}
}

static inline void accept(void)
{
	if (load_plan_make(&request, &plan, &error))
		fail_msg("refused: %s", error.text);
}

static inline void refuse_plan(int rc, const char *text)
{
	assert_int_equal(load_plan_make(&request, &plan, &error), rc);
	assert_string_equal(error.text, text);
}

#endif
