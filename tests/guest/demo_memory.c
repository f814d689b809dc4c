/* SPDX-License-Identifier: MIT */
/*
 * The memory of the demo's L2s. It is mapped into EPT12 as L2 touches it, and moves to other places
 * in L1's memory while L2 may be running:
 *
 *     the mover                                     each other CPU
 *     nothing may be mapped; EPT12 loses all pages
 *     asks for a flush, sends an interrupt  ──►     L2 exits; INVEPT; answers
 *     INVEPT; waits for the answers         ◄──
 *     moves; pages may be mapped again              L2 faults, L1 maps the page where it is now
 *
 * Under Nestor the memory is a region of its own and moves by hypercall; where those are off, L1
 * copies it. Nestor also gives it other frames, which L1 and L2 need not know of: L2 goes on
 * running, on whatever CPU it is.
 */
#include "hv/string.h"
#include "hv/x86.h"
#include "tests/guest/demo.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/ept12.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/report.h"
#include "tests/guest/lib/smp.h"

#define WINDOW(n)    (2 * GIB + (n)*16 * MIB)
/* Nothing of the machine is there; the second place is not aligned to more than a page. */
#define PLACE(n, at) (0xd0000000ULL + (n)*32 * MIB + (at) * (16 * MIB + 3 * PAGE_SIZE))
#define PASSING      0xe0000000ULL /* a region that comes and goes with each move */

static u64 flush_wanted[DEMO_CPUS], flush_done[DEMO_CPUS]; /* how many; acquire and release */
static bool is_nestors;                                    /* constant once there are L2s */

bool demo_memory_is_nestors(void)
{
	return is_nestors;
}

static void lock(struct demo_l2 *guest)
{
	while (__atomic_exchange_n(&guest->lock, 1, __ATOMIC_ACQUIRE))
		cpu_pause();
}

static void unlock(struct demo_l2 *guest)
{
	__atomic_store_n(&guest->lock, 0, __ATOMIC_RELEASE);
}

static void must(const char *what, s64 error)
{
	if (error)
		report_fatal("Nestor refuses to %s: error %lld", what, (long long)error);
}

static u64 page_at(const struct demo_l2 *guest, u64 page)
{
	return guest->homes[guest->home][page];
}

/* Take all out of EPT12; its tables stay. */
static void unmap_all(struct demo_l2 *guest)
{
	for (u64 page = 0; page < DEMO_PAGES; page++)
		ept12_unmap(guest->eptp, guest->window + page * PAGE_SIZE);
}

void demo_memory_create(struct demo_l2 *guest, u32 number)
{
	is_nestors = nestor_has(NESTOR_CAP_TEST_CALLS);
	guest->window = WINDOW(number);
	guest->eptp = ept12_create();
	for (u64 page = 0; page < DEMO_PAGES; page++) {
		for (u32 at = 0; at < 2; at++)
			guest->homes[at][page] = is_nestors ? PLACE(number, at) + page * PAGE_SIZE
							    : memory_page_alloc();
	}
	unmap_all(guest);
	if (is_nestors)
		must("add a region",
		     nestor_call(NESTOR_CALL_REGION_ADD, page_at(guest, 0), DEMO_BYTES, NULL));
}

void demo_memory_destroy(struct demo_l2 *guest)
{
	ept12_destroy(guest->eptp);
	if (is_nestors)
		must("delete a region",
		     nestor_call(NESTOR_CALL_REGION_DELETE, page_at(guest, 0), 0, NULL));
	for (u64 page = 0; !is_nestors && page < DEMO_PAGES; page++) {
		memory_page_free(guest->homes[0][page]);
		memory_page_free(guest->homes[1][page]);
	}
}

bool demo_memory_fault(struct demo_l2 *guest, u64 gpa)
{
	u64 page = (gpa - guest->window) >> PAGE_SHIFT;

	if (page >= DEMO_PAGES)
		return false;
	while (READ_ONCE(guest->moving)) {
		demo_memory_serve();
		cpu_pause();
	}
	lock(guest);
	/* Else the next move has begun: L2 comes again. */
	if (!guest->moving)
		ept12_map(guest->eptp, guest->window + page * PAGE_SIZE, page_at(guest, page));
	unlock(guest);
	return true;
}

static void invept_all(void)
{
	for (u32 i = 0; i < DEMO_L2S; i++)
		ept12_invept(demo_l2s[i].eptp);
}

void demo_memory_serve(void)
{
	u32 cpu = cpu_index();
	u64 wanted = __atomic_load_n(&flush_wanted[cpu], __ATOMIC_ACQUIRE);

	if (wanted == flush_done[cpu])
		return;
	invept_all();
	__atomic_store_n(&flush_done[cpu], wanted, __ATOMIC_RELEASE);
}

/* Until no CPU has a translation from before. */
static void flush(u32 cpus)
{
	u64 wanted[DEMO_CPUS];

	invept_all();
	for (u32 cpu = 0; cpu < cpus; cpu++) {
		if (cpu == cpu_index())
			continue;
		wanted[cpu] = __atomic_add_fetch(&flush_wanted[cpu], 1, __ATOMIC_ACQ_REL);
		apic_send(smp_apic_id(cpu), APIC_ICR_ASSERT | DEMO_VECTOR);
		/* Which may be waiting for this one. */
		while (__atomic_load_n(&flush_done[cpu], __ATOMIC_ACQUIRE) < wanted[cpu]) {
			demo_memory_serve();
			cpu_pause();
		}
	}
}

static void add_and_delete(u64 place)
{
	must("add a region", nestor_call(NESTOR_CALL_REGION_ADD, place, DEMO_BYTES, NULL));
	WRITE_ONCE(*(u64 *)place, place);
	must("delete a region", nestor_call(NESTOR_CALL_REGION_DELETE, place, 0, NULL));
}

/* From where it is to its other place. */
static void relocate(const struct demo_l2 *guest)
{
	const u64 *from = guest->homes[guest->home], *to = guest->homes[!guest->home];

	if (is_nestors) {
		must("move a region", nestor_call(NESTOR_CALL_REGION_MOVE, from[0], to[0], NULL));
		add_and_delete(PASSING + cpu_index() * 16 * MIB);
		return;
	}
	for (u64 page = 0; page < DEMO_PAGES; page++)
		memcpy((void *)to[page], (const void *)from[page], PAGE_SIZE);
}

/* To other frames, in the midst of it all. */
static void migrate(struct demo_l2 *guest)
{
	guest->migrations++;
	guest->migrations_while_inside += READ_ONCE(guest->inside);
	must("migrate pages",
	     nestor_call(NESTOR_CALL_PAGES_MIGRATE, page_at(guest, 0), DEMO_BYTES, NULL));
}

void demo_memory_move(struct demo_l2 *guest, u32 cpus)
{
	if (is_nestors)
		migrate(guest);
	lock(guest);
	guest->moving = 1;
	unmap_all(guest);
	unlock(guest);
	guest->moves++;
	guest->moves_while_inside += READ_ONCE(guest->inside);
	flush(cpus);
	relocate(guest);
	lock(guest);
	guest->home ^= 1;
	guest->moving = 0;
	unlock(guest);
}
