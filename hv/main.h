/* SPDX-License-Identifier: MIT */
/* From the firmware's hands to L1's verdict. */
#ifndef HV_MAIN_H
#define HV_MAIN_H

#include "hv/boot_info.h"

/*
 * Called by the boot code after ExitBootServices, on the firmware's stack and page tables,
 * interrupts off, on the CPU info->apic_ids[0]. info lies in the image. Ends with the machine
 * powered off (or as config.on_exit says).
 */
_Noreturn void nestor_main(struct boot_info *info);

#endif
