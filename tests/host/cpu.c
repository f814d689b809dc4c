/* SPDX-License-Identifier: MIT */
/* The CPU that host tests run on. */
#include "hv/percpu.h"

static struct cpu boot_cpu = { .self = &boot_cpu };

struct cpu *host_cpu = &boot_cpu;
