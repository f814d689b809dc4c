/* SPDX-License-Identifier: MIT */
/* VMX operation on other CPUs than the one that runs the test, and L2s that run there. */
#ifndef TESTS_GUEST_LIB_VMX_SMP_H
#define TESTS_GUEST_LIB_VMX_SMP_H

#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/vmx_l2.h"

/* Another CPU into VMX operation and out of it; false: it did not answer. */
bool vmx_smp_on(u32 cpu);
bool vmx_smp_off(u32 cpu);

/*
 * An L2 that runs on CPU 1 beside the test, until that finishes it: the end's result is its exit,
 * L2_VMFAIL where CPU 1 did not answer. What it runs is
 *
 *     while (!beside_ends())
 *             ...
 *     vmcall_for_ever();
 */
bool l2_start_beside(struct l2 *l2);
u32 l2_finish_beside(void);
bool beside_ends(void);
/* The same of what CPU 1 does with it. */
bool vmx_start_beside(smp_job job, struct l2 *l2);
bool vmx_finish_beside(void);

#endif
