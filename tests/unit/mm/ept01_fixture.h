/* SPDX-License-Identifier: MIT */
/* What EPT01 stands on in tests of changes: 2 MiB leaves, write-back memory, whom to kick. */
#ifndef TESTS_UNIT_MM_EPT01_FIXTURE_H
#define TESTS_UNIT_MM_EPT01_FIXTURE_H

#include "mm/change.h"
#include "mm/ept01.h"
#include "mm/mtrr.h"

static inline void ept01_fixture_with(const struct change_ops *ops)
{
	static const struct mtrr_map types = { .def_type = MTRR_DEF_ENABLED | MEMORY_WB,
					       .maxphyaddr = 40 };
	static const struct ept_features features = { .leaf_2m = true };

	ept01_set_features(&features, &types);
	change_set_ops(ops);
}

static inline void ept01_fixture(void (*kick_and_wait)(u64 cpu_mask))
{
	static struct change_ops ops;

	ops.kick_and_wait = kick_and_wait;
	ept01_fixture_with(&ops);
}

#endif
