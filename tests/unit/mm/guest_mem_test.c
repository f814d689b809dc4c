/* SPDX-License-Identifier: MIT */
/* mm/guest_mem.c: copies over page borders, at the edges of regions, and beside a plain buffer. */
#include "unit.h"
#include "host_memory.h"
#include "hv/cpu.h"
#include "hv/errno.h"
#include "mm/memslot.h"

#define BASE (0x9fULL * PAGE_SIZE)
#define SIZE (40 * PAGE_SIZE)

static struct vm_memory *memory;

static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	memory = vm_memory_create(l1_gfn(0x100000));
	if (memslot_add_ram(memory, l1_gfn(0x9f), 40, 0) != MEMSLOT_OK)
		return -1;
	return guest_zero(memory, l1_gpa(BASE), SIZE);
}

UNIT(what_is_written_is_read_across_pages)
{
	char out[3 * PAGE_SIZE], in[sizeof(out)];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 256);
	assert_int_equal(guest_write(memory, l1_gpa(BASE + 4000), out, sizeof(out)), 0);
	assert_int_equal(guest_read(memory, l1_gpa(BASE + 4000), in, sizeof(in)), 0);
	assert_memory_equal(in, out, sizeof(out));
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), 2 * (40 + 4 + 4));
	assert_int_equal(guest_read(memory, l1_gpa(BASE + 3999), in, 1), 0);
	assert_int_equal(in[0], 0);
}

UNIT(each_page_lands_in_the_frame_behind_it)
{
	struct memslot_frame frame;
	u64 value;

	for (u64 i = 0; i < 40; i++) {
		value = 1000 + i;
		assert_int_equal(guest_write(memory, l1_gpa(BASE + i * PAGE_SIZE), &value, 8), 0);
	}
	for (u64 i = 0; i < 40; i++) {
		assert_int_equal(memslot_find(memory, l1_gfn(0x9f + i), &frame), 0);
		host_guest_ram_read(pfn_to_hpa(frame.pfn), &value, sizeof(value));
		assert_int_equal(value, 1000 + i);
	}
}

UNIT(copy_stops_at_the_first_page_that_is_missing)
{
	char page[2 * PAGE_SIZE];

	memset(page, 5, sizeof(page));
	assert_int_equal(guest_write(memory, l1_gpa(BASE + SIZE - PAGE_SIZE), page, sizeof(page)),
			 -EFAULT);
	memset(page, 0, sizeof(page));
	assert_int_equal(guest_read(memory, l1_gpa(BASE + SIZE - PAGE_SIZE), page, sizeof(page)),
			 -EFAULT);
	assert_int_equal(page[0], 5);
	assert_int_equal(page[PAGE_SIZE - 1], 5);
	assert_int_equal(page[PAGE_SIZE], 0);
	assert_int_equal(guest_read(memory, l1_gpa(BASE - 1), page, 1), -EFAULT);
	assert_int_equal(guest_zero(memory, l1_gpa(~0ULL), 2), -EFAULT);
}

UNIT(read_only_region_is_read_but_not_written)
{
	char byte = 3;

	assert_int_equal(memslot_add_ram(memory, l1_gfn(1), 1, MEMSLOT_READONLY), MEMSLOT_OK);
	assert_int_equal(guest_read(memory, l1_gpa(PAGE_SIZE), &byte, 1), 0);
	assert_int_equal(guest_write(memory, l1_gpa(PAGE_SIZE), &byte, 1), -EFAULT);
	assert_int_equal(guest_zero(memory, l1_gpa(PAGE_SIZE), 1), -EFAULT);
}

UNIT(nothing_is_copied_for_no_bytes)
{
	u64 writes = host_counter(CTR_WINDOW_PTE_WRITES);

	assert_int_equal(guest_read(memory, l1_gpa(0), NULL, 0), 0);
	assert_int_equal(guest_zero(memory, l1_gpa(0), 0), 0);
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), writes);
}

UNIT(random_accesses_agree_with_a_buffer)
{
	static unsigned char model[SIZE], buffer[SIZE];
	u64 seed = 3;

	memset(model, 0, sizeof(model));
	for (u32 i = 0; i < 3000; i++) {
		u64 at = unit_random(&seed) % SIZE;
		size_t bytes = unit_random(&seed) % 9000;
		l1_gpa_t gpa = l1_gpa(BASE + at);

		bytes = MIN(bytes, SIZE - at);
		if (i % 3 == 0) {
			memset(buffer, (int)(unit_random(&seed) % 255), bytes);
			memcpy(model + at, buffer, bytes);
			assert_int_equal(guest_write(memory, gpa, buffer, bytes), 0);
		} else if (i % 3 == 1) {
			assert_int_equal(guest_read(memory, gpa, buffer, bytes), 0);
			assert_memory_equal(buffer, model + at, bytes);
		} else if (bytes < 200) {
			memset(model + at, 0, bytes);
			assert_int_equal(guest_zero(memory, gpa, bytes), 0);
		}
	}
}

UNIT(bits_are_set_in_one_byte)
{
	u8 bytes[3] = { 0x01, 0x10, 0x02 };

	assert_int_equal(guest_write(memory, l1_gpa(BASE + PAGE_SIZE - 1), bytes, 3), 0);
	assert_int_equal(guest_or_byte(memory, l1_gpa(BASE + PAGE_SIZE), 0x60), 0);
	assert_int_equal(guest_read(memory, l1_gpa(BASE + PAGE_SIZE - 1), bytes, 3), 0);
	assert_int_equal(bytes[0], 0x01);
	assert_int_equal(bytes[1], 0x70);
	assert_int_equal(bytes[2], 0x02);
	assert_int_equal(guest_or_byte(memory, l1_gpa(BASE + SIZE), 0x60), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_written_is_read_across_pages, set_up),
		cmocka_unit_test_setup(each_page_lands_in_the_frame_behind_it, set_up),
		cmocka_unit_test_setup(copy_stops_at_the_first_page_that_is_missing, set_up),
		cmocka_unit_test_setup(read_only_region_is_read_but_not_written, set_up),
		cmocka_unit_test_setup(nothing_is_copied_for_no_bytes, set_up),
		cmocka_unit_test_setup(bits_are_set_in_one_byte, set_up),
		cmocka_unit_test_setup(random_accesses_agree_with_a_buffer, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
