/* SPDX-License-Identifier: MIT */
/*
 * The VMX controls as data: a mask for each (PIN_NMI_EXITING, CPU_HLT_EXITING,
 * CPU2_ENABLE_EPT, EXIT_CTL_HOST_64BIT, ENTRY_CTL_IA32E_MODE), and a constant table.
 * Everything here comes from controls.def.
 */
#ifndef VMX_CONTROLS_H
#define VMX_CONTROLS_H

#include "hv/types.h"

enum control_set {
	CONTROL_SET_PIN,
	CONTROL_SET_CPU,
	CONTROL_SET_CPU2,
	CONTROL_SET_EXIT,
	CONTROL_SET_ENTRY,
	CONTROL_SETS
};

/* What vmcs01 does with a control. */
enum control_use { CONTROL_OFF, CONTROL_MAY, CONTROL_WANT, CONTROL_SWITCH, CONTROL_NEED };

/* EXIT and ENTRY masks carry _CTL_: EXIT_* alone are exit reasons. */
#define CONTROL_NAME_PIN(name)   PIN_##name
#define CONTROL_NAME_CPU(name)   CPU_##name
#define CONTROL_NAME_CPU2(name)  CPU2_##name
#define CONTROL_NAME_EXIT(name)  EXIT_CTL_##name
#define CONTROL_NAME_ENTRY(name) ENTRY_CTL_##name

enum control_mask {
#define CONTROL(set, bit, name, l0, l1, text) CONTROL_NAME_##set(name) = 1u << (bit),
#include "vmx/controls.def"
#undef CONTROL
};

/* Whether L1 may see a control. */
enum control_offer { CONTROL_HIDE, CONTROL_OFFER };

struct control_info {
	const char *text;
	u8 set; /* enum control_set */
	u8 bit;
	u8 use;     /* enum control_use */
	u8 offered; /* enum control_offer */
};

/* By set, then bit; control_count of them. */
extern const struct control_info control_table[];
extern const u32 control_count;

/* "secondary processor-based" and the like. */
const char *control_set_name(enum control_set set);

/* The mask of a set's controls that vmcs01 needs, or wants. */
u32 controls_needed(enum control_set set);
u32 controls_wanted(enum control_set set);
/* The mask of those that L1 is offered where the CPU has them. */
u32 controls_offered(enum control_set set);

#endif
