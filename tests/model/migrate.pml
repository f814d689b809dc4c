/* SPDX-License-Identifier: MIT */
/*
 * A page of L1's gets another frame with the same contents (mm/migrate.c), twice, or is deleted the
 * second time (mm/memslot_update.c). Meanwhile L0 reads and writes it by a window (mm/guest_mem.c,
 * mm/epoch.h), and either L0 by a pfn-cache, or L1 through EPT01 (mm/ept01.c).
 *
 * The gate is one step here; kick.pml has its own. The pfn-cache is what host_use.pml shows of it.
 *
 * Proven: nobody is at a frame that is free; nobody reads what is not there yet, or is told that it
 * is not; no write is lost; nobody waits for ever.
 */
#define BREAK_no_grace_period       1  /* a change does not wait for reader sections */
#define BREAK_look_up_before_word   2  /* a section looks up before others see that it has begun */
#define BREAK_copy_after_section    3  /* L0 copies by its window after the section has ended */
#define BREAK_not_filling           4  /* the new frame is published without EXTENT_FILLING */
#define BREAK_filled_before_copy    5  /* the mark goes before the contents are there */
#define BREAK_copy_before_wait      6  /* the contents are copied before change_wait */
#define BREAK_ended_before_copy     7  /* change_end comes before the contents */
#define BREAK_no_kick               8  /* L1's CPUs are not called out */
#define BREAK_kick_before_zap       9  /* they are, before the leaf has left EPT01 */
#define BREAK_look_up_not_checked   10 /* look-ups are used without change_allows */
#define BREAK_copied_under_holder   11 /* a change does not wait for holders */
#define BREAK_migrating_not_awaited 12 /* an update does not wait for a migration under way */

#include "lib/change.pml"

/* The region's extent, published by one store. */
byte frame_of = 1;
bool filling;

bool contents[FRAMES], truth; /* a page is one bit; truth: the last that was written */
bool migrating;               /* vm_memory.migrating */
byte epoch_now = 1, word;

byte leaf;             /* of EPT01 */
byte tlb;              /* of L1's CPU */
bool in_guest, flush;  /* and whether it is in its guest; REQUEST_FLUSH_EPT */

bool valid, held;      /* the pfn-cache, for one vCPU */
byte pfn;

/* One access to a frame. Whoever writes changes the bit, so that a write that is lost shows. */
inline touch(frame)
{
	atomic {
		assert(!is_free[frame] && contents[frame] == truth);
		if
		:: truth = !truth; contents[frame] = truth
		:: skip
		fi
	}
}

/* guest_read, guest_write */
proctype window()
{
	byte epoch, found;
	bool later;

	do
	:: epoch = epoch_now; /* epoch_read_begin */
#if BREAK == BREAK_look_up_before_word
		d_step { found = frame_of; later = filling };
		word = epoch;
#else
		word = epoch;
		d_step { found = frame_of; later = filling };
#endif
		if
		:: BROKEN(copy_after_section) -> word = 0
		:: else
		fi;
		if
		:: found != NONE && !later -> touch(found)
		:: else /* -EFAULT; -EAGAIN */
		fi;
		word = 0; /* epoch_read_end */
		d_step { epoch = 0; found = NONE; later = false }
	:: break
	od
}

/* ept01_translate; with what was found under the lock, an answer of -EAGAIN would not be known. */
inline translate()
{
	snapshot = seq;
	d_step { found = frame_of; later = filling };
	lock_memory();
	may_use = change_allows(snapshot) || BROKEN(look_up_not_checked);
	assert(!may_use || !later)
}

/* L1: EPT violation, ept01_fault; or an access */
proctype l1()
{
	byte snapshot, found;
	bool later, may_use;

	do
	:: translate(); /* ept01_publish */
		if
		:: found != NONE && may_use -> leaf = found
		:: else
		fi;
		unlock_memory();
		d_step { snapshot = 0; found = NONE; later = false; may_use = false }
	:: atomic { flush -> flush = false }; /* the gate: vcpu_take_requests, INVEPT */
		tlb = NONE
	:: atomic { !flush -> in_guest = true };
		do
		:: tlb = leaf /* the walker */
		:: tlb != NONE -> touch(tlb)
		:: break /* VM exit, by itself or by the kick */
		od;
		in_guest = false
	:: break
	od
}

/* pfn_cache_refresh; pfn_cache_hold, an access, pfn_cache_release */
proctype holder()
{
	byte snapshot, found;
	bool later, may_use;

	do
	:: !valid ->
		translate(); /* publish */
		if
		:: found != NONE && may_use -> pfn = found; valid = true
		:: else
		fi;
		unlock_memory();
		d_step { snapshot = 0; found = NONE; later = false; may_use = false }
	:: atomic { valid -> held = true };
		touch(pfn);
		held = false
	:: break
	od
}

/* vm_memory_lock_to_update */
inline lock_to_update()
{
	atomic { !locked && (!migrating || BROKEN(migrating_not_awaited)) -> locked = true }
}

/* change_begin, then the extent is published; lock held */
inline begin_update(to, is_filling)
{
	old = frame_of;
	changing++;
	valid = false;
#if BREAK == BREAK_kick_before_zap
	flush = true;
	!in_guest || !flush;
#endif
	leaf = NONE;
	d_step { frame_of = to; filling = is_filling }
}

/* change_wait */
inline wait_update()
{
#if BREAK != BREAK_no_kick && BREAK != BREAK_kick_before_zap
	flush = true;
	!in_guest || !flush;
#endif
	(!held || BROKEN(copied_under_holder));
	d_step { epoch_now++; epoch = epoch_now }; /* epoch_wait */
	(word == 0 || word >= epoch || BROKEN(no_grace_period))
}

inline copy(to)
{
	bits = contents[old];
	contents[to] = bits;
	bits = false
}

/* finish: the extent without the mark */
inline finish(to)
{
	lock_memory();
	d_step { frame_of = to; filling = false };
	migrating = false;
	unlock_memory()
}

/* migrate_block */
proctype migration(byte to)
{
	byte old, epoch;
	bool bits;

	lock_to_update();
	if
	:: frame_of == NONE -> unlock_memory() /* MEMSLOT_HOLE */
	:: else ->
		migrating = true;
		begin_update(to, !BROKEN(not_filling));
		unlock_memory();
#if BREAK == BREAK_copy_before_wait
		copy(to);
		wait_update();
		finish(to);
		change_end(old)
#elif BREAK == BREAK_filled_before_copy
		wait_update();
		finish(to);
		copy(to);
		change_end(old)
#elif BREAK == BREAK_ended_before_copy
		wait_update();
		change_end(old);
		copy(to);
		finish(to)
#else
		wait_update();
		copy(to);
		finish(to);
		change_end(old)
#endif
	fi
}

/* memslot_delete */
proctype deletion()
{
	byte old, epoch;

	lock_to_update();
	begin_update(NONE, false);
	unlock_memory();
	wait_update();
	change_end(old)
}

init
{
	atomic {
		run window();
		if
		:: run l1()
		:: run holder()
		fi;
		run migration(2);
		if
		:: run migration(3)
		:: run deletion()
		fi
	}
}
