/* SPDX-License-Identifier: MIT */
/* L1's machine: its memory map, its image, its devices and its vCPU. */
#ifndef HV_MACHINE_H
#define HV_MACHINE_H

#include "hv/boot_info.h"

struct vm;

/*
 * Decide L1's memory map and where its image and modules go. Called while the firmware's page
 * tables still map the files; the boot code has checked them, so a refusal here is a panic.
 */
void machine_plan(const struct boot_info *info);

/* Create L1 by the plan, run its vCPUs on all CPUs (this one has the first), return its exit code.
 */
u32 machine_run(const struct boot_info *info);

/* An application processor's part: waits until the machine exists, runs its vCPU until the VM
 * stops. */
void machine_join(void);

/* The VM that ran, for the report. */
const struct vm *machine_vm(void);

#endif
