/* SPDX-License-Identifier: MIT */
/* The table of controls, and the masks that follow from it. */
#include "vmx/controls.h"

const struct control_info control_table[] = {
#define CONTROL(set_, bit_, name_, l0_, l1_, text_) \
	{ .text = (text_),                          \
	  .set = CONTROL_SET_##set_,                \
	  .bit = (bit_),                            \
	  .use = CONTROL_##l0_,                     \
	  .offered = CONTROL_##l1_ },
#include "vmx/controls.def"
#undef CONTROL
};

const u32 control_count = ARRAY_SIZE(control_table);

/* One enumerator for each (set, bit): two rows for one bit do not compile. */
enum control_place {
#define CONTROL(set, bit, name, l0, l1, text) PLACE_##set##_##bit,
#include "vmx/controls.def"
#undef CONTROL
	PLACES
};
_Static_assert(PLACES == ARRAY_SIZE(control_table), "every row has its place");

static u32 mask_of(enum control_set set, enum control_use use)
{
	u32 mask = 0;

	for (u32 i = 0; i < control_count; i++) {
		if (control_table[i].set == set && control_table[i].use == use)
			mask |= 1u << control_table[i].bit;
	}
	return mask;
}

u32 controls_needed(enum control_set set)
{
	return mask_of(set, CONTROL_NEED);
}

u32 controls_wanted(enum control_set set)
{
	return mask_of(set, CONTROL_WANT);
}

u32 controls_offered(enum control_set set)
{
	u32 mask = 0;

	for (u32 i = 0; i < control_count; i++) {
		if (control_table[i].set == set && control_table[i].offered)
			mask |= 1u << control_table[i].bit;
	}
	return mask;
}

const char *control_set_name(enum control_set set)
{
	static const char *const names[CONTROL_SETS] = {
		[CONTROL_SET_PIN] = "pin-based",
		[CONTROL_SET_CPU] = "primary processor-based",
		[CONTROL_SET_CPU2] = "secondary processor-based",
		[CONTROL_SET_EXIT] = "VM-exit",
		[CONTROL_SET_ENTRY] = "VM-entry",
	};

	return names[set];
}
