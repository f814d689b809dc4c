/* SPDX-License-Identifier: MIT */
/*
 * Guest use of pfn-caches (mm/pfn_use.c, mm/pfn_change.c): VMCS n, of vCPU n, uses page n by cache
 * n. For proctypes with the locals me (a vCPU, or VCPUS for a CPU that runs none), snapshot, found,
 * old, busy, is_valid, is_hit and seen; those that run L2s, in_l2 and asked.
 *
 * The gate in vmx/enter.asm tests requests alone. That L2 stays out while a page is stale is the
 * work of what leads there (vmx/nested/pages.c): an entry of L2 looks at the page's gate first, and
 * who takes REQUEST_PAGE in L2's turn looks at it again, and raises the request again as long as
 * there is no page.
 */
#define BREAK_stale_not_tested    1 /* an entry of L2 does not look at the page's gate */
#define BREAK_lowered_by_refresh  2 /* a refresh lowers the gate */
#define BREAK_no_gate_raised      3 /* a change does not look at who uses the page */
#define BREAK_change_no_kick      4 /* a change raises the gate and calls nobody out */
#define BREAK_gate_after_kick     5 /* a change raises the gate after it has called out */
#define BREAK_use_is_no_holder    6 /* who uses a page is no holder of it */
#define BREAK_use_unlocked        7 /* "is it valid?" in pfn_cache_use is not under the lock */
#define BREAK_use_fails_open      8 /* a use that fails lowers the gate as well */
#define BREAK_use_no_active_check 9 /* a refresh publishes while a change is active */
#define BREAK_use_no_seq_check    10 /* a refresh publishes though a change has ended meanwhile */
#define BREAK_not_raised_again    11 /* REQUEST_PAGE is taken once, whatever came of it */
#define BREAK_looks_before_taking 12 /* who is called out looks at the gate, then takes the request */

byte frame_of[VCPUS]; /* the regions: the frame behind page n, at first n + 1 */
byte changes_made;

/* Cache n, for page n: */
bool valid[VCPUS], refreshing[VCPUS];
byte pfn[VCPUS];
bool is_used[VCPUS]; /* held by vCPU n, in the state word */
bool stale[VCPUS];   /* pfn_user.stale */
bool is_held[VCPUS]; /* by L0 for vCPU n: another cache for page n, host use (host_use.pml) */

byte vmcs[VCPUS]; /* the frame that VMCS n has */

#define stays_closed(v) false
#define may_run(v)      (!is_free[vmcs[v]])
#include "gate.pml"

/* publish, lock held, where change_allows says so */
inline publish_if_allowed(n)
{
	if
	:: found != NONE && (!changing || BROKEN(use_no_active_check)) &&
	   (seq == snapshot || BROKEN(use_no_seq_check)) ->
		pfn[n] = found;
		valid[n] = true;
		stale[n] = stale[n] && !BROKEN(lowered_by_refresh)
	:: else
	fi
}

/* pfn_cache_refresh */
inline refresh(n)
{
	atomic { busy = refreshing[n]; refreshing[n] = true };
	if
	:: busy
	:: else ->
		if
		:: valid[n]
		:: else ->
			snapshot = seq;
			found = frame_of[n];
			lock_memory();
			publish_if_allowed(n);
			unlock_memory()
		fi;
		refreshing[n] = false
	fi;
	d_step { busy = false; snapshot = 0; found = NONE }
}

/* pfn_cache_use with one try, then VMWRITE of what it gave; is_valid: it gave a frame */
inline use()
{
#if BREAK == BREAK_use_unlocked
	is_valid = valid[me];
#endif
	lock_memory();
#if BREAK != BREAK_use_unlocked
	is_valid = valid[me];
#endif
	if
	:: is_valid ->
		is_used[me] = !BROKEN(use_is_no_holder);
		found = pfn[me];
		stale[me] = stale[me] && BROKEN(lowered_by_refresh);
		unlock_memory();
		vmcs[me] = found;
		found = NONE
	:: else ->
		stale[me] = !BROKEN(use_fails_open);
		unlock_memory();
		refresh(me)
	fi
}

/* VMWRITE of nothing, then pfn_cache_unuse */
inline unuse()
{
	vmcs[me] = NONE;
	lock_memory();
	is_used[me] = false;
	stale[me] = false;
	unlock_memory()
}

/* pages_look; is_valid: the VMCS has the page's frame, or had it when this was looked at */
inline look()
{
	is_valid = vmcs[me] != NONE && (!stale[me] || BROKEN(stale_not_tested));
	if
	:: is_valid
	:: else -> use()
	fi
}

/* pages_again */
inline look_again()
{
	look();
	if
	:: !is_valid && !BROKEN(not_raised_again) -> requests[me] = requests[me] | PAGE
	:: else
	fi;
	is_valid = false
}

/* vcpu_handle_requests */
inline handle_requests()
{
	asked = in_l2 && (requests[me] & PAGE);
#if BREAK == BREAK_looks_before_taking
	if
	:: asked -> look_again()
	:: else
	fi;
	take_requests(me);
#else
	take_requests(me);
	if
	:: asked -> look_again()
	:: else
	fi;
#endif
	asked = false
}

/* An update of the regions: page n gets another frame, or none. */
inline change(n)
{
	atomic { !locked && (me == VCPUS || drained(me)) -> locked = true };
	changing++;
	d_step { valid[n] = false; is_hit = is_used[n] && !BROKEN(no_gate_raised) }; /* invalidate_one */
	if
	:: is_hit && !BROKEN(gate_after_kick) -> stale[n] = true
	:: else
	fi;
	old = frame_of[n]; /* the edit */
	if
	:: atomic { frame_of[n] = VCPUS + 1 + changes_made; changes_made++ }
	:: frame_of[n] = NONE
	fi;
	unlock_memory();
	if
	:: is_hit && n != me && !BROKEN(change_no_kick) -> /* call_out */
		request(n, PAGE);
		wait_out(n, PAGE)
	:: else
	fi;
	if
	:: is_hit && BROKEN(gate_after_kick) -> stale[n] = true
	:: else
	fi;
	atomic {
		!is_held[n] -> /* pfn_cache_wait_for_holders */
		assert(!(at[n] == GUEST && old != NONE && vmcs[n] == old))
	};
	change_end(old);
	d_step { old = NONE; is_hit = false }
}
