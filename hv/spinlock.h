/* SPDX-License-Identifier: MIT */
/* A ticket lock. Order and what each lock protects: docs/locking.md. */
#ifndef HV_SPINLOCK_H
#define HV_SPINLOCK_H

#include "hv/x86.h"

struct spinlock {
	u32 next; /* pairs with serving: a ticket is taken relaxed, served with acquire */
	u32 serving;
};

static inline void spin_lock(struct spinlock *lock)
{
	u32 ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket)
		cpu_pause();
}

static inline void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
}

#endif
