/* SPDX-License-Identifier: MIT */
/*
 * A vCPU whose VMCS uses a page, while other CPUs change that page twice and refresh its cache. What
 * the vCPU does before it comes to the gate is left open: it takes up the page or not, does without,
 * or forgets to look at what it was asked.
 *
 * Proven: no guest runs with a frame that a change which has ended took away; the gate stays closed
 * until the VMCS has another frame, or none; nobody waits for ever.
 */
#define VCPUS 1

#include "lib/change.pml"
#include "lib/pfn_use.pml"

proctype vcpu(byte me)
{
	byte snapshot, found;
	bool busy, is_valid;

	do
	:: enter(me)
	:: take_requests(me)
	:: use()
	:: unuse()
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
