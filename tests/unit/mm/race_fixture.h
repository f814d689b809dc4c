/* SPDX-License-Identifier: MIT */
/* Threads as CPUs of one VM. */
#ifndef TESTS_UNIT_MM_RACE_FIXTURE_H
#define TESTS_UNIT_MM_RACE_FIXTURE_H

#include <pthread.h>
#include <sched.h>
#include "unit.h"
#include "ept01_fixture.h"
#include "host_memory.h"
#include "hv/cpu.h"
#include "hv/errno.h"
#include "mm/vm_memory.h"

#define RACE_THREADS_MAX 8u
#define RACE_POISON      0xdeaddeaddeaddeadULL

static struct vm_memory *memory;
static u32 failures; /* atomic; cmocka's assertions are for the main thread */

#define CHECK(cond)                                                                 \
	do {                                                                        \
		if (!(cond) && !__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED)) \
			print_error("failed: %s (line %d)\n", #cond, __LINE__);     \
	} while (0)

static inline void race_set_up(u32 cpus, const struct change_ops *ops)
{
	static const struct page_range guest = { { MIB }, 16 * MIB };

	host_memory_init(16 * MIB, &guest, 1, cpus);
	ept01_fixture_with(ops);
	memory = vm_memory_create(l1_gfn(BIT(28)));
	failures = 0;
}

/* Threads with the numbers from 0 on, until each has come to its end. */
static inline void race(u32 threads, void *(*thread_main)(void *number))
{
	pthread_t ids[RACE_THREADS_MAX];

	assert_true(threads <= RACE_THREADS_MAX);
	for (u32 i = 0; i < threads; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, thread_main, (void *)(uintptr_t)i),
				 0);
	for (u32 i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	assert_int_equal(failures, 0);
}

/* The pool gives its lowest frame, mostly the one that has just come back. */
static inline void poison_a_free_frame(void)
{
	const u64 poison = RACE_POISON;
	pfn_t frame;

	if (guest_frame_alloc(0, &frame))
		return;
	host_guest_ram_write(pfn_to_hpa(frame), &poison, sizeof(poison));
	guest_frame_free(frame, 0);
}

#endif
