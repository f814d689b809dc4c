/* SPDX-License-Identifier: MIT */
/* mm/epoch.c: who holds a grace period back, and who does not. */
#include "unit.h"
#include "host_memory.h"
#include "mm/epoch.h"

static struct epoch_queue queue;
static struct epoch_item items[8];
static u32 freed;

static int set_up(void **state)
{
	(void)state;
	host_memory_default(); /* two CPUs */
	memset(&queue, 0, sizeof(queue));
	freed = 0;
	return 0;
}

static void note_freed(struct epoch_queue *from, struct epoch_item *item)
{
	assert_ptr_equal(from, &queue);
	freed |= 1u << (item - items);
}

static void retire(u32 number)
{
	items[number].free = note_freed;
	epoch_retire(&queue, &items[number]);
}

UNIT(without_readers_a_poll_frees_at_once)
{
	retire(0);
	retire(1);
	assert_int_equal(freed, 0);
	epoch_poll(&queue);
	assert_int_equal(freed, 3);
	epoch_poll(&queue);
	assert_int_equal(freed, 3);
}

UNIT(reader_on_another_cpu_holds_back_what_it_may_see)
{
	host_run_on(1);
	epoch_read_begin();
	host_run_on(0);
	retire(0);
	epoch_poll(&queue);
	epoch_poll(&queue);
	assert_int_equal(freed, 0);
	host_run_on(1);
	epoch_read_end();
	host_run_on(0);
	epoch_poll(&queue);
	assert_int_equal(freed, 1);
}

UNIT(reader_that_began_later_holds_nothing_back)
{
	host_run_on(1);
	epoch_read_begin();
	host_run_on(0);
	retire(0);
	epoch_poll(&queue); /* the batch is closed */
	host_run_on(1);
	epoch_read_end();
	epoch_read_begin(); /* it cannot find item 0 any more */
	host_run_on(0);
	retire(1); /* but this one */
	epoch_poll(&queue);
	assert_int_equal(freed, 1);
	host_run_on(1);
	epoch_read_end();
	host_run_on(0);
	epoch_poll(&queue);
	assert_int_equal(freed, 3);
}

UNIT(section_lasts_until_the_outermost_end)
{
	host_run_on(1);
	epoch_read_begin();
	epoch_read_begin();
	epoch_read_end();
	host_run_on(0);
	retire(0);
	epoch_poll(&queue);
	assert_int_equal(freed, 0);
	host_run_on(1);
	epoch_read_end();
	host_run_on(0);
	epoch_poll(&queue);
	assert_int_equal(freed, 1);
}

UNIT(wait_frees_both_batches)
{
	host_run_on(1);
	epoch_read_begin();
	host_run_on(0);
	retire(0);
	epoch_poll(&queue);
	retire(1);
	host_run_on(1);
	epoch_read_end();
	host_run_on(0);
	epoch_wait(&queue);
	assert_int_equal(freed, 3);
}

static void wait_in_a_section(void)
{
	epoch_read_begin();
	epoch_wait(&queue);
}

static void end_without_begin(void)
{
	epoch_read_end();
}

static void retire_without_a_way_to_free(void)
{
	items[0].free = NULL;
	epoch_retire(&queue, &items[0]);
}

UNIT(misuse_is_caught)
{
	assert_true(host_panics(wait_in_a_section, "epoch_depth"));
	assert_true(host_panics(end_without_begin, "epoch_depth > 0"));
	assert_true(host_panics(retire_without_a_way_to_free, "item->free"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_readers_a_poll_frees_at_once, set_up),
		cmocka_unit_test_setup(reader_on_another_cpu_holds_back_what_it_may_see, set_up),
		cmocka_unit_test_setup(reader_that_began_later_holds_nothing_back, set_up),
		cmocka_unit_test_setup(section_lasts_until_the_outermost_end, set_up),
		cmocka_unit_test_setup(wait_frees_both_batches, set_up),
		cmocka_unit_test_setup(misuse_is_caught, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
