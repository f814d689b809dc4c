/* SPDX-License-Identifier: MIT */
/* What an exit to the hypervisor and back costs, for the simplest instruction of each kind. */
#include "tests/guest/lib/bench.h"

BENCH_INSN(l1_cpuid, ANYWHERE, 1000, "xor %%eax, %%eax\n\txor %%ecx, %%ecx", "cpuid");
/* IA32_APIC_BASE: an MSR that a hypervisor does not let through. */
BENCH_INSN(l1_rdmsr, ANYWHERE, 1000, "mov $0x1b, %%ecx", "rdmsr");
/* A port that nobody claims. */
BENCH_INSN(l1_port_in, ANYWHERE, 1000, "mov $0x6f0, %%edx", "in %%dx, %%al");
/* An address with neither memory nor device: the instruction is decoded. */
BENCH_INSN(l1_mmio_read, ANYWHERE, 1000, "mov $0xfeb00000, %%ebx", "mov (%%rbx), %%eax");
/* NESTOR_CALL_CAPABILITIES */
BENCH_INSN(l1_vmcall, NESTOR_ONLY, 1000, "mov $6, %%eax", "vmcall");
