/* SPDX-License-Identifier: MIT */
/*
 * A vCPU that enters its guest again and again, and three CPUs that want something of it: two make
 * requests, one takes something away that the guest must not be in, and waits until it is out.
 *
 * Proven: a request is seen before the entry or calls the guest out, with a store buffer on the
 * vCPU's side and an NMI that arrives at any time; who waits sees the guest out, and not for ever.
 */
#define VCPUS 1

bool is_gone;    /* what was taken away may be used for something else */
bool is_dropped; /* and the vCPU has nothing left of it */

#include "lib/change.pml"
#define stays_closed(v) false
#define may_run(v)      (!is_gone || is_dropped)
#include "lib/gate.pml"

proctype vcpu()
{
	do
	:: enter(0)
	:: atomic { /* take_requests, then INVEPT where it is asked for */
		drained(0) -> is_dropped = is_dropped || (requests[0] & PAGE);
		requests[0] = 0
	   }
	:: break
	od
}

proctype sender(byte bits)
{
	bool seen;

	request(0, bits)
}

proctype taker()
{
	bool seen;

	request(0, PAGE);
	wait_out(0, PAGE);
	assert(at[0] != GUEST || is_dropped);
	is_gone = true
}

init
{
	atomic {
		run cpu(0);
		run vcpu();
		run sender(EVENT);
		run sender(2 * EVENT);
		run taker()
	}
}
