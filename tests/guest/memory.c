/* SPDX-License-Identifier: MIT */
/* Memory as the loader promised it: the map, RAM that keeps
 * what is written, command line and modules that arrived. */
#include "hv/string.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/test.h"

#define SAMPLES_MAX   4096
#define ROM_START     0xc0000u
#define ROM_END       0xe0000u
#define ROM_STEP      2048u
#define ROM_SIGNATURE 0xaa55u
#define PATTERN       0xa5a5a5a55a5a5a5aULL

static u64 samples[SAMPLES_MAX];
static size_t sample_count;

static void add_sample(u64 pa)
{
	if (sample_count < SAMPLES_MAX && memory_is_spare_page(pa))
		samples[sample_count++] = pa;
}

/* First and last page of each range, and the pages on both sides of 2 MiB borders:
 * where mappings change their size. */
static void collect_samples(void)
{
	sample_count = 0;
	for (size_t i = 0; i < memory_range_count(); i++) {
		struct memory_range range = memory_range(i);

		add_sample(range.base);
		for (u64 at = ALIGN_UP(range.base + 1, 2 * MIB); at < range.end; at += 2 * MIB) {
			if (at - PAGE_SIZE > range.base)
				add_sample(at - PAGE_SIZE);
			add_sample(at);
		}
		if (range.end - PAGE_SIZE > range.base)
			add_sample(range.end - PAGE_SIZE);
	}
}

TEST(memory, area_of_option_roms_is_memory_without_any)
{
	/* Expect: no ROM's signature where kernels look for one, none of which is an exit. */
	static u64 before[NESTOR_COUNTERS], after[NESTOR_COUNTERS];
	u32 found = 0;

	if (!nestor_is_present())
		SKIP("other machines may have option ROMs");
	EXPECT(nestor_read_counters(before));
	for (u64 at = ROM_START; at < ROM_END; at += ROM_STEP)
		found += *(const volatile u16 *)at == ROM_SIGNATURE;
	EXPECT(nestor_read_counters(after));
	EXPECT_EQ(found, 0);
	EXPECT_EQ(after[NESTOR_COUNTER_MMIO_UNCLAIMED], before[NESTOR_COUNTER_MMIO_UNCLAIMED]);
}

TEST(memory, map_is_sane)
{
	/* Expect: some RAM; ranges do not overlap; the image itself is in RAM. */
	u64 total = 0;
	bool has_image = false;

	for (size_t i = 0; i < memory_range_count(); i++) {
		struct memory_range a = memory_range(i);

		total += a.end - a.base;
		has_image |= (u64)&sample_count >= a.base && (u64)&sample_count < a.end;
		for (size_t j = 0; j < i; j++) {
			struct memory_range b = memory_range(j);

			EXPECT(a.end <= b.base || b.end <= a.base);
		}
	}
	EXPECT(has_image);
	EXPECT(total >= 16 * MIB);
}

TEST(memory, mem_upper_agrees_with_the_map)
{
	/* Expect: mem_lower is at most 640 KiB, and the RAM that mem_upper
	 * promises above 1 MiB is RAM in the map too. */
	const struct multiboot_info *info = memory_multiboot();
	u64 end = MIB + info->mem_upper * KIB;

	EXPECT(info->flags & MULTIBOOT_MEMORY);
	EXPECT(info->mem_lower <= 640);
	EXPECT(info->mem_upper > 0);
	if (!(info->flags & MULTIBOOT_MMAP))
		SKIP("the loader gave no map");
	for (size_t i = 0; i < memory_range_count(); i++) {
		struct memory_range range = memory_range(i);

		if (range.base <= MIB && range.end > MIB)
			EXPECT(ALIGN_DOWN(end, PAGE_SIZE) <= range.end);
	}
}

TEST(memory, ram_keeps_patterns)
{
	/* Expect: the first and last word of each sampled
	 * page hold a pattern and its complement. */
	collect_samples();
	if (sample_count < 4)
		ERROR("fewer than four pages to sample");
	for (size_t i = 0; i < sample_count; i++) {
		volatile u64 *first = (volatile u64 *)samples[i];
		volatile u64 *last = first + PAGE_SIZE / sizeof(u64) - 1;

		*first = PATTERN;
		*last = ~PATTERN;
		EXPECT_EQ(*first, PATTERN);
		EXPECT_EQ(*last, ~PATTERN);
	}
}

TEST(memory, pages_are_distinct)
{
	/* Expect: after every sampled page got its own address,
	 * each still has it: no two are the same memory. */
	collect_samples();
	for (size_t i = 0; i < sample_count; i++)
		*(volatile u64 *)samples[i] = samples[i];
	for (size_t i = 0; i < sample_count; i++)
		EXPECT_EQ(*(volatile u64 *)samples[i], samples[i]);
}

TEST(memory, image_is_intact)
{
	/* Expect: writing all samples left the image's own
	 * constants alone, and .bss starts as zeros. */
	static const char text[] = "the image's own constants";
	static u64 zeros[512];

	EXPECT_EQ(memcmp(text, "the image's own constants", sizeof(text)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(zeros); i++)
		EXPECT_EQ(READ_ONCE(zeros[i]), 0);
}

TEST(memory, allocated_pages_are_zero_and_unique)
{
	/* Expect: pages come zeroed, page-aligned and distinct,
	 * also when freed ones are taken again. */
	u64 a = memory_page_alloc(), b = memory_page_alloc(), c;

	EXPECT(a != b);
	EXPECT(IS_ALIGNED(a, PAGE_SIZE) && IS_ALIGNED(b, PAGE_SIZE));
	((volatile u64 *)a)[PAGE_SIZE / sizeof(u64) - 1] = PATTERN;
	memory_page_free(a);
	c = memory_page_alloc();
	EXPECT_EQ(c, a);
	EXPECT_EQ(((volatile u64 *)c)[PAGE_SIZE / sizeof(u64) - 1], 0);
	EXPECT(c != b);
	memory_page_free(b);
	memory_page_free(c);
}

TEST(memory, command_line_arrived)
{
	/* Expect: the flag is set, the string lies in RAM and ends. */
	const struct multiboot_info *info = memory_multiboot();
	const char *text = (const char *)(u64)info->cmdline;

	if (!(info->flags & MULTIBOOT_CMDLINE))
		SKIP("the loader gave no command line");
	EXPECT(text && strnlen(text, 4096) < 4096);
}

TEST(memory, modules_arrived)
{
	/* Expect: each module is page-aligned, outside the image and readable;
	 * its string ends; modules do not overlap. */
	const struct multiboot_info *info = memory_multiboot();
	const struct multiboot_mods_entry *modules = (const void *)(u64)info->mods_addr;

	if (!(info->flags & MULTIBOOT_MODULES) || info->mods_count == 0)
		SKIP("the loader gave no modules");
	for (u32 i = 0; i < info->mods_count; i++) {
		EXPECT(IS_ALIGNED(modules[i].mod_start, PAGE_SIZE));
		EXPECT(modules[i].mod_end > modules[i].mod_start);
		EXPECT(!memory_is_spare_page(modules[i].mod_start));
		EXPECT(strnlen((const char *)(u64)modules[i].string, 4096) < 4096);
		for (u32 j = 0; j < i; j++)
			EXPECT(modules[i].mod_start >= modules[j].mod_end ||
			       modules[j].mod_start >= modules[i].mod_end);
	}
}

/* A module whose string is "...pattern" holds bytes 0, 1, 2,
 * ... 250, 0, 1, ...: a period that is no power of two. */
TEST(memory, module_contents_are_right)
{
	/* Expect: every byte of each pattern module is the one that its place asks for. */
	const struct multiboot_info *info = memory_multiboot();
	const struct multiboot_mods_entry *modules = (const void *)(u64)info->mods_addr;
	u32 count = info->flags & MULTIBOOT_MODULES ? info->mods_count : 0, found = 0;

	for (u32 i = 0; i < count; i++) {
		const char *name = (const char *)(u64)modules[i].string;
		const u8 *bytes = (const u8 *)(u64)modules[i].mod_start;
		size_t length = strlen(name), wrong = 0;

		if (length < 7 || strcmp(name + length - 7, "pattern") != 0)
			continue;
		found++;
		for (u32 at = 0; at < modules[i].mod_end - modules[i].mod_start; at++)
			wrong += bytes[at] != at % 251;
		EXPECT_EQ(wrong, 0);
	}
	if (!found)
		SKIP("no module named pattern");
}
