/* SPDX-License-Identifier: MIT */
/* The assembly parts of bare mode. */
#ifndef BOOT_BARE_ASM_H
#define BOOT_BARE_ASM_H

#include "hv/types.h"

struct bare;

/* Run function(bare) on this stack with these page tables; the function does not return. */
_Noreturn void bare_switch(u64 cr3, void *stack_end, void (*function)(const struct bare *bare),
			   const struct bare *bare);

/* Leave long mode and jump to a multiboot image.
 * The code runs at the same address without paging: below 4 GiB. */
_Noreturn void bare_enter(u32 entry, u32 info);

#endif
