/* SPDX-License-Identifier: MIT */
/* The assembly parts of bare mode. */
#ifndef BOOT_BARE_ASM_H
#define BOOT_BARE_ASM_H

#include "hv/start_state.h"

struct bare;

/* Run function(bare) on this stack with these page tables; the function does not return. */
_Noreturn void bare_switch(u64 cr3, void *stack_end, void (*function)(const struct bare *bare),
			   const struct bare *bare);

/* Jump to an image with these registers, in that mode. The code and *start are at the same address
 * with and without paging: below 4 GiB. */
_Noreturn void bare_enter(const struct start_state *start);

#endif
