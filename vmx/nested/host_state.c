/* SPDX-License-Identifier: MIT */
/* What a VM exit loads, as data. */
#include "vmx/nested/host_state_values.h"

static const u16 fields[] = {
#define LOAD(field, value) VMCS_##field,
#define KEEP(field, value) LOAD(field, value)
#include "vmx/nested/host_state.def"
#undef LOAD
#undef KEEP
};

_Static_assert(ARRAY_SIZE(fields) == HOST_STATE_FIELDS, "the header knows how many there are");

void host_state_compute(const struct host_state_inputs *in, struct host_state *out)
{
	const u64 values[] = {
#define LOAD(field, value) (value),
#define KEEP(field, value) LOAD(field, value)
#include "vmx/nested/host_state.def"
#undef LOAD
#undef KEEP
	};

	for (u32 i = 0; i < HOST_STATE_FIELDS; i++)
		out[i] = (struct host_state){ (enum vmcs_field)fields[i], values[i] };
}
