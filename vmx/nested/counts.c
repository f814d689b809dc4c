/* SPDX-License-Identifier: MIT */
/* What the pools of contexts and of EPT02 count. Written under the pools' locks and read without
 * them: each count is one store, and none depends on another. */
#include "vmx/nested/ept02.h"
#include "vmx/nested/nested.h"
#include "vmx/nested_calls.h"
#include "vmx/vm.h"

void nested_read_counts(const struct vm *vm, u64 counts[NESTED_COUNTS])
{
	const struct context_pool *contexts = &vm->nested->contexts;
	const struct ept02_counts *ept02 = ept02_counts(vm->nested->ept02);

#define NESTED_COUNT(name, from, text) counts[NESTED_COUNT_##name] = READ_ONCE(from);
#include "hv/nested_counts.def"
#undef NESTED_COUNT
}
