/* SPDX-License-Identifier: MIT */
/* Contexts: kept, found, recycled oldest first, never lacking; and beside a naive model. */
#include "unit.h"
#include "hv/string.h"
#include "vmx/nested/context.h"

#define COUNT 4u
#define VCPUS 2u

static struct context contexts[COUNT];
static struct context_pool pool;
static u64 evicted;
static u32 evictions;

static void evict(struct context *context)
{
	evicted = context->vmptr.raw;
	evictions++;
}

static int setup(void **state)
{
	(void)state;
	memset(contexts, 0, sizeof(contexts));
	memset(&pool, 0, sizeof(pool));
	evicted = evictions = 0;
	context_pool_create(&pool, contexts, COUNT, evict);
	return 0;
}

static l1_gpa_t page(u64 number)
{
	return l1_gpa(number << PAGE_SHIFT);
}

/* Load a VMCS and leave it for another. */
static enum context_event visit(u64 number, u32 vcpu)
{
	struct context_claim claim = context_claim(&pool, page(number), vcpu);

	assert_int_equal(claim.context->vmptr.raw, page(number).raw);
	context_detach(&pool, claim.context, vcpu);
	return claim.event;
}

UNIT(a_context_is_kept_after_it_was_left)
{
	assert_int_equal(visit(1, 0), CONTEXT_NEW);
	assert_int_equal(visit(2, 0), CONTEXT_NEW);
	assert_int_equal(visit(1, 0), CONTEXT_HIT);
	assert_int_equal(visit(2, 1), CONTEXT_HIT);
	assert_int_equal(context_find(&pool, page(2))->last_owner, 1);
	assert_null(context_find(&pool, page(3)));
}

UNIT(the_least_recently_used_one_is_recycled)
{
	for (u64 i = 1; i <= COUNT; i++)
		visit(i, 0);
	visit(1, 0);
	assert_int_equal(visit(9, 0), CONTEXT_RECYCLED);
	assert_int_equal(evicted, page(2).raw);
	assert_null(context_find(&pool, page(2)));
	assert_non_null(context_find(&pool, page(1)));
	assert_int_equal(evictions, 1);
}

UNIT(an_attached_one_is_never_recycled)
{
	struct context *mine = context_claim(&pool, page(1), 0).context;

	for (u64 i = 10; i < 100; i++)
		visit(i, 1);
	assert_ptr_equal(context_find(&pool, page(1)), mine);
	assert_int_equal(mine->attached, 0);
}

UNIT(two_vcpus_with_one_vmcs_the_second_takes_it)
{
	struct context *mine = context_claim(&pool, page(1), 0).context;
	struct context_claim claim = context_claim(&pool, page(1), 1);

	assert_ptr_equal(claim.context, mine);
	assert_int_equal(claim.taken_from, 0);
	context_detach(&pool, mine, 0); /* the loser's: too late */
	assert_int_equal(mine->attached, 1);
	context_detach(&pool, mine, 1);
	assert_int_equal(mine->attached, CONTEXT_NOBODY);
	assert_int_equal(context_claim(&pool, page(1), 0).taken_from, CONTEXT_NOBODY);
}

UNIT(colliding_addresses_are_told_apart)
{
	for (u64 i = 0; i < 4096; i++)
		visit(i * 7919, 0);
	assert_int_equal(pool.events[CONTEXT_NEW] + pool.events[CONTEXT_RECYCLED], 4096);
	assert_int_equal(pool.events[CONTEXT_HIT], 0);
	for (u32 i = 0; i < COUNT; i++)
		assert_ptr_equal(context_find(&pool, contexts[i].vmptr), &contexts[i]);
}

/* The model: addresses in order of their last use, and who has them. */
static struct {
	u64 number;
	u32 attached;
} model[COUNT];
static u32 model_count;

static enum context_event model_claim(u64 number, u32 vcpu)
{
	enum context_event event = CONTEXT_HIT;
	u32 at = 0;

	while (at < model_count && model[at].number != number)
		at++;
	if (at == model_count && model_count < COUNT) {
		model_count++;
		event = CONTEXT_NEW;
	} else if (at == model_count) {
		for (at = 0; model[at].attached != CONTEXT_NOBODY; at++)
			;
		event = CONTEXT_RECYCLED;
	}
	memmove(&model[at], &model[at + 1], (model_count - at - 1) * sizeof(model[0]));
	model[model_count - 1].number = number;
	model[model_count - 1].attached = vcpu;
	return event;
}

UNIT(random_use_agrees_with_the_model)
{
	struct context *current[VCPUS] = { NULL };
	u64 seed = 1;

	model_count = 0;
	for (u32 i = 0; i < 20000; i++) {
		u32 vcpu;
		u64 number;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		vcpu = (u32)(seed >> 33) % VCPUS;
		number = (seed >> 40) % 7;
		if (current[vcpu]) {
			context_detach(&pool, current[vcpu], vcpu);
			for (u32 j = 0; j < model_count; j++)
				if (model[j].attached == vcpu)
					model[j].attached = CONTEXT_NOBODY;
			current[vcpu] = NULL;
		} else {
			struct context_claim claim = context_claim(&pool, page(number), vcpu);

			assert_int_equal(claim.event, model_claim(number, vcpu));
			current[vcpu] = claim.context;
		}
	}
	assert_int_equal(evictions, pool.events[CONTEXT_RECYCLED]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_context_is_kept_after_it_was_left, setup),
		cmocka_unit_test_setup(the_least_recently_used_one_is_recycled, setup),
		cmocka_unit_test_setup(an_attached_one_is_never_recycled, setup),
		cmocka_unit_test_setup(two_vcpus_with_one_vmcs_the_second_takes_it, setup),
		cmocka_unit_test_setup(colliding_addresses_are_told_apart, setup),
		cmocka_unit_test_setup(random_use_agrees_with_the_model, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
