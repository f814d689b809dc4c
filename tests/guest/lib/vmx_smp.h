/* SPDX-License-Identifier: MIT */
/*
 * VMX operation on other CPUs than the one that runs the test, and L2s that go there. A VMCS is at
 * one CPU only: l2_clear() on the one before l2_arrive() on the other.
 */
#ifndef TESTS_GUEST_LIB_VMX_SMP_H
#define TESTS_GUEST_LIB_VMX_SMP_H

#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/vmx_l2.h"

/* Another CPU into VMX operation and out of it; false: it did not answer. */
bool vmx_smp_on(u32 cpu);
bool vmx_smp_off(u32 cpu);

/* VMCLEAR: its state goes to memory, it is to be launched again, no CPU has it. */
void l2_clear(struct l2 *l2);
/* Make its VMCS current on the CPU that asks, which its exits come back to. */
void l2_arrive(const struct l2 *l2);

#endif
