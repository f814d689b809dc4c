/* SPDX-License-Identifier: MIT */
/* vmx/nested/ept02_sync.c: what is kept until INVEPT, and what INVEPT reads. */
#include <pthread.h>
#include <semaphore.h>
#include "ept02_root_fixture.h"

UNIT(changed_entry_is_seen_after_invept)
{
	map_and_touch(5, 0x1005, RWX | WB);
	map_and_touch(6, 0x1006, RWX | WB);
	invept();
	l1_map(top, 5, 0x1015, RWX | WB);
	expect_at(root, 5, 0x1005);
	invept();
	assert_false(is_mapped(root, 5));
	assert_int_equal(counts()->zapped[EPT02_INVALIDATED], 1);
	assert_true(ept02_flush_owed(root, 1));
	expect_at(root, 6, 0x1006);
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	expect_at(root, 5, 0x1015);
}

/* A CPU has nothing cached after INVEPT until L2 runs on it again. */
UNIT(entry_changed_between_invept_and_the_entry_is_seen)
{
	map_and_touch(5, 0x1005, RWX | WB);
	ept02_invept_single(&vcpus[0], top | 0x1e);
	l1_map(top, 5, 0x1015, RWX | WB);
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	expect_at(root, 5, 0x1015);
	ept02_invept_all(&vcpus[0]);
	l1_map(top, 5, 0x1025, RWX | WB);
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	expect_at(root, 5, 0x1025);
}

/* Nor has a CPU on which the L2 has never run, whoever made its root. */
UNIT(each_vcpu_pays_its_own_invepts)
{
	map_and_touch(5, 0x1005, RWX | WB);
	l1_map(top, 5, 0x1015, RWX | WB);
	enter_on(0, root);
	expect_at(root, 5, 0x1005);
	enter_on(1, root);
	assert_false(is_mapped(root, 5));
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	l1_map(top, 5, 0x1025, RWX | WB);
	ept02_invept_single(&vcpus[1], top | 0x1e);
	enter_on(0, root);
	expect_at(root, 5, 0x1015);
	enter_on(1, root);
	assert_false(is_mapped(root, 5));
}

UNIT(first_entry_with_a_root_protects_nothing)
{
	l1_map(top, 5, 0x1005, RWX | WB);
	enter_on(0, root);
	assert_int_equal(protections, 0);
	assert_int_equal(kicks, 0);
}

UNIT(only_tables_that_were_written_are_read)
{
	u64 resyncs;

	for (u64 n = 0; n < 20; n++)
		map_and_touch(n << 9, 0x1000 + n, RWX | WB);
	invept();
	assert_int_equal(counts()->resyncs, 23);
	assert_int_equal(protections, 23);
	resyncs = counts()->resyncs;
	kicks = 0;
	invept();
	invept_and_enter(0);
	assert_int_equal(counts()->resyncs, resyncs);
	assert_int_equal(kicks, 0);
	l1_map(top, 3 << 9, 0x1500, RWX | WB);
	assert_false(protected[table_gfn(3 << 9, 1)]);
	assert_int_equal(protections, 22);
	l1_map(top, (3 << 9) + 1, 0x1501, RWX | WB);
	assert_int_equal(counts()->unsync_marks, 1);
	invept();
	assert_int_equal(counts()->resyncs, resyncs + 1);
	assert_int_equal(kicks, 1);
	assert_int_equal(protections, 23);
	for (u64 n = 0; n < 20; n++)
		assert_int_equal(is_mapped(root, n << 9), n != 3);
}

UNIT(what_l1_adds_needs_no_invept)
{
	map_and_touch(5, 0x1005, RWX | WB);
	invept();
	map_and_touch(6, 0x1006, RWX | WB);
	assert_int_equal(counts()->unsync_marks, 1);
	map_and_touch(7 << 18, 0x1007, RWX | WB);
}

UNIT(invept_is_for_its_address_only)
{
	u64 second_top = l1_table(), shared;
	struct ept02_root *second = root_of(second_top);
	struct ept02_root *flags = ept02_root_get(pool, &vcpus[0], top | 0x5e, NULL);

	map_and_touch(5, 0x1005, RWX | WB);
	assert_int_equal(touch(flags, 5, EPT_READ), EPT02_MAPPED);
	/* The same page table under another root. */
	assert_int_equal(world_read(NULL, l1_gpa(l1_entry_at(top, 5, 2)), &shared), 0);
	l1_write(l1_entry_at(second_top, 5, 2), shared);
	assert_int_equal(touch(second, 5, EPT_READ), EPT02_MAPPED);
	invept_and_enter(0);
	l1_map(top, 5, 0x1015, RWX | WB);
	invept();
	assert_true(protected[table_gfn(5, 1)]);
	assert_false(is_mapped(root, 5));
	assert_false(is_mapped(flags, 5));
	assert_true(is_mapped(second, 5));
	/* It has not been read for the other one, though it is protected. */
	invept_and_enter(second_top | 0x1e);
	assert_false(is_mapped(second, 5));
}

UNIT(entry_on_the_way_takes_what_is_below_it)
{
	u64 second = l1_table();

	map_and_touch(5, 0x1005, RWX | WB);
	map_and_touch(0x205, 0x1006, RWX | WB);
	invept();
	l1_write(l1_entry_at(top, 5, 2), second | RWX);
	expect_at(root, 5, 0x1005);
	invept();
	assert_false(is_mapped(root, 5));
	assert_true(is_mapped(root, 0x205));
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_REFLECT_VIOLATION);
}

/* Fewer permissions on the way, found by a fault first: the leaves made before go at once. */
UNIT(fault_that_finds_another_entry_forgets_what_was_below)
{
	u64 at, entry = 0;

	map_and_touch(5, 0x1005, RWX | WB);
	map_and_touch(0x206, 0x1006, RWX | WB);
	invept();
	at = l1_entry_at(top, 5, 3);
	assert_int_equal(world_read(NULL, l1_gpa(at), &entry), 0);
	l1_write(at, entry & ~EPT_WRITE);
	kicks = 0;
	/* The way to this page is known, as in the CPU's caches. */
	map_and_touch(0x207, 0x1007, RWX | WB);
	assert_int_equal(touch(root, 0x207, EPT_WRITE), EPT02_MAPPED);
	assert_true(is_mapped(root, 5));
	map_and_touch(0x408, 0x1008, RWX | WB);
	assert_false(is_mapped(root, 5));
	assert_false(is_mapped(root, 0x206));
	assert_int_equal(kicks, 1);
	assert_int_equal(counts()->zapped[EPT02_EPT12_MOVED], 3);
	assert_int_equal(touch(root, 0x207, EPT_READ), EPT02_MAPPED);
	memset(tlbs, 0, sizeof(tlbs));
	assert_int_equal(touch(root, 0x207, EPT_WRITE), EPT02_REFLECT_VIOLATION);
}

UNIT(dirty_flag_that_l1_clears_takes_the_write_permission)
{
	u64 at = l1_entry_at(top, 5, 1), entry = 0;
	struct ept_leaf leaf = { 0 };

	root = ept02_root_get(pool, &vcpus[0], top | 0x5e, NULL);
	l1_map(top, 5, 0x1005, RWX | WB);
	assert_int_equal(touch(root, 5, EPT_WRITE), EPT02_MAPPED);
	invept();
	assert_int_equal(world_read(NULL, l1_gpa(at), &entry), 0);
	l1_write(at, entry & ~EPT_DIRTY);
	assert_int_equal(touch(root, 5, EPT_WRITE), EPT02_MAPPED); /* as in a TLB */
	invept();
	assert_true(walk02(root, 5, &leaf));
	assert_int_equal(leaf.bits & RWX, EPT_READ | EPT_EXECUTE);
	assert_int_equal(touch(root, 5, EPT_WRITE), EPT02_MAPPED);
	assert_int_equal(world_read(NULL, l1_gpa(at), &entry), 0);
	assert_true(entry & EPT_DIRTY);
	/* Cleared again before an INVEPT has seen it set. */
	l1_write(at, entry & ~EPT_DIRTY);
	invept();
	assert_true(walk02(root, 5, &leaf) && !(leaf.bits & EPT_WRITE));
	l1_write(at, entry & ~EPT_ACCESSED);
	invept();
	assert_false(is_mapped(root, 5));
}

static void (*in_kick)(void);

static void kick_and_act(void *context)
{
	void (*act)(void) = in_kick;

	in_kick = NULL;
	world_kick(context);
	if (act)
		act();
}

static void set_kick(void (*act)(void))
{
	static struct ept02_ops ops;

	ops = *pool->ops;
	ops.kick_and_wait = kick_and_act;
	pool->ops = &ops;
	in_kick = act;
}

/* A CPU that still has the page writable in its TLB: no exit tells of the write. */
static void write_past_the_protection(void)
{
	assert_true(protected[table_gfn(5, 1)]);
	world_write(l1_entry_at(top, 5, 1), 0x1015 << PAGE_SHIFT | RWX | WB);
}

UNIT(write_before_the_kick_ends_is_seen)
{
	map_and_touch(5, 0x1005, RWX | WB);
	set_kick(write_past_the_protection);
	invept();
	assert_false(is_mapped(root, 5));
}

static void second_invept(void)
{
	u32 before = kicks;

	invept(); /* the pages are protected, but not every CPU knows it yet */
	assert_int_equal(kicks, before + 1);
	assert_false(is_mapped(root, 5));
}

UNIT(invept_of_two_cpus_at_once)
{
	map_and_touch(5, 0x1005, RWX | WB);
	invept();
	l1_map(top, 5, 0x1015, RWX | WB);
	set_kick(second_invept);
	invept();
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	expect_at(root, 5, 0x1015);
}

static void touch_other_root(void)
{
	struct ept02_root *second = root_of(l1_table());
	u64 shared;

	assert_int_equal(world_read(NULL, l1_gpa(l1_entry_at(top, 5, 2)), &shared), 0);
	l1_write(l1_entry_at(second->key & EPT_FRAME_MASK, 5, 2), shared);
	assert_int_equal(touch(second, 5, EPT_READ), EPT02_MAPPED);
	assert_true(second->unsync.first);
	world_write(l1_entry_at(top, 5, 1), 0x1015 << PAGE_SHIFT | RWX | WB);
	expect_at(second, 5, 0x1005);
}

/* Made while the page was protected, but before the kick had ended. */
UNIT(table_that_is_made_during_the_kick_is_unsync)
{
	struct ept02_root *second;

	map_and_touch(5, 0x1005, RWX | WB);
	set_kick(touch_other_root);
	invept();
	second = pool->newest;
	invept_and_enter(second->key);
	assert_int_equal(touch(second, 5, EPT_READ), EPT02_MAPPED);
	expect_at(second, 5, 0x1015);
}

static sem_t other_is_in_kick, other_may_go_on;

static void wait_for_main(void)
{
	sem_post(&other_is_in_kick);
	sem_wait(&other_may_go_on);
}

static void *other_cpu(void *unused)
{
	host_run_on(1);
	in_kick = wait_for_main;
	invept();
	return unused;
}

static pthread_t other;

static void write_and_let_other_invept_begin(void)
{
	l1_map(top, 5, 0x1015, RWX | WB);
	assert_int_equal(pthread_create(&other, NULL, other_cpu, NULL), 0);
	sem_wait(&other_is_in_kick);
}

/* The page was written and protected anew during the kick: this kick is not the one that counts. */
UNIT(protection_that_has_not_settled_leaves_the_table_unsync)
{
	sem_init(&other_is_in_kick, 0, 0);
	sem_init(&other_may_go_on, 0, 0);
	map_and_touch(5, 0x1005, RWX | WB);
	set_kick(write_and_let_other_invept_begin);
	invept();
	assert_true(protected[table_gfn(5, 1)]);
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	expect_at(root, 5, 0x1015);
	/* From a TLB, past the protection. */
	world_write(l1_entry_at(top, 5, 1), 0x1025 << PAGE_SHIFT | RWX | WB);
	sem_post(&other_may_go_on);
	pthread_join(other, NULL);
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	expect_at(root, 5, 0x1025);
	assert_null(root->unsync.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(changed_entry_is_seen_after_invept, set_up),
		cmocka_unit_test_setup(entry_changed_between_invept_and_the_entry_is_seen, set_up),
		cmocka_unit_test_setup(each_vcpu_pays_its_own_invepts, set_up),
		cmocka_unit_test_setup(first_entry_with_a_root_protects_nothing, set_up),
		cmocka_unit_test_setup(only_tables_that_were_written_are_read, set_up),
		cmocka_unit_test_setup(what_l1_adds_needs_no_invept, set_up),
		cmocka_unit_test_setup(invept_is_for_its_address_only, set_up),
		cmocka_unit_test_setup(entry_on_the_way_takes_what_is_below_it, set_up),
		cmocka_unit_test_setup(fault_that_finds_another_entry_forgets_what_was_below,
				       set_up),
		cmocka_unit_test_setup(dirty_flag_that_l1_clears_takes_the_write_permission,
				       set_up),
		cmocka_unit_test_setup(write_before_the_kick_ends_is_seen, set_up),
		cmocka_unit_test_setup(invept_of_two_cpus_at_once, set_up),
		cmocka_unit_test_setup(table_that_is_made_during_the_kick_is_unsync, set_up),
		cmocka_unit_test_setup(protection_that_has_not_settled_leaves_the_table_unsync,
				       set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept02_sync", tests, NULL, NULL);
}
