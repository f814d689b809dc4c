/* SPDX-License-Identifier: MIT */
/* Memory that comes, goes and moves while the guest runs (hv/abi.h). Needs test_calls = on. */
#include "hv/pte.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/looker.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/smp.h"

#define HERE   REGION_HERE
#define THERE  REGION_THERE
#define HOLE   0xd4000000ULL
#define PAGE   0x1000ULL
#define PAGES  16ULL
#define BYTES  REGION_BYTES
#define LARGE  (2 * MIB)
#define ONES   (~0ULL)
#define BEYOND BIT(52)
#define ROUNDS 1000u
#define LOOKS  100u

/* MOV (%RBX), %EAX or %ECX, then RET, as they lie in memory. */
enum { LOAD_EAX = 0xc3038b, LOAD_ECX = 0xc30b8b };

static bool stop;

static s64 add(u64 gpa, u64 bytes)
{
	return nestor_call(NESTOR_CALL_REGION_ADD, gpa, bytes, NULL);
}

/* How many pages don't start with their number and this seed. */
static u64 wrong_pages(u64 gpa, u64 seed)
{
	u64 wrong = 0;

	for (u64 i = 0; i < PAGES; i++)
		wrong += peek(gpa + i * PAGE) != seed + i;
	return wrong;
}

static void number_pages(u64 gpa, u64 seed)
{
	for (u64 i = 0; i < PAGES; i++)
		poke(gpa + i * PAGE, seed + i);
}

static u64 pages_that_are_there(u64 gpa, u64 pages)
{
	u64 there = 0;

	for (u64 i = 0; i < pages; i++)
		there += peek(gpa + i * PAGE) != ONES;
	return there;
}

TEST(regions, calls_are_refused_where_they_are_off)
{
	/* Expect: EPERM for each of them, for the calls that disturb kicks, and for those that are
	 * about caches. */
	if (!nestor_is_present())
		SKIP("needs Nestor");
	if (nestor_has(NESTOR_CAP_TEST_CALLS))
		SKIP("test_calls = on");
	EXPECT_EQ(add(HERE, BYTES), -NESTOR_EPERM);
	EXPECT_EQ(region_delete(HERE), -NESTOR_EPERM);
	EXPECT_EQ(region_move(HERE, THERE), -NESTOR_EPERM);
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_FIND, 0, 0, NULL), -NESTOR_EPERM);
	EXPECT_EQ(nestor_call(NESTOR_CALL_KICK_DELAY, 0, 0, NULL), -NESTOR_EPERM);
	EXPECT_EQ(nestor_call(NESTOR_CALL_DEAF, 0, 0, NULL), -NESTOR_EPERM);
	EXPECT_EQ(nestor_call(NESTOR_CALL_CACHES, 0, 0, NULL), -NESTOR_EPERM);
	EXPECT_EQ(nestor_call(NESTOR_CALL_INVALIDATE, 0, 0, NULL), -NESTOR_EPERM);
}

TEST(regions, added_memory_is_memory_until_it_is_deleted)
{
	/* Expect: ones before; each page keeps its value; ones again, and writes swallowed. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(pages_that_are_there(HERE, PAGES), 0);
	EXPECT_EQ(add(HERE, BYTES), 0);
	number_pages(HERE, 0x100);
	EXPECT_EQ(wrong_pages(HERE, 0x100), 0);
	EXPECT_EQ(peek(HERE - 8), ONES);
	EXPECT_EQ(peek(HERE + BYTES), ONES);
	EXPECT_EQ(region_delete(HERE), 0);
	EXPECT_EQ(pages_that_are_there(HERE, PAGES), 0);
	poke(HERE, 1);
	EXPECT_EQ(peek(HERE), ONES);
}

TEST(regions, large_memory_comes_and_goes)
{
	/* Expect: as much as a large leaf maps, all of it, all gone. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(HERE, LARGE), 0);
	for (u64 at = 0; at < LARGE; at += PAGE)
		poke(HERE + at, at);
	EXPECT_EQ(peek(HERE + LARGE - PAGE), LARGE - PAGE);
	EXPECT_EQ(pages_that_are_there(HERE, LARGE / PAGE), LARGE / PAGE);
	EXPECT_EQ(region_delete(HERE), 0);
	EXPECT_EQ(pages_that_are_there(HERE, LARGE / PAGE), 0);
}

TEST(regions, moved_memory_keeps_its_contents)
{
	/* Expect: the same values elsewhere, nothing where it was; also one page further, over
	 * itself. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(HERE, BYTES), 0);
	number_pages(HERE, 0x200);
	EXPECT_EQ(region_move(HERE, THERE), 0);
	EXPECT_EQ(pages_that_are_there(HERE, PAGES), 0);
	EXPECT_EQ(wrong_pages(THERE, 0x200), 0);
	EXPECT_EQ(region_move(THERE, THERE + PAGE), 0);
	EXPECT_EQ(peek(THERE), ONES);
	EXPECT_EQ(wrong_pages(THERE + PAGE, 0x200), 0);
	EXPECT_EQ(region_delete(THERE), -NESTOR_ENOENT);
	EXPECT_EQ(region_delete(THERE + PAGE), 0);
}

#define VECTOR 0x53u

/* Let in what is pending, with the stack there. */
static void window_on_stack(u64 top)
{
	__asm__ volatile(
		"mov %%rsp, %%rbx; mov %0, %%rsp; sti; nop; cli; mov %%rbx, %%rsp" ::"r"(top)
		: "rbx", "memory");
}

MACHINE_TEST(regions, interrupts_may_push_onto_untouched_memory, NEED_APIC)
{
	/* Expect: each interrupt whose frame is the first access to its page arrives once, and its
	 * service ends: EPT01 gets the page in the midst of the delivery. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(HERE, BYTES), 0);
	for (u32 i = 1; i <= PAGES; i++) {
		apic_self_ipi(VECTOR);
		window_on_stack(HERE + i * PAGE);
		EXPECT_EQ(irq_count(VECTOR), i);
	}
	EXPECT(apic_is_clear(APIC_ISR));
	EXPECT(apic_is_clear(APIC_IRR));
	EXPECT_EQ(region_delete(HERE), 0);
}

TEST(regions, read_only_memory_drops_writes)
{
	/* Expect: what a page held before a write is there after it; an unknown flag is refused. */
	u64 before;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(nestor_call3(NESTOR_CALL_REGION_ADD, HERE, BYTES, NESTOR_REGION_READONLY), 0);
	before = peek(HERE + PAGE);
	poke(HERE + PAGE, ~before);
	EXPECT_EQ(peek(HERE + PAGE), before);
	EXPECT_EQ(region_delete(HERE), 0);
	for (u32 bit = 2; bit < 64; bit++)
		EXPECT_EQ(nestor_call3(NESTOR_CALL_REGION_ADD, HERE, BYTES, BIT(bit)),
			  -NESTOR_EINVAL);
}

/* How many caches became invalid. */
static u64 invalidate(u64 gpa, u64 bytes)
{
	u64 before = nestor_count(NESTOR_COUNTER_CACHE_INVALIDATIONS);

	EXPECT_EQ(nestor_call(NESTOR_CALL_INVALIDATE, gpa, bytes, NULL), 0);
	return nestor_count(NESTOR_COUNTER_CACHE_INVALIDATIONS) - before;
}

TEST(regions, caches_are_invalidated_once)
{
	/* Expect: of pages with a region, each cache of the range becomes invalid, once; others
	 * stay; a new call takes the old caches away; too many are refused. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(HERE, BYTES), 0);
	EXPECT_EQ(nestor_call(NESTOR_CALL_CACHES, HERE - PAGE, PAGES + 2, NULL), 0);
	EXPECT_EQ(invalidate(THERE, BYTES), 0);
	EXPECT_EQ(invalidate(HERE + PAGE, PAGE), 1);
	EXPECT_EQ(invalidate(HERE - PAGE, BYTES + 2 * PAGE), PAGES - 1);
	EXPECT_EQ(invalidate(HERE - PAGE, BYTES + 2 * PAGE), 0);
	EXPECT_EQ(nestor_call(NESTOR_CALL_CACHES, HERE, 1, NULL), 0);
	EXPECT_EQ(region_delete(HERE), 0);
	EXPECT_EQ(nestor_call(NESTOR_CALL_CACHES, HERE, NESTOR_CACHES_MAX + 1, NULL),
		  -NESTOR_E2BIG);
	EXPECT_EQ(nestor_call(NESTOR_CALL_INVALIDATE, 0, ONES, NULL), -NESTOR_E2BIG);
	EXPECT_EQ(nestor_call(NESTOR_CALL_CACHES, 0, 0, NULL), 0);
}

TEST(regions, bad_additions_are_refused)
{
	/* Expect: each kind has its error, and nothing is there afterwards. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(HERE, 0), -NESTOR_EINVAL);
	EXPECT_EQ(add(HERE, BYTES + 1), -NESTOR_EINVAL);
	EXPECT_EQ(add(HERE + 8, BYTES), -NESTOR_EINVAL);
	EXPECT_EQ(add(BEYOND, BYTES), -NESTOR_ERANGE);
	EXPECT_EQ(add(ONES & ~(PAGE - 1), BYTES), -NESTOR_ERANGE);
	EXPECT_EQ(add(HERE, ONES & ~(PAGE - 1)), -NESTOR_ERANGE);
	EXPECT_EQ(add(0, BYTES), -NESTOR_EEXIST);
	EXPECT_EQ(add(8 * GIB, 16 * GIB), -NESTOR_ENOMEM);
	EXPECT_EQ(pages_that_are_there(HERE, PAGES), 0);
}

/* Run the code there, with RBX pointing where nothing is. */
static u64 rax_after_code_at(u64 gpa, u64 rax)
{
	__asm__ volatile("call *%2" : "+a"(rax) : "b"(HOLE), "r"(gpa) : "rcx", "cc", "memory");
	return rax;
}

TEST(regions, hypervisor_decodes_the_code_that_is_there_now)
{
	/* Expect: of two loads from nowhere in pages that take the place of each other, the one
	 * that stands there is carried out: into EAX, which gets ones, or into ECX. */
	TEST_CALLS_REQUIRED();
	for (u64 i = 0; i < 4; i++) {
		EXPECT_EQ(add(HERE, BYTES), 0);
		EXPECT_EQ(add(THERE, BYTES), 0);
		poke(HERE, LOAD_EAX);
		poke(THERE, LOAD_ECX);
		EXPECT_EQ(rax_after_code_at(HERE, i), BITS(31, 0));
		EXPECT_EQ(rax_after_code_at(THERE, i), i);
		EXPECT_EQ(region_delete(HERE), 0);
		EXPECT_EQ(region_move(THERE, HERE), 0);
		EXPECT_EQ(rax_after_code_at(HERE, i), i);
		EXPECT_EQ(region_delete(HERE), 0);
	}
}

TEST(regions, overlaps_are_refused)
{
	/* Expect: an addition or a move onto any page of another region fails; beside it, not. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(HERE, BYTES), 0);
	EXPECT_EQ(add(HERE, BYTES), -NESTOR_EEXIST);
	EXPECT_EQ(add(HERE - BYTES + PAGE, BYTES), -NESTOR_EEXIST);
	EXPECT_EQ(add(HERE + BYTES - PAGE, BYTES), -NESTOR_EEXIST);
	EXPECT_EQ(add(HERE + BYTES, BYTES), 0);
	EXPECT_EQ(region_move(HERE, HERE + PAGE), -NESTOR_EEXIST);
	EXPECT_EQ(region_move(HERE, 0), -NESTOR_EEXIST);
	number_pages(HERE, 0x300);
	EXPECT_EQ(wrong_pages(HERE, 0x300), 0);
	EXPECT_EQ(region_delete(HERE), 0);
	EXPECT_EQ(region_delete(HERE + BYTES), 0);
}

TEST(regions, what_is_not_there_cannot_go)
{
	/* Expect: ENOENT where no region starts, EPERM for the machine's own memory. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_delete(HERE), -NESTOR_ENOENT);
	EXPECT_EQ(region_move(HERE, THERE), -NESTOR_ENOENT);
	EXPECT_EQ(region_delete(BEYOND), -NESTOR_ENOENT);
	EXPECT_EQ(region_delete(ONES & ~(PAGE - 1)), -NESTOR_ENOENT);
	EXPECT_EQ(region_delete(HERE + 1), -NESTOR_EINVAL);
	EXPECT_EQ(region_delete(0), -NESTOR_EPERM);
	EXPECT_EQ(region_move(0, HERE), -NESTOR_EPERM);
	EXPECT_EQ(add(HERE, BYTES), 0);
	EXPECT_EQ(region_delete(HERE + PAGE), -NESTOR_ENOENT);
	EXPECT_EQ(region_move(HERE, BEYOND), -NESTOR_ERANGE);
	EXPECT_EQ(region_move(HERE, HERE + 16), -NESTOR_EINVAL);
	EXPECT_EQ(region_delete(HERE), 0);
}

TEST(regions, memory_is_found_where_it_is)
{
	/* Expect: from any byte of a page at least to its end; ENOENT beside it and in a hole. */
	u64 bytes = 0;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(HERE, PAGE), 0);
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_FIND, HERE, 0, &bytes), 0);
	EXPECT_EQ(bytes, PAGE);
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_FIND, HERE + 5, 0, &bytes), 0);
	EXPECT_EQ(bytes, PAGE - 5);
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_FIND, HERE - 1, 0, NULL), -NESTOR_ENOENT);
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_FIND, HERE + PAGE, 0, NULL), -NESTOR_ENOENT);
	EXPECT_EQ(nestor_call(NESTOR_CALL_BALLOON_OUT, HERE, PAGE, NULL), 0);
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_FIND, HERE, 0, NULL), -NESTOR_ENOENT);
	EXPECT_EQ(region_delete(HERE), 0);
}

static void look(void *unused)
{
	(void)unused;
	while (!READ_ONCE(stop))
		looker_look();
}

static void come_and_go_often(u32 rounds, u32 times)
{
	u32 done = 0;

	looker_begin(REGION_HERE);
	stop = false;
	smp_start(1, look, NULL);
	while (done < rounds && looker_sees_region(done, times))
		done++;
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	EXPECT_EQ(done, rounds);
	looker_expect_right();
}

MACHINE_TEST(regions, no_cpu_finds_what_was_deleted, NEED_CPUS_2)
{
	/* Expect: another CPU that reads a page all the time, and so has its translation, finds
	 * the page's new value after an addition and ones after a deletion, from the calls'
	 * returns on. */
	TEST_CALLS_REQUIRED();
	come_and_go_often(LOOKS, 3);
}

MACHINE_TEST(regions, a_thousand_rounds_beside_a_reader, NEED_CPUS_2)
{
	/* Expect: the same without pauses; no memory is lost: there isn't enough for all rounds. */
	TEST_CALLS_REQUIRED();
	come_and_go_often(ROUNDS, 0);
}
