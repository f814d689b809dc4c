/* SPDX-License-Identifier: MIT */
/* Changes of L1's own memory by hypercalls (hv/abi.h); a test that makes them begins with
 * TEST_CALLS_REQUIRED(). */
#ifndef TESTS_GUEST_LIB_REGIONS_H
#define TESTS_GUEST_LIB_REGIONS_H

#include "tests/guest/lib/nestor.h"

/* Nothing of the machine is at any of these; the second is not aligned to more than a page. */
#define REGION_HERE  0xd0000000ULL
#define REGION_THERE 0xd1003000ULL
#define REGION_BYTES (16 * PAGE_SIZE)

/* 0, or a negative error. */
static inline s64 region_add(u64 gpa)
{
	return nestor_call(NESTOR_CALL_REGION_ADD, gpa, REGION_BYTES, NULL);
}

static inline s64 region_delete(u64 gpa)
{
	return nestor_call(NESTOR_CALL_REGION_DELETE, gpa, 0, NULL);
}

static inline s64 region_move(u64 from, u64 to)
{
	return nestor_call(NESTOR_CALL_REGION_MOVE, from, to, NULL);
}

static inline s64 region_migrate(u64 gpa, u64 bytes)
{
	return nestor_call(NESTOR_CALL_PAGES_MIGRATE, gpa, bytes, NULL);
}

static inline s64 balloon_out(u64 gpa, u64 bytes)
{
	return nestor_call(NESTOR_CALL_BALLOON_OUT, gpa, bytes, NULL);
}

static inline s64 balloon_in(u64 gpa, u64 bytes)
{
	return nestor_call(NESTOR_CALL_BALLOON_IN, gpa, bytes, NULL);
}

static inline s64 region_flags(u64 gpa, u64 flags)
{
	return nestor_call(NESTOR_CALL_REGION_FLAGS, gpa, flags, NULL);
}

/* *dirty: how many bits are set. */
static inline s64 dirty_log(u64 gpa, void *bits, u64 bytes, u64 *dirty)
{
	s64 error = NESTOR_CALL_DIRTY_LOG;

	__asm__ volatile("vmcall" : "+a"(error), "+b"(gpa) : "c"(bits), "d"(bytes) : "memory");
	if (dirty)
		*dirty = gpa;
	return error;
}

/* *became: NESTOR_POISONED_*. */
static inline s64 page_poison(u64 gpa, u64 how, u64 *became)
{
	return nestor_call(NESTOR_CALL_PAGE_POISON, gpa, how, became);
}

#endif
