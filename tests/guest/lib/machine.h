/* SPDX-License-Identifier: MIT */
/*
 * Which emulator answers, for what it is known to do unlike a CPU. A test names the difference in
 * its SKIP; it never asks in order to pass.
 */
#ifndef TESTS_GUEST_LIB_MACHINE_H
#define TESTS_GUEST_LIB_MACHINE_H

#include "hv/x86.h"

/* QEMU without KVM: leaf 40000000h says "TCGTCGTCGTCG". */
static inline bool machine_is_tcg(void)
{
	struct cpuid_regs r = cpuid(0x40000000, 0);

	return r.ebx == 0x54474354 && r.ecx == 0x43544743 && r.edx == 0x47435447;
}

/* Bochs itself, no hypervisor on it: its debug port reads back its own number. */
static inline bool machine_is_bochs(void)
{
	return in8(0xe9) == 0xe9;
}

#endif
