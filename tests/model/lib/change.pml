/* SPDX-License-Identifier: MIT */
/*
 * What all models share: frames, pages, vm_memory.lock, and the change protocol's counts
 * (mm/change.c). A model defines its mutations as "#define BREAK_<name> <number>" with a comment
 * that says what is wrong; -DBREAK=BREAK_<name> builds one of them.
 *
 * Each step is atomic, as spin sees it, and what one step does is one access to shared memory, or
 * is protected by the lock in the code as well. Spin is sequentially consistent. So is the code
 * where two sides each store and then load: those stores are locked operations, or are modelled
 * with a store buffer (tests/model/lib/gate.pml).
 */
#ifndef BREAK
#define BREAK 0
#endif
#define BROKEN(name) (BREAK == BREAK_##name)

#define NONE   0 /* no frame, no page */
#define FRAMES 6

bool locked;          /* vm_memory.lock */
byte changing;          /* vm_memory.active: changes under way */
byte seq;             /* changes that have ended */
bool is_free[FRAMES]; /* frames that may be used for something else */

inline lock_memory() { atomic { !locked -> locked = true } }
inline unlock_memory() { locked = false }

/* change_allows, lock held */
#define change_allows(snapshot) (changing == 0 && seq == snapshot)

/* change_end; then the frame goes back to the pool. */
inline change_end(old)
{
	atomic { !locked -> seq++; changing-- }; /* the lock is held for that */
	is_free[old] = old != NONE /* extents_free_frames */
}
