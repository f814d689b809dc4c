/* SPDX-License-Identifier: MIT */
/* Host double of hv/spinlock.h: the same lock, but a test may step in before one is taken. */
#ifndef HV_SPINLOCK_H
#define HV_SPINLOCK_H

#include "hv/x86.h"

struct spinlock {
	u32 next;
	u32 serving;
};

/* Called before a lock is waited for; NULL: nobody watches. */
extern void (*host_lock_watch)(struct spinlock *lock);

static inline void spin_lock(struct spinlock *lock)
{
	u32 ticket;

	if (host_lock_watch)
		host_lock_watch(lock);
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket)
		cpu_pause();
}

static inline void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
}

#endif
