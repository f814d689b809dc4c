/* SPDX-License-Identifier: MIT */
/* Printing the flight recorder (hv/exit_record.h). */
#ifndef HV_RECORDER_H
#define HV_RECORDER_H

#include "hv/cpu.h"

/* The name of a basic VM-exit reason: "I/O instruction". The VMX layer knows them. */
const char *exit_reason_name(u32 basic);

/* Print the last exits of a CPU, oldest first, at most count of them. */
void recorder_dump(const struct cpu *cpu, u32 count);

#endif
