/* SPDX-License-Identifier: MIT */
/* mm/change.c with EPT01 under it: the order of a change's steps, seen from inside its kick, and
 * translations that a change overtakes. */
#include "change_fixture.h"

/* Two CPUs run it. */
static int set_up_two(void **state)
{
	set_up(state);
	host_run_on(1);
	change_cpu_joins(memory);
	host_run_on(0);
	return 0;
}

static u64 frames, tables, generation;

static void look_from_inside(void)
{
	struct memslot_frame frame;

	assert_int_equal(memslot_find(memory, l1_gfn(5), &frame), -ENOENT);
	assert_false(is_mapped(5));
	assert_true(*ept01_generation(memory) > generation);
	/* Neither frames nor tables are free to use again. */
	assert_int_equal(guest_frame_free_count(), frames);
	assert_int_equal(page_free_count(), tables);
	/* Nothing is mapped meanwhile, and no error is told. */
	assert_int_equal(touch(600), 0);
	assert_false(is_mapped(600));
	assert_int_equal(touch(5), 0);
	assert_int_equal(host_counter(CTR_EPT01_RETRIES), 2);
	assert_int_equal(host_counter(CTR_EPT01_FAULTS), 1);
}

UNIT(kick_comes_after_the_zap_and_before_the_freeing)
{
	add(0, 10);
	add(600, 10);
	assert_int_equal(touch(5), 0);
	frames = guest_frame_free_count();
	tables = page_free_count();
	generation = *ept01_generation(memory);
	in_kick = look_from_inside;
	assert_int_equal(memslot_delete(memory, l1_gfn(0)), MEMSLOT_OK);
	assert_int_equal(kicks, 1);
	assert_int_equal(guest_frame_free_count(), frames + 10);
	assert_int_equal(touch(600), 0);
	assert_true(is_mapped(600));
	assert_int_equal(touch(5), -ENOENT);
}

UNIT(kicked_are_all_that_run_the_vm)
{
	add(0, 10);
	touch(0);
	memslot_move(memory, l1_gfn(0), l1_gfn(100));
	assert_int_equal(kicked, 3);
	touch(100);
	host_run_on(1);
	change_cpu_leaves(memory);
	memslot_move(memory, l1_gfn(100), l1_gfn(0));
	assert_int_equal(kicked, 1);
	touch(0);
	host_run_on(0);
	change_cpu_leaves(memory);
	memslot_delete(memory, l1_gfn(0));
	assert_int_equal(kicks, 2);
}

UNIT(nobody_is_kicked_for_what_was_never_mapped)
{
	add(0, 10);
	memslot_set_flags(memory, l1_gfn(0), MEMSLOT_READONLY);
	memslot_move(memory, l1_gfn(0), l1_gfn(100));
	memslot_delete(memory, l1_gfn(100));
	assert_int_equal(kicks, 0);
}

UNIT(translation_that_a_change_overtook_is_not_mapped)
{
	struct ept01_translation t;

	add(0, 10);
	ept01_translate(memory, 3, true, &t);
	assert_int_equal(t.error, 0);
	memslot_delete(memory, l1_gfn(0));
	assert_int_equal(ept01_publish(memory, &t), -EBUSY);
	assert_false(is_mapped(3));
	add(0, 10);
	assert_int_equal(ept01_publish(memory, &t), -EBUSY);
	ept01_translate(memory, 3, true, &t);
	assert_int_equal(ept01_publish(memory, &t), 0);
	assert_true(is_mapped(3));
}

UNIT(failure_that_an_addition_overtook_is_not_told)
{
	struct ept01_translation t;

	ept01_translate(memory, 3, true, &t);
	assert_int_equal(t.error, -ENOENT);
	assert_int_equal(ept01_publish(memory, &t), -ENOENT);
	add(0, 10);
	assert_int_equal(ept01_publish(memory, &t), -EBUSY);
}

static struct ept01_translation inside;

static void translate_and_end_another_change(void)
{
	add(2000, 1);
	ept01_translate(memory, 600, true, &inside);
}

/* The snapshot is of a time at which another change was under way, which ended before the map. */
UNIT(translation_made_during_a_change_is_not_mapped_after_it)
{
	add(0, 10);
	add(600, 10);
	touch(0);
	in_kick = translate_and_end_another_change;
	memslot_delete(memory, l1_gfn(0));
	assert_int_equal(ept01_publish(memory, &inside), -EBUSY);
}

static void other_cpu_deletes(void)
{
	host_run_on(1);
	assert_int_equal(memslot_delete(memory, l1_gfn(600)), MEMSLOT_OK);
	assert_int_equal(touch(600), 0); /* the first change is still active */
	host_run_on(0);
}

/* Each waits for the other to be outside the guest, which both are: no lock is held meanwhile. */
UNIT(two_cpus_take_away_what_the_other_uses)
{
	add(0, 10);
	add(600, 10);
	touch(0);
	touch(600);
	in_kick = other_cpu_deletes;
	assert_int_equal(memslot_delete(memory, l1_gfn(0)), MEMSLOT_OK);
	assert_int_equal(kicks, 2);
	assert_int_equal(memslot_count(memory), 0);
	assert_int_equal(memory->active, 0);
	assert_int_equal(touch(600), -ENOENT);
}

static void update_in_a_section(void)
{
	epoch_read_begin();
	memslot_delete(memory, l1_gfn(0));
}

static void fault_in_a_section(void)
{
	epoch_read_begin();
	touch(0);
}

UNIT(wait_in_a_reader_section_is_caught)
{
	add(0, 10);
	assert_true(host_panics(update_in_a_section, "epoch_depth"));
	assert_true(host_panics(fault_in_a_section, "epoch_depth"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(kick_comes_after_the_zap_and_before_the_freeing, set_up_two),
		cmocka_unit_test_setup(kicked_are_all_that_run_the_vm, set_up_two),
		cmocka_unit_test_setup(nobody_is_kicked_for_what_was_never_mapped, set_up_two),
		cmocka_unit_test_setup(translation_that_a_change_overtook_is_not_mapped,
				       set_up_two),
		cmocka_unit_test_setup(failure_that_an_addition_overtook_is_not_told, set_up_two),
		cmocka_unit_test_setup(translation_made_during_a_change_is_not_mapped_after_it,
				       set_up),
		cmocka_unit_test_setup(two_cpus_take_away_what_the_other_uses, set_up_two),
		cmocka_unit_test_setup(wait_in_a_reader_section_is_caught, set_up_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
