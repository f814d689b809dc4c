/* SPDX-License-Identifier: MIT */
/* Contexts: kept, found, recycled oldest first, given up by who is asked; and beside a model. */
#include "unit.h"
#include "hv/cpu.h"
#include "hv/string.h"
#include "vmx/nested/context.h"

#define COUNT 4u
#define VCPUS 2u

/* Only their addresses count. */
static struct cpu cpus[VCPUS];
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
	context_pool_create(&pool, evict);
	for (u32 i = 0; i < COUNT; i++)
		context_pool_add(&pool, &contexts[i]);
	return 0;
}

static l1_gpa_t page(u64 number)
{
	return l1_gpa(number << PAGE_SHIFT);
}

/* Each vCPU has a CPU. */
static struct context_user user(u32 vcpu)
{
	return (struct context_user){ .vcpu = vcpu, .cpu = &cpus[vcpu] };
}

static struct context_claim claim(u64 number, u32 vcpu)
{
	const struct context_user who = user(vcpu);

	return context_claim(&pool, page(number), &who);
}

static struct context_claim claim_used(u64 number, u32 vcpu)
{
	const struct context_user who = user(vcpu);

	return context_claim_used(&pool, page(number), &who);
}

/* The context of a VMCS, which keeps its place in the order. */
static struct context *find(u64 number)
{
	for (u32 i = 0; i < COUNT; i++)
		if (contexts[i].used && contexts[i].vmptr.raw == page(number).raw)
			return &contexts[i];
	return NULL;
}

/* Load a VMCS, enter with it or not, and leave it for another. */
static struct context *use(u64 number, u32 vcpu, struct cpu *enters_on)
{
	struct context *context = claim(number, vcpu).context;

	assert_int_equal(context->vmptr.raw, page(number).raw);
	if (enters_on)
		context->cpu = enters_on;
	context_detach(&pool, context, vcpu);
	return context;
}

static enum context_event visit(u64 number, u32 vcpu)
{
	struct context_claim claimed = claim(number, vcpu);

	assert_int_equal(claimed.context->vmptr.raw, page(number).raw);
	assert_int_equal(claimed.busy_with, CONTEXT_NOBODY);
	context_detach(&pool, claimed.context, vcpu);
	return claimed.event;
}

static void expect_busy(struct context_claim claimed, u32 owner)
{
	assert_null(claimed.context);
	assert_int_equal(claimed.busy_with, owner);
}

/* What a vCPU does that was asked. */
static void give_all(const struct cpu *cpu)
{
	struct context *context;

	while ((context = context_next_wanted(&pool, cpu)))
		context_give(&pool, context);
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

UNIT(one_that_is_attached_elsewhere_is_asked_for_and_stays)
{
	struct context *mine = claim(1, 0).context;

	mine->cpu = &cpus[0];
	expect_busy(claim(1, 1), 0);
	assert_int_equal(mine->attached, 0);
	assert_int_equal(pool.events[CONTEXT_HIT], 0);
	/* Who has it still has it: there is nothing to clear. */
	assert_null(context_next_wanted(&pool, &cpus[0]));
	context_detach(&pool, mine, 0);
	/* Detached, it is wanted for its hardware state, where that is. */
	expect_busy(claim(1, 1), 0);
	assert_null(context_next_wanted(&pool, &cpus[1]));
	assert_ptr_equal(context_next_wanted(&pool, &cpus[0]), mine);
	context_give(&pool, mine);
	assert_null(mine->cpu);
	assert_null(context_next_wanted(&pool, &cpus[0]));
	assert_ptr_equal(claim(1, 1).context, mine);
	assert_int_equal(mine->attached, 1);
	assert_int_equal(pool.events[CONTEXT_HIT], 1);
}

UNIT(one_without_hardware_state_needs_nobody)
{
	struct context *mine = use(1, 0, NULL);
	struct context_claim claimed = claim(1, 1);

	assert_ptr_equal(claimed.context, mine);
	assert_int_equal(claimed.event, CONTEXT_HIT);
	assert_int_equal(claimed.busy_with, CONTEXT_NOBODY);
}

UNIT(another_vcpu_of_the_same_cpu_needs_nobody)
{
	struct context *mine = use(1, 0, &cpus[0]);
	const struct context_user other = { .vcpu = 1, .cpu = &cpus[0] };

	assert_ptr_equal(context_claim(&pool, page(1), &other).context, mine);
	assert_ptr_equal(mine->cpu, &cpus[0]);
}

UNIT(who_comes_back_first_keeps_what_was_wanted)
{
	struct context *mine = use(1, 0, &cpus[0]);

	expect_busy(claim(1, 1), 0);
	assert_ptr_equal(claim(1, 0).context, mine);
	context_detach(&pool, mine, 0);
	assert_null(context_next_wanted(&pool, &cpus[0]));
	/* Who asked asks again. */
	expect_busy(claim(1, 1), 0);
	assert_ptr_equal(context_next_wanted(&pool, &cpus[0]), mine);
}

UNIT(one_is_not_recycled_before_its_hardware_state_is_given)
{
	struct context *oldest = use(1, 0, &cpus[0]);

	for (u64 i = 2; i <= COUNT; i++)
		use(i, 0, &cpus[0]);
	expect_busy(claim(9, 1), 0);
	assert_ptr_equal(find(1), oldest);
	assert_int_equal(evictions, 0);
	assert_ptr_equal(context_next_wanted(&pool, &cpus[0]), oldest);
	give_all(&cpus[0]);
	assert_ptr_equal(claim(9, 1).context, oldest);
	assert_int_equal(evictions, 1);
	assert_int_equal(evicted, page(1).raw);
	/* Nobody wanted the others. */
	assert_ptr_equal(find(2)->cpu, &cpus[0]);
}

UNIT(vmclear_claims_what_is_there_and_no_more)
{
	struct context_claim claimed = claim_used(1, 1);

	assert_null(claimed.context);
	assert_int_equal(claimed.busy_with, CONTEXT_NOBODY);
	assert_null(find(1));
	use(1, 0, &cpus[0]);
	expect_busy(claim_used(1, 1), 0);
	give_all(&cpus[0]);
	claimed = claim_used(1, 1);
	assert_ptr_equal(claimed.context, find(1));
	assert_int_equal(claimed.event, CONTEXT_HIT);
	assert_int_equal(find(1)->attached, 1);
}

UNIT(a_granted_claim_leaves_what_the_vcpu_had)
{
	struct context *first = claim(1, 0).context;
	struct context_user who = user(0);
	struct context *second;

	who.detaches = first;
	assert_ptr_equal(context_claim(&pool, page(1), &who).context, first);
	assert_int_equal(first->attached, 0);
	second = context_claim(&pool, page(2), &who).context;
	assert_ptr_not_equal(second, first);
	assert_int_equal(second->attached, 0);
	assert_int_equal(first->attached, CONTEXT_NOBODY);
	assert_int_equal(first->last_owner, 0);
}

UNIT(a_claim_that_waits_leaves_nothing)
{
	struct context *first = claim(1, 0).context;
	struct context_user who = user(0);

	claim(2, 1);
	who.detaches = first;
	expect_busy(context_claim(&pool, page(2), &who), 1);
	assert_int_equal(first->attached, 0);
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
	for (u64 i = 4096 - COUNT; i < 4096; i++) {
		struct context *there = find(i * 7919);

		assert_ptr_equal(claim(i * 7919, 0).context, there);
		context_detach(&pool, there, 0);
	}
	assert_int_equal(pool.events[CONTEXT_HIT], COUNT);
}

/* The model: addresses in order of their last use, who has them, and on whose CPU they are. */
static struct row {
	u64 number;
	u32 attached, owner, on;
} model[COUNT];
static u32 model_count;

/* Where the claim finds its context; which comes last when it is granted. */
static u32 model_place(u64 number, enum context_event *event)
{
	u32 at = 0;

	*event = CONTEXT_HIT;
	while (at < model_count && model[at].number != number)
		at++;
	if (at < model_count)
		return at;
	*event = model_count < COUNT ? CONTEXT_NEW : CONTEXT_RECYCLED;
	if (*event == CONTEXT_NEW) {
		model[model_count] =
			(struct row){ number, CONTEXT_NOBODY, CONTEXT_NOBODY, CONTEXT_NOBODY };
		return model_count++;
	}
	for (at = 0; model[at].attached != CONTEXT_NOBODY; at++)
		;
	return at;
}

static u32 model_busy(const struct row *row, u32 vcpu)
{
	if (row->attached != CONTEXT_NOBODY && row->attached != vcpu)
		return row->attached;
	return row->on != CONTEXT_NOBODY && row->on != vcpu ? row->owner : CONTEXT_NOBODY;
}

static void model_attach(u32 at, u64 number, u32 vcpu, bool enters)
{
	struct row row = model[at];

	row.number = number;
	row.attached = vcpu;
	if (enters)
		row.on = vcpu;
	memmove(&model[at], &model[at + 1], (model_count - at - 1) * sizeof(row));
	model[model_count - 1] = row;
}

static void model_detach(u32 vcpu)
{
	for (u32 i = 0; i < model_count; i++)
		if (model[i].attached == vcpu) {
			model[i].attached = CONTEXT_NOBODY;
			model[i].owner = vcpu;
		}
}

/* The hardware state of this vCPU's CPU that somebody asked for. */
static void yield(u32 vcpu, struct context **current)
{
	struct context *context;

	if (*current)
		context_detach(&pool, *current, vcpu);
	model_detach(vcpu);
	*current = NULL;
	while ((context = context_next_wanted(&pool, &cpus[vcpu]))) {
		for (u32 i = 0; i < model_count; i++)
			if (page(model[i].number).raw == context->vmptr.raw)
				model[i].on = CONTEXT_NOBODY;
		context_give(&pool, context);
	}
}

static void claim_beside_model(u64 number, u32 vcpu, bool enters, struct context **current)
{
	enum context_event event;
	u32 at = model_place(number, &event);
	u32 busy = model_busy(&model[at], vcpu);
	struct context_claim claimed = claim(number, vcpu);

	if (busy != CONTEXT_NOBODY) {
		expect_busy(claimed, busy);
		yield(busy, &current[busy]);
		claimed = claim(number, vcpu);
		at = model_place(number, &event);
		assert_int_equal(model_busy(&model[at], vcpu), CONTEXT_NOBODY);
	}
	assert_non_null(claimed.context);
	assert_int_equal(claimed.event, event);
	assert_int_equal(claimed.context->attached, vcpu);
	model_attach(at, number, vcpu, enters);
	if (enters)
		claimed.context->cpu = &cpus[vcpu];
	current[vcpu] = claimed.context;
}

UNIT(random_use_agrees_with_the_model)
{
	struct context *current[VCPUS] = { NULL };
	u64 seed = 1;

	model_count = 0;
	for (u32 i = 0; i < 20000; i++) {
		u32 vcpu = (u32)(unit_random(&seed) % VCPUS);

		if (current[vcpu]) {
			context_detach(&pool, current[vcpu], vcpu);
			model_detach(vcpu);
			current[vcpu] = NULL;
		} else {
			u64 number = unit_random(&seed) % 7;

			claim_beside_model(number, vcpu, unit_random(&seed) % 2, current);
		}
	}
	assert_int_equal(evictions, pool.events[CONTEXT_RECYCLED]);
	assert_true(evictions > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_context_is_kept_after_it_was_left, setup),
		cmocka_unit_test_setup(the_least_recently_used_one_is_recycled, setup),
		cmocka_unit_test_setup(an_attached_one_is_never_recycled, setup),
		cmocka_unit_test_setup(one_that_is_attached_elsewhere_is_asked_for_and_stays,
				       setup),
		cmocka_unit_test_setup(one_without_hardware_state_needs_nobody, setup),
		cmocka_unit_test_setup(another_vcpu_of_the_same_cpu_needs_nobody, setup),
		cmocka_unit_test_setup(who_comes_back_first_keeps_what_was_wanted, setup),
		cmocka_unit_test_setup(one_is_not_recycled_before_its_hardware_state_is_given,
				       setup),
		cmocka_unit_test_setup(vmclear_claims_what_is_there_and_no_more, setup),
		cmocka_unit_test_setup(a_granted_claim_leaves_what_the_vcpu_had, setup),
		cmocka_unit_test_setup(a_claim_that_waits_leaves_nothing, setup),
		cmocka_unit_test_setup(loads_are_counted_by_what_they_found, setup),
		cmocka_unit_test_setup(colliding_addresses_are_told_apart, setup),
		cmocka_unit_test_setup(random_use_agrees_with_the_model, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
