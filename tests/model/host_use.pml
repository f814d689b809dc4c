/* SPDX-License-Identifier: MIT */
/*
 * Host use of a pfn-cache (mm/pfn_cache.c, mm/pfn_change.c): two vCPUs hold it, refresh it, and one
 * moves it between two pages; it is activated and deactivated; two changes, of which each takes a
 * page's frame away, or gives the page another one.
 *
 * Proven: who holds the cache is at a mapped frame of the page it asked for, which is not free; at
 * a change's end no cache is valid with the frame that goes; while a valid cache's generation stands
 * still it has the same frame; nobody waits for ever.
 */
#define BREAK_no_active_check      1  /* a refresh publishes while a change is active */
#define BREAK_no_seq_check         2  /* a refresh publishes though a change has ended meanwhile */
#define BREAK_refresh_not_alone    3  /* a refresh does not look at REFRESHING */
#define BREAK_deactivate_not_alone 4  /* nor does a deactivation */
#define BREAK_index_after_active   5  /* activation: on the index after it can become valid */
#define BREAK_index_left_early     6  /* deactivation: off the index before holders have let go */
#define BREAK_holders_not_awaited  7  /* a change does not look at the holders */
#define BREAK_hold_in_two_steps    8  /* "is it valid?" before the holder is added */
#define BREAK_map_under_holder     9  /* a refresh maps while somebody is at the mapping */
#define BREAK_unmap_under_holder   10 /* a refresh that fails unmaps while somebody is there */
#define BREAK_move_stays_valid     11 /* a move maps before the cache is invalid */
#define BREAK_change_waits_locked  12 /* a change waits for a refresh under way, lock held */
#define BREAK_generation_stays     13 /* the generation does not count an invalidation */
#define BREAK_generation_read_late 14 /* who keeps something reads the generation after the page */

#include "lib/change.pml"

#define PAGES  2
#define VCPUS  2
#define FILLED 3 /* frames before the changes: one each, from 1 on */

byte frame_of[PAGES + 1]; /* the regions: the frame behind a page; read without the lock */
byte page_of[FRAMES];     /* which page a frame was made for */

/* The cache. The state word: */
bool valid, refreshing, active_bit;
byte holders; /* mask of vCPUs */
/* Its other fields: */
byte gpa;     /* a page */
byte slot;    /* the frame that its window maps; NONE: unmapped */
byte indexed; /* the page it is on the index for */

/* The generation is another one than what vCPU 2 kept something with, or than before its hold. */
bool moved_since_kept = true, moved_since_read = true;

bool is_activated; /* who moves it waits for that */

/* pfn_state_invalidate, part of a d_step; the generation counts it. */
inline invalidate()
{
	if
	:: valid && !BROKEN(generation_stays) -> moved_since_kept = true; moved_since_read = true
	:: else
	fi;
	valid = false
}

/* pfn_state_try_begin_work */
inline try_begin_work(was_refreshing)
{
	d_step { was_refreshing = refreshing; refreshing = true }
}

/* pfn_state_begin_work */
inline begin_work()
{
	atomic { !refreshing -> refreshing = true }
}

/* pfn_cache_hold for the page that the cache is at (a hold for another one lets go at once), an
 * access, pfn_cache_release */
inline hold(me)
{
	if
	:: keeps -> moved_since_read = false
	:: else
	fi;
#if BREAK == BREAK_hold_in_two_steps
	held = valid;
	holders = holders | me;
#else
	d_step { holders = holders | me; held = valid };
#endif
	if
	:: held ->
		page = gpa;
		assert(slot != NONE && !is_free[slot] && page_of[slot] == page);
		if
		:: keeps -> /* pfn_cache_generation: is what was made of the page still good? */
			d_step {
				assert(moved_since_kept || kept == slot);
				kept = slot;
				moved_since_kept = moved_since_read && !BROKEN(generation_read_late)
			}
		:: else
		fi
	:: else
	fi;
	d_step { holders = holders & ~me; held = false; page = NONE }
}

/* publish, lock held */
inline publish(frame)
{
	moves = !active_bit || gpa != to;
	if
	:: moves && !BROKEN(move_stays_valid) -> d_step { invalidate() }
	:: else
	fi;
	if
	:: holders && !BROKEN(map_under_holder) /* -EBUSY */
	:: else ->
		if
		:: slot != frame -> slot = NONE; slot = frame
		:: else
		fi;
		if
		:: moves -> d_step { gpa = to; indexed = to; active_bit = true }
		:: else
		fi;
		valid = true
	fi;
	moves = false
}

/* try_refresh, and refresh's end when it fails; REFRESHING is this CPU's. */
inline try_refresh()
{
	snapshot = seq;
	found = frame_of[to];
	lock_memory();
	if
	:: (changing && !BROKEN(no_active_check)) || (seq != snapshot && !BROKEN(no_seq_check)) ->
		unlock_memory()
	:: else ->
		if
		:: found != NONE -> publish(found); unlock_memory()
		:: else ->
			unlock_memory();
			if
			:: !valid && (!holders || BROKEN(unmap_under_holder)) -> slot = NONE
			:: else
			fi
		fi
	fi;
	d_step { snapshot = 0; found = NONE; to = NONE }
}

/* pfn_cache_refresh */
inline refresh()
{
	try_begin_work(busy);
	if
	:: busy && !BROKEN(refresh_not_alone)
	:: else ->
		if
		:: active_bit && !valid -> to = gpa; try_refresh()
		:: else
		fi;
		refreshing = false
	fi;
	busy = false
}

/* pfn_cache_move */
inline move()
{
	try_begin_work(busy);
	if
	:: busy
	:: else ->
		to = (active_bit && gpa == 1 -> 2 : 1);
		try_refresh();
		refreshing = false
	fi;
	busy = false
}

proctype vcpu(byte me; bool moves_it; bool keeps)
{
	byte page, to, snapshot, found, kept;
	bool busy, held, moves;

	do
	:: hold(me)
	:: refresh()
	:: moves_it && is_activated -> move()
	:: break
	od
}

/* pfn_cache_activate, pfn_cache_deactivate */
proctype owner(bool deactivates)
{
	begin_work();
	lock_memory();
#if BREAK == BREAK_index_after_active
	d_step { gpa = 1; active_bit = true };
	unlock_memory();
	refreshing = false;
	indexed = 1;
#else
	d_step { gpa = 1; indexed = 1; active_bit = true };
	unlock_memory();
	refreshing = false;
#endif
	is_activated = true;
end:	(deactivates);
#if BREAK != BREAK_deactivate_not_alone
	begin_work();
#endif
	lock_memory();
	d_step { invalidate() };
#if BREAK == BREAK_index_left_early
	indexed = NONE;
#endif
	do
	:: holders -> /* on the index meanwhile */
		unlock_memory();
		!holders;
		lock_memory()
	:: else -> break
	od;
	indexed = NONE;
	unlock_memory();
	slot = NONE;
	active_bit = false;
	refreshing = false
}

/* memslot_update.c and mm/change.c: the page's frame goes, another comes or none. */
proctype change(byte page; byte own)
{
	byte old;
	bool is_held;

	lock_memory();
	changing++; /* change_begin */
#if BREAK == BREAK_change_waits_locked
	!refreshing;
#endif
	if
	:: indexed == page -> d_step { invalidate(); is_held = holders != 0 } /* invalidate_one */
	:: else
	fi;
	old = frame_of[page]; /* the edit */
	if
	:: page_of[own] = page; frame_of[page] = own
	:: frame_of[page] = NONE
	fi;
	unlock_memory();
	if
	:: is_held && !BROKEN(holders_not_awaited) -> /* pfn_cache_wait_for_holders */
		(!locked && (indexed != page || !holders))
	:: else
	fi;
	assert(old == NONE || !valid || slot != old);
	change_end(old);
	d_step { page = 0; old = 0; is_held = false }
}

init
{
	atomic {
		frame_of[1] = 1; page_of[1] = 1;
		frame_of[2] = 2; page_of[2] = 2;
		run vcpu(1, true, false);
		run change(1, FILLED);
		if
		:: /* one vCPU keeps something that it made of the page */
			run vcpu(2, false, true);
			run owner(false)
		:: /* none does: all the rest */
			run vcpu(2, false, false);
			run owner(true);
			if
			:: run change(1, FILLED + 1)
			:: run change(2, FILLED + 1)
			fi
		fi
	}
}
