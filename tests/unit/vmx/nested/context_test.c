/* SPDX-License-Identifier: MIT */
/* Contexts: kept, found, recycled oldest first, never lacking, asked for where another has them; and
 * beside a naive model. */
#include "unit.h"
#include "hv/string.h"
#include "vmx/nested/context.h"

#define COUNT 4u
#define VCPUS 2u

static struct context contexts[COUNT];
static struct context_pool pool;
static struct cpu cpus[VCPUS]; /* vCPU n runs on CPU n */
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

static struct context_claim claim(u64 number, u32 vcpu)
{
	const struct context_user user = { vcpu, &cpus[vcpu] };

	return context_claim(&pool, page(number), &user);
}

static struct context_claim claim_used(u64 number, u32 vcpu)
{
	const struct context_user user = { vcpu, &cpus[vcpu] };

	return context_claim_used(&pool, page(number), &user);
}

/* The context of a VMCS, which keeps its place in the order. */
static struct context *find(u64 number)
{
	for (u32 i = 0; i < COUNT; i++)
		if (contexts[i].used && contexts[i].vmptr.raw == page(number).raw)
			return &contexts[i];
	return NULL;
}

/* Load a VMCS and leave it for another. */
static enum context_event visit(u64 number, u32 vcpu)
{
	struct context_claim got = claim(number, vcpu);

	assert_int_equal(got.busy_with, CONTEXT_NOBODY);
	assert_int_equal(got.context->vmptr.raw, page(number).raw);
	context_detach(&pool, got.context, vcpu);
	return got.event;
}

UNIT(a_context_is_kept_after_it_was_left)
{
	assert_int_equal(visit(1, 0), CONTEXT_NEW);
	assert_int_equal(visit(2, 0), CONTEXT_NEW);
	assert_int_equal(visit(1, 0), CONTEXT_HIT);
	assert_int_equal(visit(2, 1), CONTEXT_HIT);
	assert_int_equal(find(2)->last_owner, 1);
	assert_null(find(3));
}

UNIT(the_least_recently_used_one_is_recycled)
{
	for (u64 i = 1; i <= COUNT; i++)
		visit(i, 0);
	visit(1, 0);
	assert_int_equal(visit(9, 0), CONTEXT_RECYCLED);
	assert_int_equal(evicted, page(2).raw);
	assert_null(find(2));
	assert_non_null(find(1));
	assert_int_equal(evictions, 1);
}

UNIT(an_attached_one_is_never_recycled)
{
	struct context *mine = claim(1, 0).context;

	for (u64 i = 10; i < 100; i++)
		visit(i, 1);
	assert_ptr_equal(find(1), mine);
	assert_int_equal(mine->attached, 0);
}

UNIT(a_vmcs_that_another_vcpu_has_is_asked_for)
{
	struct context *mine = claim(1, 0).context;
	struct context_claim got = claim(1, 1);

	assert_null(got.context);
	assert_int_equal(got.busy_with, 0);
	assert_true(mine->wanted);
	assert_int_equal(mine->attached, 0);
	context_detach(&pool, mine, 0);
	got = claim(1, 1);
	assert_ptr_equal(got.context, mine);
	assert_int_equal(got.event, CONTEXT_HIT);
	assert_false(mine->wanted);
}

UNIT(hardware_state_on_another_cpu_is_asked_for)
{
	struct context *left = claim(1, 0).context;

	left->cpu = &cpus[0];
	context_detach(&pool, left, 0);
	assert_null(context_next_wanted(&pool, &cpus[0]));
	assert_int_equal(claim(1, 1).busy_with, 0);
	assert_null(context_next_wanted(&pool, &cpus[1]));
	assert_ptr_equal(context_next_wanted(&pool, &cpus[0]), left);
	context_give(&pool, left);
	assert_null(context_next_wanted(&pool, &cpus[0]));
	assert_ptr_equal(claim(1, 1).context, left);
}

UNIT(recycling_asks_for_hardware_state_first)
{
	for (u64 i = 1; i <= COUNT; i++)
		visit(i, 0);
	find(1)->cpu = &cpus[0];
	assert_int_equal(claim(9, 1).busy_with, 0);
	assert_int_equal(evictions, 0);
	context_give(&pool, context_next_wanted(&pool, &cpus[0]));
	assert_int_equal(claim(9, 1).event, CONTEXT_RECYCLED);
	assert_int_equal(evicted, page(1).raw);
}

UNIT(vmclear_claims_what_is_there_and_no_more)
{
	assert_null(claim_used(1, 0).context);
	assert_int_equal(claim_used(1, 0).busy_with, CONTEXT_NOBODY);
	assert_null(find(1));
	visit(1, 0);
	assert_ptr_equal(claim_used(1, 0).context, find(1));
	assert_int_equal(claim_used(1, 1).busy_with, 0);
}

/* Loads are counted: not VMCLEARs, not claims that have to wait. */
UNIT(loads_are_counted_by_what_they_found)
{
	visit(1, 0);
	visit(1, 0);
	assert_int_equal(pool.moved, 0);
	visit(1, 1);
	visit(1, 1);
	assert_int_equal(pool.moved, 1);
	context_detach(&pool, claim_used(1, 0).context, 0);
	(void)claim(1, 0);
	assert_int_equal(claim(1, 1).busy_with, 0);
	for (u64 i = 2; i <= COUNT + 1; i++)
		visit(i, 1);
	assert_int_equal(pool.events[CONTEXT_NEW], COUNT);
	assert_int_equal(pool.events[CONTEXT_HIT], 4);
	assert_int_equal(pool.events[CONTEXT_RECYCLED], 1);
	assert_int_equal(pool.moved, 1);
}

UNIT(colliding_addresses_are_told_apart)
{
	for (u64 i = 0; i < 4096; i++)
		visit(i * 7919, 0);
	assert_int_equal(pool.events[CONTEXT_NEW] + pool.events[CONTEXT_RECYCLED], 4096);
	assert_int_equal(pool.events[CONTEXT_HIT], 0);
	for (u32 i = 0; i < COUNT; i++)
		assert_int_equal(visit(contexts[i].vmptr.raw >> PAGE_SHIFT, 0), CONTEXT_HIT);
}

/* The model: addresses in order of their last use, and who has them. */
static struct {
	u64 number;
	u32 attached;
} model[COUNT];
static u32 model_count;

/* False: another vCPU has it. */
static bool model_claim(u64 number, u32 vcpu, enum context_event *event)
{
	u32 at = 0;

	*event = CONTEXT_HIT;
	while (at < model_count && model[at].number != number)
		at++;
	if (at < model_count && model[at].attached != CONTEXT_NOBODY)
		return false;
	if (at == model_count && model_count < COUNT) {
		model_count++;
		*event = CONTEXT_NEW;
	} else if (at == model_count) {
		for (at = 0; model[at].attached != CONTEXT_NOBODY; at++)
			;
		*event = CONTEXT_RECYCLED;
	}
	memmove(&model[at], &model[at + 1], (model_count - at - 1) * sizeof(model[0]));
	model[model_count - 1].number = number;
	model[model_count - 1].attached = vcpu;
	return true;
}

static void model_detach(u32 vcpu)
{
	for (u32 i = 0; i < model_count; i++)
		if (model[i].attached == vcpu)
			model[i].attached = CONTEXT_NOBODY;
}

/* What the vCPU has afterwards; NULL: it must wait, and there are no more of them than vCPUs. */
static struct context *claim_beside_model(u64 number, u32 vcpu)
{
	struct context_claim got = claim(number, vcpu);
	enum context_event event;
	bool is_free = model_claim(number, vcpu, &event);

	assert_int_equal(got.context != NULL, is_free);
	assert_int_equal(got.busy_with, is_free ? CONTEXT_NOBODY : !vcpu);
	if (is_free)
		assert_int_equal(got.event, event);
	return got.context;
}

UNIT(random_use_agrees_with_the_model)
{
	struct context *current[VCPUS] = { NULL };
	u64 seed = 1;

	model_count = 0;
	for (u32 i = 0; i < 20000; i++) {
		u64 random = unit_random(&seed);
		u32 vcpu = (u32)(random >> 33) % VCPUS;

		if (current[vcpu]) {
			context_detach(&pool, current[vcpu], vcpu);
			model_detach(vcpu);
			current[vcpu] = NULL;
		} else {
			current[vcpu] = claim_beside_model((random >> 40) % 7, vcpu);
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
		cmocka_unit_test_setup(a_vmcs_that_another_vcpu_has_is_asked_for, setup),
		cmocka_unit_test_setup(hardware_state_on_another_cpu_is_asked_for, setup),
		cmocka_unit_test_setup(recycling_asks_for_hardware_state_first, setup),
		cmocka_unit_test_setup(vmclear_claims_what_is_there_and_no_more, setup),
		cmocka_unit_test_setup(loads_are_counted_by_what_they_found, setup),
		cmocka_unit_test_setup(colliding_addresses_are_told_apart, setup),
		cmocka_unit_test_setup(random_use_agrees_with_the_model, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
