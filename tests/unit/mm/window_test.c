/* SPDX-License-Identifier: MIT */
/* mm/window.c: what a window reaches, who owes an INVLPG, and every misuse. */
#include "unit.h"
#include "host_memory.h"
#include "hv/cpu.h"
#include "hv/x86.h"
#include "mm/walker.h"
#include "mm/window.h"

#define FRAME 0x1234u
#define OTHER 0x100007u /* above 4 GiB */

static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	return 0;
}

static u64 peek(u64 frame)
{
	u64 value;

	host_guest_ram_read(pfn_to_hpa(pfn(frame)), &value, sizeof(value));
	return value;
}

static void poke(u64 frame, u64 value)
{
	host_guest_ram_write(pfn_to_hpa(pfn(frame)), &value, sizeof(value));
}

static u64 pte_seen;

static void see_pte(u64 *entry, u64 old)
{
	(void)old;
	if (*entry)
		pte_seen = *entry;
}

UNIT(transient_window_reaches_its_frame)
{
	u64 *page;

	poke(FRAME, 111);
	page = window_map(pfn(FRAME), WINDOW_WRITE);
	assert_int_equal(*page, 111);
	*page = 222;
	window_unmap(page);
	assert_int_equal(peek(FRAME), 222);
}

UNIT(pte_is_never_executable_and_has_accessed_and_dirty)
{
	host_store_watch = see_pte;
	window_unmap(window_map(pfn(OTHER), WINDOW_WRITE));
	assert_true(pte_seen == (BIT(63) | (u64)OTHER << 12 | 0x63));
	window_unmap(window_map(pfn(OTHER), WINDOW_READ));
	assert_true(pte_seen == (BIT(63) | (u64)OTHER << 12 | 0x61));
}

UNIT(transient_use_costs_two_pte_writes_and_one_invlpg)
{
	void *page = window_map(pfn(FRAME), WINDOW_READ);

	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), 1);
	assert_int_equal(host_counter(CTR_INVLPG), 0);
	window_unmap(page);
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), 2);
	assert_int_equal(host_counter(CTR_INVLPG), 1);
	assert_int_equal(host_x86_count_at(HOST_X86_INVLPG, (u64)(uintptr_t)page), 1);
}

UNIT(transient_windows_stack_and_are_the_cpu_s_own)
{
	u64 *pages[2][WINDOW_TRANSIENT];

	for (u32 cpu = 0; cpu < 2; cpu++) {
		host_run_on(cpu);
		for (u32 i = 0; i < WINDOW_TRANSIENT; i++) {
			pages[cpu][i] = window_map(pfn(FRAME + i), WINDOW_WRITE);
			*pages[cpu][i] = 10 * cpu + i;
		}
	}
	assert_int_equal(*pages[0][3], 13);
	for (u32 cpu = 0; cpu < 2; cpu++) {
		host_run_on(cpu);
		for (u32 i = WINDOW_TRANSIENT; i-- > 0;)
			window_unmap(pages[cpu][i]);
	}
	assert_ptr_not_equal(pages[0][0], pages[1][0]);
	assert_int_equal(peek(FRAME + 2), 12);
}

static void unmap_in_wrong_order(void)
{
	void *first = window_map(pfn(FRAME), WINDOW_READ);

	window_map(pfn(FRAME + 1), WINDOW_READ);
	window_unmap(first);
}

static void map_one_too_many(void)
{
	for (u32 i = 0; i <= WINDOW_TRANSIENT; i++)
		window_map(pfn(FRAME), WINDOW_READ);
}

static void unmap_twice(void)
{
	void *page = window_map(pfn(FRAME), WINDOW_READ);

	window_unmap(page);
	window_unmap(page);
}

UNIT(misuse_of_the_stack_is_refused)
{
	assert_true(host_panics(unmap_in_wrong_order, "va == address_of"));
	assert_true(host_panics(map_one_too_many, "depth < WINDOW_TRANSIENT"));
	assert_true(host_panics(unmap_twice, "depth < WINDOW_TRANSIENT"));
}

static void write_through_read_window(void)
{
	*(volatile u64 *)window_map(pfn(FRAME), WINDOW_READ) = 1;
}

static void read_after_unmap(void)
{
	volatile u64 *page = window_map(pfn(FRAME), WINDOW_READ);

	window_unmap((void *)(uintptr_t)page);
	(void)*page;
}

UNIT(access_that_a_window_does_not_give_faults)
{
	assert_true(host_faults(write_through_read_window));
	assert_true(host_faults(read_after_unmap));
}

UNIT(persistent_slot_can_be_pointed_elsewhere_without_debts)
{
	struct window_slot *slot = window_slot_get();
	u64 *page = window_slot_map(slot, pfn(FRAME));

	window_slot_unmap(slot);
	assert_ptr_equal(window_slot_map(slot, pfn(OTHER)), page);
	window_slot_use(slot);
	*page = 77;
	assert_int_equal(peek(OTHER), 77);
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), 3);
	assert_int_equal(host_counter(CTR_INVLPG), 0);
}

UNIT(mapped_slot_of_this_cpu_alone_goes_over_to_another_frame)
{
	struct window_slot *slot = window_slot_get();
	u64 *page = window_slot_map(slot, pfn(FRAME));
	u64 va = (u64)(uintptr_t)page;

	window_slot_use(slot);
	*page = 11;
	assert_true(window_slot_repoint(slot, pfn(OTHER)));
	assert_int_equal(host_x86_count_at(HOST_X86_INVLPG, va), 1);
	*page = 22;
	assert_int_equal(peek(FRAME), 11);
	assert_int_equal(peek(OTHER), 22);
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), 2);
	/* The other CPU has the old translation. */
	host_run_on(1);
	window_slot_use(slot);
	host_run_on(0);
	assert_false(window_slot_repoint(slot, pfn(FRAME)));
	*page = 33;
	assert_int_equal(peek(OTHER), 33);
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), 2);
}

/* Use up all slots but one that both CPUs owe for, and that was put. */
static struct window_slot *owed_slot(void)
{
	struct window_slot *slot = window_slot_get();

	while (window_slot_get())
		;
	window_slot_map(slot, pfn(FRAME));
	window_slot_use(slot);
	window_slot_use(slot);
	host_run_on(1);
	window_slot_use(slot);
	window_slot_unmap(slot);
	window_slot_put(slot);
	return slot;
}

UNIT(slot_comes_back_only_after_every_user_paid)
{
	struct window_slot *slot = owed_slot();

	assert_null(window_slot_get());
	window_pay_debts();
	assert_int_equal(host_counter(CTR_INVLPG), 1);
	assert_null(window_slot_get());
	host_run_on(0);
	window_pay_debts();
	assert_int_equal(host_counter(CTR_INVLPG), 1);
	assert_ptr_equal(window_slot_get(), slot);
	window_pay_debts();
	assert_int_equal(host_x86_count(HOST_X86_INVLPG), 2);
}

UNIT(debt_is_paid_at_the_slot_s_address)
{
	struct window_slot *slot = window_slot_get();
	u64 va = (u64)(uintptr_t)window_slot_map(slot, pfn(FRAME));

	window_slot_use(slot);
	window_slot_unmap(slot);
	window_pay_debts();
	assert_int_equal(host_x86_count_at(HOST_X86_INVLPG, va), 1);
	/* The payer may also keep the slot. */
	window_slot_map(slot, pfn(OTHER));
}

UNIT(there_are_as_many_persistent_slots_as_promised)
{
	u32 count = 0;

	while (window_slot_get())
		count++;
	assert_int_equal(count, WINDOW_PERSISTENT);
	assert_int_equal(window_pte_count(2), WINDOW_PERSISTENT + 2 * WINDOW_TRANSIENT);
}

UNIT(no_two_slots_share_an_address)
{
	char *last = walker_window_area() + (window_pte_count(2) - 1) * PAGE_SIZE;
	char *transient;
	struct window_slot *slot;
	char *va = NULL;

	host_run_on(1);
	for (u32 i = 0; i < WINDOW_TRANSIENT; i++)
		transient = window_map(pfn(FRAME), WINDOW_READ);
	while ((slot = window_slot_get())) {
		char *next = window_slot_map(slot, pfn(FRAME));

		assert_ptr_equal(next, (va ? va : transient) + PAGE_SIZE);
		va = next;
	}
	assert_ptr_equal(va, last);
}

static void map_with_debt(void)
{
	struct window_slot *slot = window_slot_get();

	window_slot_map(slot, pfn(FRAME));
	window_slot_use(slot);
	window_slot_unmap(slot);
	window_slot_map(slot, pfn(OTHER));
}

static void map_while_mapped(void)
{
	struct window_slot *slot = window_slot_get();

	window_slot_map(slot, pfn(FRAME));
	window_slot_map(slot, pfn(OTHER));
}

static void put_while_mapped(void)
{
	struct window_slot *slot = window_slot_get();

	window_slot_map(slot, pfn(FRAME));
	window_slot_put(slot);
}

static void put_twice(void)
{
	struct window_slot *slot = window_slot_get();

	window_slot_put(slot);
	window_slot_put(slot);
}

static void use_unmapped(void)
{
	window_slot_use(window_slot_get());
}

static void repoint_unmapped(void)
{
	window_slot_repoint(window_slot_get(), pfn(FRAME));
}

static void unmap_unmapped(void)
{
	window_slot_unmap(window_slot_get());
}

UNIT(misuse_of_a_slot_is_refused)
{
	assert_true(host_panics(map_with_debt, "debts == 0"));
	assert_true(host_panics(map_while_mapped, "!slot->mapped"));
	assert_true(host_panics(put_while_mapped, "!slot->mapped"));
	assert_true(host_panics(put_twice, "slot->taken"));
	assert_true(host_panics(use_unmapped, "slot->mapped"));
	assert_true(host_panics(repoint_unmapped, "slot->mapped"));
	assert_true(host_panics(unmap_unmapped, "slot->mapped"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(transient_window_reaches_its_frame, set_up),
		cmocka_unit_test_setup(pte_is_never_executable_and_has_accessed_and_dirty, set_up),
		cmocka_unit_test_setup(transient_use_costs_two_pte_writes_and_one_invlpg, set_up),
		cmocka_unit_test_setup(transient_windows_stack_and_are_the_cpu_s_own, set_up),
		cmocka_unit_test_setup(misuse_of_the_stack_is_refused, set_up),
		cmocka_unit_test_setup(access_that_a_window_does_not_give_faults, set_up),
		cmocka_unit_test_setup(persistent_slot_can_be_pointed_elsewhere_without_debts,
				       set_up),
		cmocka_unit_test_setup(mapped_slot_of_this_cpu_alone_goes_over_to_another_frame,
				       set_up),
		cmocka_unit_test_setup(slot_comes_back_only_after_every_user_paid, set_up),
		cmocka_unit_test_setup(debt_is_paid_at_the_slot_s_address, set_up),
		cmocka_unit_test_setup(there_are_as_many_persistent_slots_as_promised, set_up),
		cmocka_unit_test_setup(no_two_slots_share_an_address, set_up),
		cmocka_unit_test_setup(misuse_of_a_slot_is_refused, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
