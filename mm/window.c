/* SPDX-License-Identifier: MIT */
/*
 * Window slots and their TLB debts. PTEs: each CPU's transient slots,
 * then the persistent ones. Invariant: a persistent slot is in the set
 * of free slots exactly when nobody has it and no CPU owes for it.
 */
#include "mm/window.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/pte.h"
#include "hv/spinlock.h"
#include "hv/x86.h"
#include "mm/bitset.h"
#include "mm/page.h"
#include "mm/walker.h"

/* Accessed and dirty are preset, so that the walker needs no write of its own. */
#define PTE_BITS (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_NO_EXECUTE)

struct window_slot {
	u64 users; /* CPUs that may hold the translation; set without the lock while mapped */
	u64 debts; /* CPUs that owe an INVLPG */
	bool taken;
	bool mapped;
};

static struct {
	u64 *ptes; /* constant after window_init, as cpus */
	u32 cpus;
	struct spinlock lock; /* protects what follows */
	struct window_slot *slots;
	struct bitset free;
	struct bitset owed[WINDOW_CPUS_MAX]; /* by CPU: slots that it owes for */
} windows;

u32 window_pte_count(u32 cpus)
{
	return cpus * WINDOW_TRANSIENT + WINDOW_PERSISTENT;
}

void window_init(u64 *ptes, u32 cpus)
{
	u64 set_words = bitset_words(WINDOW_PERSISTENT);
	u64 slot_bytes = WINDOW_PERSISTENT * sizeof(struct window_slot);
	u64 *words;

	ASSERT(cpus <= WINDOW_CPUS_MAX);
	windows.ptes = ptes;
	windows.cpus = cpus;
	windows.slots = page_alloc(page_order(slot_bytes + (cpus + 1) * set_words * sizeof(u64)));
	ASSERT(windows.slots);
	words = (u64 *)(windows.slots + WINDOW_PERSISTENT);
	bitset_init(&windows.free, words, WINDOW_PERSISTENT);
	for (u32 i = 0; i < cpus; i++)
		bitset_init(&windows.owed[i], words += set_words, WINDOW_PERSISTENT);
	for (u32 i = 0; i < WINDOW_PERSISTENT; i++)
		bitset_set(&windows.free, i);
}

static void *address_of(u64 pte_index)
{
	return walker_window_area() + pte_index * PAGE_SIZE;
}

static void write_pte(u64 pte_index, u64 value)
{
	walker_store(&windows.ptes[pte_index], value);
	counter_inc(CTR_WINDOW_PTE_WRITES);
}

static void flush(u64 pte_index)
{
	invlpg(address_of(pte_index));
	counter_inc(CTR_INVLPG);
}

static u64 transient_pte(u32 depth)
{
	return THIS_CPU_FIELD(index) * WINDOW_TRANSIENT + depth;
}

void *window_map(pfn_t pfn, enum window_access access)
{
	u32 depth = THIS_CPU_FIELD(window_depth);
	u64 pte_index = transient_pte(depth);
	u64 pte = pfn_to_hpa(pfn).raw | PTE_BITS;

	ASSERT(depth < WINDOW_TRANSIENT);
	ASSERT(windows.ptes[pte_index] == 0);
	write_pte(pte_index, access == WINDOW_WRITE ? pte | PTE_WRITE : pte);
	THIS_CPU_FIELD(window_depth) = depth + 1;
	return address_of(pte_index);
}

void window_unmap(void *va)
{
	u32 depth = THIS_CPU_FIELD(window_depth) - 1;
	u64 pte_index = transient_pte(depth);

	ASSERT(depth < WINDOW_TRANSIENT && va == address_of(pte_index));
	/* Only this CPU used the slot: the debt is paid on the spot,
	 * and nothing of the guest stays in reach. */
	write_pte(pte_index, 0);
	flush(pte_index);
	THIS_CPU_FIELD(window_depth) = depth;
}

static u64 slot_number(const struct window_slot *slot)
{
	return (u64)(slot - windows.slots);
}

static u64 slot_pte(const struct window_slot *slot)
{
	return windows.cpus * WINDOW_TRANSIENT + slot_number(slot);
}

struct window_slot *window_slot_get(void)
{
	struct window_slot *slot = NULL;
	u64 number;

	spin_lock(&windows.lock);
	number = bitset_find(&windows.free, 0);
	if (number != BITSET_NONE) {
		slot = &windows.slots[number];
		ASSERT(!slot->taken && !slot->mapped && !slot->debts);
		slot->taken = true;
		bitset_clear(&windows.free, number);
	}
	spin_unlock(&windows.lock);
	return slot;
}

void *window_slot_map(struct window_slot *slot, pfn_t pfn)
{
	spin_lock(&windows.lock);
	ASSERT(slot->taken && !slot->mapped);
	ASSERT(slot->debts == 0);
	slot->mapped = true;
	write_pte(slot_pte(slot), pfn_to_hpa(pfn).raw | PTE_BITS | PTE_WRITE);
	spin_unlock(&windows.lock);
	return address_of(slot_pte(slot));
}

void window_slot_use(struct window_slot *slot)
{
	u64 me = BIT(THIS_CPU_FIELD(index));

	ASSERT(slot->mapped);
	/* Full order: the declaration is seen before this CPU's access;
	 * pairs with the exchange in window_slot_unmap. */
	if (!(__atomic_load_n(&slot->users, __ATOMIC_RELAXED) & me))
		__atomic_fetch_or(&slot->users, me, __ATOMIC_SEQ_CST);
}

bool window_slot_repoint(struct window_slot *slot, pfn_t pfn)
{
	/* Who has a slot decides alone who uses it: this needs no lock. */
	u64 users = __atomic_load_n(&slot->users, __ATOMIC_RELAXED);

	ASSERT(slot->taken && slot->mapped);
	if (users & ~BIT(THIS_CPU_FIELD(index)))
		return false;
	write_pte(slot_pte(slot), pfn_to_hpa(pfn).raw | PTE_BITS | PTE_WRITE);
	flush(slot_pte(slot));
	return true;
}

void window_slot_unmap(struct window_slot *slot)
{
	spin_lock(&windows.lock);
	ASSERT(slot->taken && slot->mapped);
	slot->mapped = false;
	write_pte(slot_pte(slot), 0);
	slot->debts = __atomic_exchange_n(&slot->users, 0, __ATOMIC_SEQ_CST);
	for (u64 left = slot->debts; left; left &= left - 1)
		bitset_set(&windows.owed[__builtin_ctzll(left)], slot_number(slot));
	spin_unlock(&windows.lock);
}

static void make_free_if_done(struct window_slot *slot)
{
	if (!slot->taken && !slot->debts)
		bitset_set(&windows.free, slot_number(slot));
}

void window_slot_put(struct window_slot *slot)
{
	spin_lock(&windows.lock);
	ASSERT(slot->taken && !slot->mapped);
	slot->taken = false;
	make_free_if_done(slot);
	spin_unlock(&windows.lock);
}

void window_pay_debts(void)
{
	u32 me = THIS_CPU_FIELD(index);
	struct bitset *owed = &windows.owed[me];
	u64 number;

	spin_lock(&windows.lock);
	for (number = bitset_find(owed, 0); number != BITSET_NONE;
	     number = bitset_find(owed, number)) {
		struct window_slot *slot = &windows.slots[number];

		flush(slot_pte(slot));
		bitset_clear(owed, number);
		slot->debts &= ~BIT(me);
		make_free_if_done(slot);
	}
	spin_unlock(&windows.lock);
}
