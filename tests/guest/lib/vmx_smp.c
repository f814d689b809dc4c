/* SPDX-License-Identifier: MIT */
/* Jobs for other CPUs in VMX operation. */
#include "tests/guest/lib/vmx_smp.h"

#define BESIDE 1u /* the CPU */

static bool ends;
static u32 reason;

static void on(void *unused)
{
	(void)unused;
	vmx_on();
}

static void off(void *unused)
{
	(void)unused;
	vmx_off();
}

bool vmx_smp_on(u32 cpu)
{
	return smp_run(cpu, on, NULL);
}

bool vmx_smp_off(u32 cpu)
{
	return smp_run(cpu, off, NULL);
}

bool vmx_start_beside(smp_job job, struct l2 *l2)
{
	bool is_on;

	l2_clear(l2);
	WRITE_ONCE(ends, false);
	is_on = vmx_smp_on(BESIDE);
	smp_start(BESIDE, job, l2);
	return is_on;
}

bool vmx_finish_beside(void)
{
	WRITE_ONCE(ends, true);
	return smp_finish(BESIDE) && vmx_smp_off(BESIDE);
}

bool beside_ends(void)
{
	return READ_ONCE(ends);
}

static void run(void *argument)
{
	struct l2 *l2 = argument;

	l2_arrive(l2);
	reason = l2_enter(l2);
	l2_clear(l2);
}

bool l2_start_beside(struct l2 *l2)
{
	return vmx_start_beside(run, l2);
}

u32 l2_finish_beside(void)
{
	return vmx_finish_beside() ? reason : L2_VMFAIL;
}
