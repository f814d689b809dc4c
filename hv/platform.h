/* SPDX-License-Identifier: MIT */
/* The board around the CPUs: quieting it at the start, and the ways to end a run. */
#ifndef HV_PLATFORM_H
#define HV_PLATFORM_H

#include "hv/boot_info.h"

/* Exit code of a run that ended in a panic. */
#define EXIT_CODE_PANIC 101u

/* No interrupt of the two 8259s reaches a CPU any more. */
void platform_mask_pics(void);
/*
 * After ExitBootServices, on the firmware's page tables: note what info says about ending a run,
 * mask the 8259s and the I/O APICs, stop PCI bus masters.
 */
void platform_init(const struct boot_info *info);
/* Is this Bochs? Asked only to make up for what it does unlike a CPU. */
bool platform_is_bochs(void);
/* After idt_load: a CPU (or an emulator) may lack the register. */
void platform_log_microcode(void);

/*
 * Stop the other CPUs and end the run; code goes to machines that take one. Where the board knows
 * no way to be switched off or reset, say so and halt.
 */
_Noreturn void platform_stop(enum config_on_exit how, u32 code);
/* Print the END line, then the same in the way the configuration names. */
_Noreturn void platform_end(u32 code);

#endif
