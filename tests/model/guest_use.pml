/* SPDX-License-Identifier: MIT */
/*
 * A vCPU that runs an L1, and an L2 whose VMCS uses a page, while other CPUs change that page twice
 * and refresh its cache. L2's turn begins with a look at the page, and has entries until it ends.
 * Between turns the VMCS may cease to use the page.
 *
 * Proven: no L2 runs with a frame that a change which has ended took away; it stays out until the
 * VMCS has another frame; nobody waits for ever.
 */
#define VCPUS 1

#include "lib/change.pml"
#include "lib/pfn_use.pml"

proctype vcpu(byte me)
{
	byte snapshot, found;
	bool busy, is_valid, in_l2, asked;

	do
	:: !in_l2 -> look(); d_step { in_l2 = is_valid; is_valid = false }
	:: !in_l2 -> unuse()
	:: in_l2 -> enter(me)
	:: in_l2 -> in_l2 = false
	:: requests[me] -> handle_requests()
	:: break
	od
}

proctype changer()
{
	byte me = VCPUS, old;
	bool is_hit, seen;

	change(0)
}

proctype refresher()
{
	byte snapshot, found;
	bool busy;

	do
	:: refresh(0)
	:: break
	od
}

init
{
	atomic {
		frame_of[0] = 1;
		run cpu(0);
		run vcpu(0);
		run changer();
		run changer();
		run refresher()
	}
}
