/* SPDX-License-Identifier: MIT */
/* mm/pfn_cache.c, guest use: the gate of who uses a page is raised and the vCPU called out before
 * the page goes, and nobody else's. */
#include "pfn_fixture.h"

#define APIC_PAGE 0u
#define VAPIC     3u

static struct pfn_user user;
static struct pfn_cache apic_page, vapic;

static int set_up(void **state)
{
	(void)state;
	set_up_memory();
	user.stale = 0;
	add(10, 4);
	add(20, 1);
	pfn_cache_init_guest(&apic_page, memory, &user, APIC_PAGE);
	pfn_cache_init_guest(&vapic, memory, &user, VAPIC);
	pfn_cache_activate(&apic_page, page_at(11));
	pfn_cache_activate(&vapic, page_at(20));
	return 0;
}

static int use(struct pfn_cache *cache, u32 vcpu, u64 *frame)
{
	pfn_t pfn = { 0 };
	int rc = pfn_cache_use(cache, vcpu, &pfn);

	*frame = pfn.raw;
	return rc;
}

UNIT(use_gives_the_frame_and_maps_nothing)
{
	u64 frame;

	assert_int_equal(use(&apic_page, 2, &frame), 0);
	assert_int_equal(frame, frame_of(11).raw);
	assert_int_equal(user.stale, 0);
	assert_true(pfn_cache_check(&apic_page, page_at(11)));
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), 0);
	assert_int_equal(use(&apic_page, 2, &frame), 0);
	assert_int_equal(host_counter(CTR_CACHE_REFRESHES), 1);
}

static u64 frames;

static void gate_is_raised_and_nothing_free(void)
{
	assert_int_equal(user.stale, BIT(VAPIC));
	assert_false(pfn_cache_check(&vapic, page_at(20)));
	assert_int_equal(guest_frame_free_count(), frames);
	assert_int_equal(memory->active, 1);
}

/* Also where EPT01 never had the page, so that nobody is kicked for it. */
UNIT(vcpu_is_called_out_at_its_raised_gate_before_the_page_goes)
{
	u64 frame;

	use(&apic_page, 2, &frame);
	use(&vapic, 2, &frame);
	frames = guest_frame_free_count();
	in_call_out = gate_is_raised_and_nothing_free;
	remove_at(20);
	assert_int_equal(called_out, BIT(2));
	assert_int_equal(kicked, 0);
	assert_int_equal(host_counter(CTR_CACHE_CALL_OUTS), 1);
	assert_int_equal(guest_frame_free_count(), frames + 1);
}

UNIT(gate_stays_raised_until_the_page_is_there_again)
{
	u64 frame;

	use(&vapic, 2, &frame);
	remove_at(20);
	assert_int_equal(use(&vapic, 2, &frame), -ENOENT);
	assert_int_equal(user.stale, BIT(VAPIC));
	add_with(20, 1, MEMSLOT_READONLY);
	assert_int_equal(use(&vapic, 2, &frame), -EFAULT);
	assert_int_equal(user.stale, BIT(VAPIC));
	remove_at(20);
	add(20, 1);
	assert_int_equal(user.stale, BIT(VAPIC));
	/* Another CPU's refresh does not bring the frame into this VMCS. */
	assert_int_equal(pfn_cache_refresh(&vapic), 0);
	assert_int_equal(user.stale, BIT(VAPIC));
	assert_int_equal(use(&vapic, 2, &frame), 0);
	assert_int_equal(frame, frame_of(20).raw);
	assert_int_equal(user.stale, 0);
}

UNIT(page_that_is_not_used_raises_no_gate)
{
	u64 frame;

	use(&apic_page, 2, &frame);
	assert_int_equal(pfn_cache_refresh(&vapic), 0); /* valid, but in no VMCS */
	remove_at(20);
	assert_int_equal(user.stale, 0);
	add(20, 1);
	use(&vapic, 2, &frame);
	pfn_cache_unuse(&vapic, 2);
	remove_at(20);
	assert_int_equal(user.stale, 0);
	assert_int_equal(called_out, 0);
	/* What could not be had is not used either, once that is said. */
	assert_int_equal(use(&vapic, 2, &frame), -ENOENT);
	assert_int_equal(user.stale, BIT(VAPIC));
	pfn_cache_unuse(&vapic, 2);
	assert_int_equal(user.stale, 0);
}

UNIT(all_vcpus_that_have_the_frame_are_called_out)
{
	u64 frame;

	use(&apic_page, 2, &frame);
	use(&apic_page, 15, &frame);
	use(&vapic, 7, &frame);
	move(10, 30);
	assert_int_equal(called_out, BIT(2) | BIT(15));
	assert_int_equal(user.stale, BIT(APIC_PAGE));
}

static void other_cpu_deletes(void)
{
	in_call_out = NULL;
	called_out = 0;
	host_run_on(1);
	remove_at(10);
	/* The vCPU may be in its guest still, with the frame that is freed now. */
	assert_int_equal(called_out, BIT(2));
	host_run_on(0);
}

UNIT(second_change_waits_for_who_the_first_has_not_called_out_yet)
{
	u64 frame;

	use(&apic_page, 2, &frame);
	in_call_out = other_cpu_deletes;
	assert_int_equal(memslot_set_flags(memory, l1_gfn(10), MEMSLOT_LOG_DIRTY), MEMSLOT_OK);
	assert_int_equal(use(&apic_page, 2, &frame), -ENOENT);
}

static void use_during_a_change(void)
{
	u64 frame;

	assert_int_equal(use(&vapic, 2, &frame), -EBUSY);
	assert_int_equal(user.stale, BIT(VAPIC));
}

UNIT(page_that_changes_cannot_be_used_yet)
{
	u64 frame;

	use(&vapic, 2, &frame);
	in_call_out = use_during_a_change;
	assert_int_equal(memslot_set_flags(memory, l1_gfn(20), MEMSLOT_LOG_DIRTY), MEMSLOT_OK);
	assert_int_equal(use(&vapic, 2, &frame), 0);
	assert_int_equal(user.stale, 0);
}

UNIT(deactivation_ends_every_use)
{
	u64 frame;

	use(&vapic, 2, &frame);
	remove_at(20);
	pfn_cache_deactivate(&vapic);
	assert_int_equal(user.stale, 0);
	assert_int_equal(vapic.state & ~PFN_CACHE_GENERATION, 0);
	add(20, 1);
	called_out = 0;
	remove_at(20);
	assert_int_equal(called_out, 0);
}

static void use_by_one_too_many(void)
{
	u64 frame;

	use(&vapic, PFN_CACHE_HOLDERS, &frame);
}

static void hold_it(void)
{
	pfn_cache_hold(&vapic, page_at(20), 0);
}

UNIT(misuse_is_caught)
{
	assert_true(host_panics(use_by_one_too_many, "vcpu < PFN_CACHE_HOLDERS"));
	assert_true(host_panics(hold_it, "!cache->user"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(use_gives_the_frame_and_maps_nothing, set_up),
		cmocka_unit_test_setup(vcpu_is_called_out_at_its_raised_gate_before_the_page_goes,
				       set_up),
		cmocka_unit_test_setup(gate_stays_raised_until_the_page_is_there_again, set_up),
		cmocka_unit_test_setup(page_that_is_not_used_raises_no_gate, set_up),
		cmocka_unit_test_setup(all_vcpus_that_have_the_frame_are_called_out, set_up),
		cmocka_unit_test_setup(second_change_waits_for_who_the_first_has_not_called_out_yet,
				       set_up),
		cmocka_unit_test_setup(page_that_changes_cannot_be_used_yet, set_up),
		cmocka_unit_test_setup(deactivation_ends_every_use, set_up),
		cmocka_unit_test_setup(misuse_is_caught, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
