/* SPDX-License-Identifier: MIT */
/*
 * The gate and the kick (vmx/enter.asm, vmx/request.c): a vCPU's way into its guest and out of it,
 * and how others call it out. A model that includes this defines VCPUS, stays_closed(v): what the
 * gate tests besides requests, and may_run(v): what must be so while the guest runs.
 *
 * Each CPU has a store buffer of one entry for in_guest. It drains at any time, and before a locked
 * instruction of that CPU is done. Everything else that two CPUs order is locked on both sides.
 */
#define BREAK_no_fence          101 /* in_guest is stored without a fence before the tests */
#define BREAK_no_restart        102 /* an NMI between the tests and the entry returns to where it was */
#define BREAK_kick_looks_first  103 /* a kick looks at in_guest before it sets the request */
#define BREAK_kick_sends_no_nmi 104 /* a kick sets the request alone */
#define BREAK_kick_no_wait      105 /* who kicks does not wait */
#define BREAK_wait_for_answer   106 /* who kicks waits for an answer, also of a CPU that is in root */

#define ROOT   0 /* in L0, outside of the restartable region */
#define REGION 1 /* in [gate_begin, gate_end) */
#define GUEST  2 /* the guest runs */

#define PAGE  1 /* REQUEST_PAGE or REQUEST_FLUSH_EPT: a change takes something away */
#define EVENT 2 /* any other request */

byte at[VCPUS];       /* where the vCPU's CPU is */
byte requests[VCPUS]; /* vcpu.requests */
bool in_guest[VCPUS]; /* vcpu.in_guest, as other CPUs see it */
bool buffered[VCPUS]; /* a store to it has not drained ... */
bool buffer[VCPUS];   /* ... and has this value */
bool nmi[VCPUS];      /* one is on its way */

/* The store buffer and the NMI line of a CPU. */
proctype cpu(byte me)
{
end:	do
	:: atomic { buffered[me] -> in_guest[me] = buffer[me]; buffered[me] = false }
	:: atomic {
		nmi[me] -> nmi[me] = false;
		if
		:: at[me] == GUEST -> at[me] = ROOT
		:: at[me] == REGION && !BROKEN(no_restart) -> at[me] = ROOT /* RIP = gate_cancel */
		:: else /* the handler does nothing */
		fi
	}
	od
}

inline store_in_guest(v, value)
{
	atomic { !buffered[v] -> buffer[v] = value; buffered[v] = true }
}

/* What a locked instruction waits for. */
#define drained(v) (!buffered[v])

/* The gate, and the guest if it opens; in the end the CPU is in root. Used once in a proctype. */
inline enter(v)
{
	store_in_guest(v, true); /* declare_in_guest */
	(drained(v) || BROKEN(no_fence));
	at[v] = REGION;
	if
	:: requests[v] -> at[v] = ROOT
	:: else ->
		if
		:: stays_closed(v) -> at[v] = ROOT
		:: else
		fi
	fi;
	if
	:: atomic { at[v] == REGION -> at[v] = GUEST; assert(may_run(v)) }; /* VMRESUME */
		if
		:: skip; /* it stays until it is called out */
end_guest:		(at[v] == ROOT)
		:: skip; /* it has an exit of its own */
			at[v] = ROOT
		fi
	:: atomic { at[v] == ROOT } /* gate_cancel */
	fi;
	store_in_guest(v, false)
}

/* vcpu_take_requests */
inline take_requests(v)
{
	atomic { drained(v) -> requests[v] = 0 }
}

/* vcpu_request, by another CPU */
inline request(v, bits)
{
#if BREAK == BREAK_kick_looks_first
	seen = in_guest[v];
	requests[v] = requests[v] | bits;
#else
	requests[v] = requests[v] | bits;
	seen = in_guest[v];
#endif
	if
	:: seen && !BROKEN(kick_sends_no_nmi) -> nmi[v] = true
	:: else
	fi;
	seen = false
}

/* vcpu_wait_out */
inline wait_out(v, bits)
{
	((!in_guest[v] && !BROKEN(wait_for_answer)) || !(requests[v] & bits) || BROKEN(kick_no_wait))
}

/* When nothing moves any more, no guest runs past a request. */
active proctype monitor()
{
	byte v;

end:	timeout ->
	do
	:: v < VCPUS -> assert(!(at[v] == GUEST && requests[v])); v++
	:: else -> break
	od
}
