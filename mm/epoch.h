/* SPDX-License-Identifier: MIT */
/*
 * When may an object that readers could see be used for something else? After a grace period: every
 * CPU was outside its reader sections once since the object was taken out of reach. A CPU outside a
 * reader section is quiescent: in guest mode, in idle, while it spins on a lock or waits for a
 * kick; none of these has to announce anything. A reader section therefore holds no wait, and a
 * wait asserts that there is none (epoch_assert_quiescent).
 *
 * To take an object out of reach: unlink it (a store that readers pair with), then either
 * epoch_wait() and free it, or epoch_retire() it, which frees it in a later epoch_poll().
 */
#ifndef MM_EPOCH_H
#define MM_EPOCH_H

#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/spinlock.h"

struct epoch_queue;

/* Part of an object that can be retired. */
struct epoch_item {
	struct epoch_item *next;
	void (*free)(struct epoch_queue *queue, struct epoch_item *item);
};

/* Retired objects of one owner. Zeroed: empty. */
struct epoch_queue {
	struct spinlock lock;      /* protects what follows */
	struct epoch_item *fresh;  /* retired since the last batch was closed */
	struct epoch_item *closed; /* one batch, in its grace period */
	u64 closed_at; /* readers of this epoch and of later ones do not see the batch */
};

extern u64 epoch_now; /* grows; never 0 */

/*
 * A reader section; sections nest. What is read from shared roots inside stays whole until the
 * outermost section ends. It costs one locked instruction.
 */
static inline void epoch_read_begin(void)
{
	struct cpu *cpu = this_cpu();

	if (cpu->epoch_depth++ > 0)
		return;
	/*
	 * Load with acquire: a reader of epoch e sees all that was unlinked before the epoch became
	 * e; pairs with the increment in advance(). Exchange, hence full order: the word is seen
	 * before any root is read; pairs with the same increment. One of the two sees the other.
	 */
	__atomic_exchange_n(&cpu->epoch, __atomic_load_n(&epoch_now, __ATOMIC_ACQUIRE),
			    __ATOMIC_SEQ_CST);
}

static inline void epoch_read_end(void)
{
	struct cpu *cpu = this_cpu();

	ASSERT(cpu->epoch_depth > 0);
	if (--cpu->epoch_depth ==
	    0) /* release: the section's reads are done; pairs with passed() */
		__atomic_store_n(&cpu->epoch, 0, __ATOMIC_RELEASE);
}

/* Before a wait of any kind: this CPU holds nobody back. */
static inline void epoch_assert_quiescent(void)
{
	ASSERT(THIS_CPU_FIELD(epoch_depth) == 0);
}

/* Free this object after a grace period. It is out of reach of new readers; its item is the
 * queue's from now on. */
void epoch_retire(struct epoch_queue *queue, struct epoch_item *item);
/*
 * Free what has had its grace period; waits for nobody. The free functions run under the queue's
 * lock: they retire nothing, and take only locks that come after it.
 */
void epoch_poll(struct epoch_queue *queue);
/* Wait for a grace period; then free all that was retired to the queue before the call. */
void epoch_wait(struct epoch_queue *queue);

#endif
