/* SPDX-License-Identifier: MIT */
/*
 * More pfn-caches than a VM has, to measure that a change does not cost more for it. They are for
 * guest use, which takes no window slots, by a user that is no VMCS.
 */
#include "vmx/cache_calls.h"
#include "hv/errno.h"
#include "mm/page.h"
#include "mm/vm_memory.h"
#include "vmx/vm.h"

struct test_caches {
	struct pfn_user user;
	u32 active;
	struct pfn_cache caches[NESTOR_CACHES_MAX];
};

static bool is_off(const struct hypercall *c)
{
	return !c->v->vm->config->test_calls;
}

static struct test_caches *create(struct vm_memory *memory)
{
	struct test_caches *test = page_alloc(page_order(sizeof(*test)));

	if (!test)
		return NULL;
	(void)pfn_cache_expect(memory, ARRAY_SIZE(test->caches)); /* else slow, not wrong */
	for (u32 i = 0; i < ARRAY_SIZE(test->caches); i++)
		pfn_cache_init_guest(&test->caches[i], memory, &test->user, 0);
	return test;
}

/* They are this CPU's. A page without a region leaves its cache invalid, but on the index. */
static void put_at(struct test_caches *test, l1_gpa_t gpa, u32 count)
{
	while (test->active)
		pfn_cache_deactivate(&test->caches[--test->active]);
	for (; test->active < count; test->active++) {
		struct pfn_cache *cache = &test->caches[test->active];

		pfn_cache_activate(cache, l1_gpa_add(gpa, test->active * PAGE_SIZE));
		(void)pfn_cache_refresh(cache);
	}
}

s64 call_caches(struct hypercall *c)
{
	struct test_caches *const busy = (void *)~0ULL;
	struct vm *vm = c->v->vm;
	u64 count = c->rcx;
	struct test_caches *test;
	s64 error = 0;

	if (is_off(c))
		return -EPERM;
	if (count > NESTOR_CACHES_MAX)
		return -E2BIG;
	/* Acquire and release: a call sees what the one before has left. */
	test = __atomic_exchange_n(&vm->test_caches, busy, __ATOMIC_ACQUIRE);
	if (test == busy)
		return -EBUSY;
	if (!test)
		test = create(vm->memory);
	if (!test)
		error = -ENOMEM;
	else
		put_at(test, l1_gpa(c->rbx), (u32)count);
	__atomic_store_n(&vm->test_caches, test, __ATOMIC_RELEASE);
	return error;
}

s64 call_invalidate(struct hypercall *c)
{
	struct vm_memory *memory = c->v->vm->memory;
	u64 first = c->rbx >> PAGE_SHIFT;
	u64 pages = c->rcx >> PAGE_SHIFT;

	if (is_off(c))
		return -EPERM;
	if (pages > NESTOR_CACHES_MAX)
		return -E2BIG;
	for (u64 i = 0; i < pages; i++) {
		vm_memory_lock(memory);
		(void)pfn_cache_invalidate(memory, (struct gfn_range){ first + i, 1 });
		vm_memory_unlock(memory);
	}
	return 0;
}
