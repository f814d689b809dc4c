/* SPDX-License-Identifier: MIT */
/* A VM whose pages can be protected: leaves of all sizes, and users of a page who unprotect it when
 * they are told of a write. */
#ifndef TESTS_UNIT_MM_PROTECT_FIXTURE_H
#define TESTS_UNIT_MM_PROTECT_FIXTURE_H

#include "pfn_fixture.h"
#include "mm/ept01_protect.h"

#define ROOM 8u

static u32 kicks, told;
static u64 told_gfn; /* the last */
static void (*in_kick)(void);
static void (*in_told)(u64 gfn); /* NULL: the page loses one user */

static inline int protect(u64 gfn)
{
	int rc;

	vm_memory_lock(memory);
	rc = ept01_protect(memory, l1_gfn(gfn));
	vm_memory_unlock(memory);
	return rc;
}

static inline void unprotect(u64 gfn)
{
	vm_memory_lock(memory);
	ept01_unprotect(memory, l1_gfn(gfn));
	vm_memory_unlock(memory);
}

static inline bool is_protected(u64 gfn)
{
	return ept01_is_protected(memory, l1_gfn(gfn));
}

static inline void protect_kick(u64 cpu_mask)
{
	kicked |= cpu_mask;
	kicks++;
	if (in_kick)
		in_kick();
}

static inline void protect_told(l1_gfn_t gfn)
{
	told++;
	told_gfn = gfn.raw;
	if (in_told)
		in_told(gfn.raw);
	else
		unprotect(gfn.raw);
}

static inline int set_up_protection(void **state)
{
	static const struct mtrr_map types = { .def_type = MTRR_DEF_ENABLED | MEMORY_WB,
					       .maxphyaddr = 40 };
	static const struct ept_features features = { true, true, true, true };
	static const struct change_ops ops = { .kick_and_wait = protect_kick,
					       .call_out = call_out,
					       .page_written = protect_told };

	(void)state;
	set_up_memory();
	ept01_set_features(&features, &types);
	change_set_ops(&ops);
	change_cpu_joins(memory);
	kicks = 0;
	told = 0;
	told_gfn = ~0ULL;
	in_kick = NULL;
	in_told = NULL;
	return ept01_protect_create(memory, ROOM);
}

static inline int fault(u64 gfn, bool write)
{
	return ept01_fault(memory, page_at(gfn), write);
}

/* The leaf over the gfn; level 0: there is none. */
static inline struct ept_leaf leaf_at(u64 gfn)
{
	struct ept_leaf leaf = { 0 };

	if (ept_lookup(&memory->ept01, gfn, &leaf))
		leaf.level = 0;
	return leaf;
}

/* The frame that EPT01 has for the gfn; 0: none. */
static inline u64 mapped_frame(u64 gfn)
{
	struct ept_leaf leaf;

	if (ept_lookup(&memory->ept01, gfn, &leaf))
		return 0;
	return leaf.pfn.raw + gfn % ept_level_pages(leaf.level);
}

static inline bool may_write(u64 gfn)
{
	struct ept_leaf leaf = leaf_at(gfn);

	return leaf.level && (leaf.bits & EPT_WRITE);
}

#endif
