/* SPDX-License-Identifier: MIT */
/* EPT02's roots: by EPTP12, by last use; who loses its tables when there are none left. */
#include "hv/string.h"
#include "vmx/nested/ept02_impl.h"

static void unlink_by_use(struct ept02 *pool, struct ept02_root *root)
{
	*(root->older ? &root->older->newer : &pool->oldest) = root->newer;
	*(root->newer ? &root->newer->older : &pool->newest) = root->older;
}

static void append_as_newest(struct ept02 *pool, struct ept02_root *root)
{
	root->older = pool->newest;
	root->newer = NULL;
	*(pool->newest ? &pool->newest->newer : &pool->oldest) = root;
	pool->newest = root;
}

void ept02_root_init(struct ept02 *pool, struct ept02_root *root)
{
	root->table = ept02_table_new(pool, root, EPT_LEVEL_ROOT);
	root->table->rights = EPT_ACCESS_MASK;
	root->tables = 0;
	append_as_newest(pool, root);
}

struct ept02_root *ept02_root_find(const struct ept02 *pool, u64 eptp12, struct ept02_root *after)
{
	struct hlist_node *node =
		after ? after->of_key.next : pool->keys[ept02_bucket(eptp12)].first;
	struct ept02_root *root = NULL;

	for (; node; node = node->next) {
		root = CONTAINER_OF(node, struct ept02_root, of_key);
		if (!((root->key ^ eptp12) & EPT_FRAME_MASK))
			break;
	}
	return node ? root : NULL;
}

/* Make the root that nobody has used for longest this key's. Its frame stays, and whatever CPUs
 * have of it is flushed before they enter with it. */
static struct ept02_root *make(struct ept02 *pool, u64 key)
{
	struct ept02_zap zap = { .pool = pool, .cause = EPT02_RECYCLED };
	struct ept02_root *root = pool->oldest;

	while (root && root->users)
		root = root->newer;
	ASSERT(root);
	if (root->key) {
		pool->counts.roots_recycled++;
		ept02_table_clear(&zap, root->table);
		ept02_table_forget(pool, root->table);
		hlist_remove(&root->of_key);
		ept02_tables_free(pool, zap.out.tables); /* no CPU is in L2 with it */
	}
	pool->counts.roots_made++;
	root->key = key;
	hlist_push(&pool->keys[ept02_bucket(key)], &root->of_key);
	ept02_table_shadow(pool, root->table, hpa_to_pfn(hpa(key & EPT_FRAME_MASK)).raw);
	memset(root->entered, 0, sizeof(root->entered));
	__atomic_store_n(&root->flush_owed, ~0ULL, __ATOMIC_RELEASE);
	return root;
}

static struct ept02_root *find_key(struct ept02 *pool, u64 key, struct ept02_root *hint)
{
	struct ept02_root *root = hint;

	if (hint && hint->key == key)
		return hint;
	root = ept02_root_find(pool, key, NULL);
	while (root && root->key != key)
		root = ept02_root_find(pool, key, root);
	return root;
}

struct ept02_root *ept02_root_get(struct ept02 *pool, struct ept02_vcpu *vcpu, u64 eptp12,
				  struct ept02_root *hint)
{
	u64 key = ept02_key(eptp12);
	struct ept02_root *root;

	ASSERT((eptp12 & BITS(5, 3)) == EPTP_FOUR_LEVELS);
	vm_memory_lock(pool->memory);
	root = find_key(pool, key, hint);
	if (root)
		pool->counts.roots_hit++;
	else
		root = make(pool, key);
	root->users++;
	if (root != pool->newest) {
		unlink_by_use(pool, root);
		append_as_newest(pool, root);
	}
	vcpu->did_invept = false;
	ept02_catch_up(pool, root, vcpu);
	return root;
}

void ept02_root_put(struct ept02 *pool, struct ept02_root *root)
{
	vm_memory_lock(pool->memory);
	ASSERT(root->users > 0);
	root->users--;
	vm_memory_unlock(pool->memory);
}

u64 ept02_pointer(const struct ept02_root *root)
{
	return page_to_hpa(root->table->entries).raw | EPTP_WRITE_BACK | EPTP_FOUR_LEVELS |
	       (root->key & EPTP_AD_ENABLE);
}

/*
 * Idle roots first, the least recently used; then the largest. So each root that is used can have
 * its share of the tables, and L2 gets on as long as a share holds what one instruction needs.
 */
static struct ept02_root *victim(const struct ept02 *pool)
{
	struct ept02_root *largest = pool->oldest;

	for (struct ept02_root *root = pool->oldest; root; root = root->newer) {
		if (!root->users && root->tables)
			return root;
		if (root->tables > largest->tables)
			largest = root;
	}
	return largest;
}

bool ept02_recycle(struct ept02 *pool, struct ept02_zap *zap)
{
	struct ept02_root *root = victim(pool);
	struct ept02_zap idle = { .pool = pool, .cause = EPT02_RECYCLED };

	pool->counts.recycles++;
	if (root->users) {
		zap->cause = EPT02_RECYCLED;
		ept02_table_clear(zap, root->table);
		return false;
	}
	ept02_table_clear(&idle, root->table);
	ept02_tables_free(pool, idle.out.tables);
	return true;
}
