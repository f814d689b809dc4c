/* SPDX-License-Identifier: MIT */
/* Nestor's own hypercalls (hv/abi.h): two ways in, one table, one function each.
 * Arguments are L1's: everything is checked, nothing trusted. */
#include "vmx/hypercall.h"
#include "hv/abi.h"
#include "hv/errno.h"
#include "hv/log.h"
#include "hv/percpu.h"
#include "hv/recorder.h"
#include "hv/x86.h"
#include "vmx/cache_calls.h"
#include "vmx/exit.h"
#include "vmx/inject.h"
#include "vmx/region_calls.h"
#include "vmx/nested_calls.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

#define KICK_DELAY_MAX 100000u

typedef s64 (*call_handler)(struct hypercall *c);

static s64 call_console(struct hypercall *c)
{
	char text[256];
	l1_gpa_t from = l1_gpa(c->rbx);
	u64 left = c->rcx;

	if (left > NESTOR_CONSOLE_MAX)
		return -E2BIG;
	while (left) {
		u64 part = MIN(left, sizeof(text));

		if (guest_read(c->v->vm->memory, from, text, part))
			return -EFAULT;
		log_write(text, part);
		from = l1_gpa_add(from, part);
		left -= part;
	}
	return 0;
}

static s64 call_test_result(struct hypercall *c)
{
	u64 outcome = c->rbx;

	if (outcome > NESTOR_TEST_ERROR)
		return -EINVAL;
	c->v->vm->outcomes[outcome]++;
	return 0;
}

static s64 call_stop(struct hypercall *c)
{
	vm_stop(c->v->vm, (u32)c->rbx);
	return 0;
}

/* Sum a table of u64 that each CPU has at this offset,
 * and copy it to L1: at most RCX values at RBX. */
static s64 copy_sums(struct hypercall *c, size_t offset, u64 values)
{
	l1_gpa_t to = l1_gpa(c->rbx);
	u64 wanted = MIN(c->rcx, values);

	for (u64 i = 0; i < wanted; i++) {
		u64 sum = 0;

		for (u32 cpu = 0; cpu < cpu_count(); cpu++)
			sum += ((const u64 *)(const void *)((const char *)cpu_get(cpu) +
							    offset))[i];
		if (guest_write(c->v->vm->memory, l1_gpa_add(to, i * sizeof(sum)), &sum,
				sizeof(sum)))
			return -EFAULT;
	}
	c->rbx = values;
	return 0;
}

static s64 call_counters(struct hypercall *c)
{
	return copy_sums(c, offsetof(struct cpu, counters), COUNTERS);
}

static s64 call_exit_counts(struct hypercall *c)
{
	return copy_sums(c, offsetof(struct cpu, exits), EXIT_REASONS_MAX);
}

static s64 call_exits_of_l2(struct hypercall *c)
{
	return copy_sums(c, offsetof(struct cpu, exits_l2), EXIT_REASONS_MAX);
}

static s64 call_nested_counts(struct hypercall *c)
{
	u64 counts[NESTED_COUNTS];
	u64 wanted = MIN(c->rcx, (u64)NESTED_COUNTS);

	if (!c->v->vm->nested)
		return -ENOTSUP;
	nested_read_counts(c->v->vm, counts);
	if (guest_write(c->v->vm->memory, l1_gpa(c->rbx), counts, wanted * sizeof(u64)))
		return -EFAULT;
	c->rbx = NESTED_COUNTS;
	return 0;
}

static s64 call_capabilities(struct hypercall *c)
{
	const struct vm *vm = c->v->vm;

	c->rbx = (vm->config->test_calls ? NESTOR_CAP_TEST_CALLS : 0) |
		 (vm->nested ? NESTOR_CAP_NESTED : 0) |
		 (vm->apicv != APICV_NONE ? NESTOR_CAP_TPR_SHADOW : 0) |
		 (vm->apicv == APICV_FULL ? NESTOR_CAP_APIC_VIRTUAL : 0);
	return 0;
}

static s64 call_recorder(struct hypercall *c)
{
	recorder_dump(this_cpu(), (u32)MIN(c->rbx, EXIT_RECORDS));
	return 0;
}

static s64 call_kick_delay(struct hypercall *c)
{
	if (!c->v->vm->config->test_calls)
		return -EPERM;
	if (c->rbx > KICK_DELAY_MAX)
		return -EINVAL;
	__atomic_store_n(&c->v->vm->kick_delay, (u32)c->rbx, __ATOMIC_RELAXED);
	return 0;
}

/* In its guest, as far as anybody can see, and never out of it: NMIs come, and are forgotten. */
static s64 call_deaf(struct hypercall *c)
{
	if (!c->v->vm->config->test_calls)
		return -EPERM;
	__atomic_store_n(&c->v->in_guest, 1, __ATOMIC_SEQ_CST);
	halt_forever();
}

static const call_handler hypercalls[] = {
	[NESTOR_CALL_CONSOLE] = call_console,
	[NESTOR_CALL_TEST_RESULT] = call_test_result,
	[NESTOR_CALL_STOP] = call_stop,
	[NESTOR_CALL_COUNTERS] = call_counters,
	[NESTOR_CALL_EXIT_COUNTS] = call_exit_counts,
	[NESTOR_CALL_EXITS_OF_L2] = call_exits_of_l2,
	[NESTOR_CALL_NESTED_COUNTS] = call_nested_counts,
	[NESTOR_CALL_CAPABILITIES] = call_capabilities,
	[NESTOR_CALL_RECORDER] = call_recorder,
	[NESTOR_CALL_REGION_ADD] = call_region_add,
	[NESTOR_CALL_REGION_DELETE] = call_region_delete,
	[NESTOR_CALL_REGION_MOVE] = call_region_move,
	[NESTOR_CALL_PAGES_MIGRATE] = call_pages_migrate,
	[NESTOR_CALL_BALLOON_OUT] = call_balloon_out,
	[NESTOR_CALL_BALLOON_IN] = call_balloon_in,
	[NESTOR_CALL_PAGE_POISON] = call_page_poison,
	[NESTOR_CALL_REGION_FIND] = call_region_find,
	[NESTOR_CALL_REGION_FLAGS] = call_region_flags,
	[NESTOR_CALL_DIRTY_LOG] = call_dirty_log,
	[NESTOR_CALL_KICK_DELAY] = call_kick_delay,
	[NESTOR_CALL_DEAF] = call_deaf,
	[NESTOR_CALL_CACHES] = call_caches,
	[NESTOR_CALL_INVALIDATE] = call_invalidate,
};

static bool is_known(u64 number)
{
	return number < ARRAY_SIZE(hypercalls) && hypercalls[number];
}

/* The call whose number is in RAX. RDX's part is played by the register `third`. */
static void make_call(struct vcpu *v, enum gpr third)
{
	struct hypercall c = { v, v->regs[GPR_RBX], v->regs[GPR_RCX], v->regs[third] };
	u64 number = v->regs[GPR_RAX];

	counter_inc(CTR_HYPERCALLS);
	v->regs[GPR_RAX] = (u64)(is_known(number) ? hypercalls[number](&c) : -(s64)ENOTSUP);
	v->regs[GPR_RBX] = c.rbx;
}

enum exit_action exit_vmcall(struct vcpu *v)
{
	u64 number = v->regs[GPR_RAX];

	v->exit->detail = number;
	if (unlikely(!is_known(number) && nested_in_operation(v)))
		return nested_vmcall(v);
	if (segment_cpl()) {
		inject_exception(v, VECTOR_UD);
		return EXIT_RESUME;
	}
	make_call(v, GPR_RDX);
	return v->vm->stopping ? EXIT_STOP : EXIT_SKIP_INSN;
}

/* An L2 that L1 lets at the port is none of the programs that L1 trusts with calls. */
bool hypercall_by_port(struct vcpu *v)
{
	if (!v->vm->config->test_calls || vcpu_is_in_l2(v))
		return false;
	make_call(v, GPR_RSI);
	return true;
}
