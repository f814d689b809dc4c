/* SPDX-License-Identifier: MIT */
/*
 * Grace periods by a counter: a CPU's word says in which epoch its reader section began. What was
 * unlinked before the counter became e is out of use when each CPU's word is 0 or at least e.
 */
#include "mm/epoch.h"
#include "hv/x86.h"

u64 epoch_now = 1;

/* Start a new epoch: readers that begin in it do not see what was unlinked before. */
static u64 advance(void)
{
	/* Full order between the unlinking and the look at the CPUs' words; as a release it pairs
	 * with the load in epoch_read_begin. */
	return __atomic_add_fetch(&epoch_now, 1, __ATOMIC_SEQ_CST);
}

/* Has every CPU been quiescent since this epoch began? */
static bool passed(u64 epoch)
{
	for (u32 i = 0; i < cpu_count(); i++) {
		/* Acquire: a reader's accesses come before the freeing; pairs with epoch_read_end,
		 * and where the section ended long ago with the exchange of the next one. */
		u64 word = __atomic_load_n(&cpu_get(i)->epoch, __ATOMIC_SEQ_CST);

		if (word != 0 && word < epoch)
			return false;
	}
	return true;
}

static void free_list(struct epoch_queue *queue, struct epoch_item *item)
{
	while (item) {
		struct epoch_item *next = item->next;

		item->free(queue, item);
		item = next;
	}
}

static void free_closed(struct epoch_queue *queue)
{
	if (passed(queue->closed_at)) {
		free_list(queue, queue->closed);
		queue->closed = NULL;
	}
}

void epoch_retire(struct epoch_queue *queue, struct epoch_item *item)
{
	ASSERT(item->free);
	spin_lock(&queue->lock);
	item->next = queue->fresh;
	queue->fresh = item;
	spin_unlock(&queue->lock);
}

void epoch_poll(struct epoch_queue *queue)
{
	spin_lock(&queue->lock);
	if (queue->closed)
		free_closed(queue);
	if (queue->fresh && !queue->closed) {
		queue->closed = queue->fresh;
		queue->fresh = NULL;
		queue->closed_at = advance();
		free_closed(queue);
	}
	spin_unlock(&queue->lock);
}

void epoch_wait(struct epoch_queue *queue)
{
	struct epoch_item *closed, *fresh;
	u64 epoch;

	epoch_assert_quiescent();
	spin_lock(&queue->lock);
	closed = queue->closed;
	fresh = queue->fresh;
	queue->closed = NULL;
	queue->fresh = NULL;
	spin_unlock(&queue->lock);
	epoch = advance();
	while (!passed(epoch))
		cpu_pause();
	spin_lock(&queue->lock);
	free_list(queue, closed);
	free_list(queue, fresh);
	spin_unlock(&queue->lock);
}
