/* SPDX-License-Identifier: MIT */
/* Which CPUs the machine has. */
#ifndef BOOT_CPUS_H
#define BOOT_CPUS_H

#include "boot/boot.h"

/* Fill info->apic_ids, cpu_count and rsdp:
 * as many as the configuration wants, the boot CPU first. */
int cpus_find(struct boot *boot);

#endif
