/* SPDX-License-Identifier: MIT */
/* The CPU that each thread of a host test runs on. */
#include "hv/percpu.h"

static struct cpu boot_cpu = { .self = &boot_cpu };

__thread struct cpu *host_cpu = &boot_cpu;
