/* SPDX-License-Identifier: MIT */
/*
 * Two vCPUs, each with a page that its VMCS uses and L0 holds at times, and each takes the other's
 * page away, while it may be in its guest, on its way there, or waiting for this one.
 *
 * Proven: none waits for ever; and what guest_use.pml proves.
 */
#define BREAK_waits_while_holding 21 /* a change is waited for while a page is held */

#define VCPUS 2

#include "lib/change.pml"
#include "lib/pfn_use.pml"

proctype vcpu(byte me)
{
	byte snapshot, found, old;
	bool busy, is_valid, in_l2, asked, is_hit, seen, has_changed;

	do
	:: !in_l2 -> look(); d_step { in_l2 = is_valid; is_valid = false }
	:: in_l2 -> enter(me)
	:: in_l2 -> in_l2 = false
	:: requests[me] -> handle_requests()
	:: is_held[me] = true; is_held[me] = false
	:: !has_changed ->
		has_changed = true;
		is_held[me] = BROKEN(waits_while_holding);
		change(1 - me);
		is_held[me] = false
	:: break
	od
}

init
{
	atomic {
		frame_of[0] = 1;
		frame_of[1] = 2;
		run cpu(0);
		run cpu(1);
		run vcpu(0);
		run vcpu(1)
	}
}
