/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor in small: two L2s on two vCPUs. An L2 has the CPU for so many calls; in their midst
 * the CPU moves the memory of the other L2, which is running on the other CPU, and every second
 * time the L2s change places. Works with one vCPU as well, where nothing runs beside.
 */
#include "tests/guest/demo.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/ept12.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/runner.h"
#include "tests/guest/lib/smp.h"

#define CALLS_A_TURN   64u
#define TURNS_ON_A_CPU 2u
#define PIN_WANTED     PIN_EXT_INT_EXITING

enum { RAX, RCX, RDX, RBX, RDI = 7 };

struct demo_l2 demo_l2s[DEMO_L2S];

static const struct {
	const char *name;
	void (*code)(struct demo_job *job);
	u64 rounds; /* times rounds= */
} jobs[DEMO_L2S] = {
	{ "primes", demo_primes, 2 },
	{ "sort", demo_sort, 1 },
};

static u32 cpus, out; /* out: CPUs that need no answer any more */

static const char *lacks(void)
{
	const char *why = vmx_lacks();

	if (!why)
		why = ept12_lacks();
	if (!why && !(vmx_allows(CONTROL_SET_PIN, PIN_WANTED) &&
		      vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_ACK_INT)))
		why = "no external-interrupt exiting with acknowledgement";
	return why;
}

static void create(struct demo_l2 *guest, u32 number)
{
	memset(guest, 0, sizeof(*guest));
	guest->name = jobs[number].name;
	guest->cpu = number % cpus;
	demo_memory_create(guest, number);
	guest->job =
		(struct demo_job){ .memory = guest->window,
				   .rounds = jobs[number].rounds * runner_number("rounds", 1) };
	l2_create(&guest->l2, (void (*)(void))jobs[number].code, PIN_WANTED, CPU_SECONDARY);
	guest->l2.regs[RDI] = (u64)&guest->job;
	vmx_write(VMCS_CPU_CONTROLS2, CPU2_ENABLE_EPT);
	vmx_write(VMCS_EPT_POINTER, guest->eptp);
	vmx_change(VMCS_EXIT_CONTROLS, EXIT_CTL_ACK_INT, 0);
	vmx_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
	l2_clear(&guest->l2);
}

static void destroy(struct demo_l2 *guest)
{
	l2_destroy(&guest->l2);
	demo_memory_destroy(guest);
}

static u32 enter(struct demo_l2 *guest)
{
	u32 reason;

	demo_memory_serve();
	WRITE_ONCE(guest->inside, 1);
	reason = l2_enter(&guest->l2);
	WRITE_ONCE(guest->inside, 0);
	guest->exits[MIN(EXIT_REASON_BASIC(reason), DEMO_REASONS - 1)]++;
	return reason;
}

static void skip_insn(void)
{
	vmx_write(VMCS_GUEST_RIP, vmx_read(VMCS_GUEST_RIP) + vmx_read(VMCS_EXIT_INSN_LEN));
}

static void answer_cpuid(u64 *regs)
{
	struct cpuid_regs r = cpuid((u32)regs[RAX], (u32)regs[RCX]);

	regs[RAX] = r.eax;
	regs[RBX] = r.ebx;
	regs[RCX] = r.ecx;
	regs[RDX] = r.edx;
}

/* What L1 does about one exit of L2. */
static void handle(struct demo_l2 *guest, u32 reason)
{
	switch (reason) {
	case EXIT_VMCALL:
		skip_insn();
		return;
	case EXIT_CPUID:
		answer_cpuid(guest->l2.regs);
		skip_insn();
		return;
	case EXIT_EXTERNAL_INTERRUPT:
		apic_eoi();
		return;
	case EXIT_EPT_VIOLATION:
		if (demo_memory_fault(guest, vmx_read(VMCS_GUEST_PHYSICAL_ADDR)))
			return;
		break;
	default:
		break;
	}
	guest->strange = reason + 1ULL;
}

static bool has_finished(const struct demo_l2 *guest)
{
	return guest->job.finished || guest->strange;
}

static void move_unless_ended(struct demo_l2 *guest)
{
	if (!__atomic_load_n(&guest->ended, __ATOMIC_ACQUIRE))
		demo_memory_move(guest, cpus);
}

/* Half of it done, this L2 waits for the move of the other one's memory. */
static void turn(struct demo_l2 *guest, struct demo_l2 *other)
{
	u32 calls = 0;

	l2_arrive(&guest->l2);
	while (calls < CALLS_A_TURN && !has_finished(guest)) {
		u32 reason = enter(guest);

		handle(guest, reason);
		if (reason == EXIT_VMCALL && ++calls == CALLS_A_TURN / 2)
			move_unless_ended(other);
	}
	l2_clear(&guest->l2);
	guest->turns++;
}

/* The next L2 of this CPU, in turn; NULL: it has none now. */
static struct demo_l2 *choose(u32 *last)
{
	for (u32 i = 1; i <= DEMO_L2S; i++) {
		u32 number = (*last + i) % DEMO_L2S;
		struct demo_l2 *guest = &demo_l2s[number];

		if (__atomic_load_n(&guest->cpu, __ATOMIC_ACQUIRE) == cpu_index() &&
		    !guest->ended) {
			*last = number;
			return guest;
		}
	}
	return NULL;
}

static bool have_all_ended(void)
{
	bool have = true;

	for (u32 i = 0; i < DEMO_L2S; i++)
		have &= __atomic_load_n(&demo_l2s[i].ended, __ATOMIC_ACQUIRE);
	return have;
}

/* Its time on this CPU is over, or the other L2 has come here and waits: they change places. */
static bool is_to_leave(const struct demo_l2 *guest, const struct demo_l2 *other)
{
	bool is_other_here = __atomic_load_n(&other->cpu, __ATOMIC_ACQUIRE) == guest->cpu;

	return cpus > 1 && (is_other_here || guest->turns % TURNS_ON_A_CPU == 0);
}

/* After a turn. */
static void rearrange(struct demo_l2 *guest, const struct demo_l2 *other)
{
	if (has_finished(guest)) {
		__atomic_store_n(&guest->ended, 1, __ATOMIC_RELEASE);
	} else if (is_to_leave(guest, other)) {
		guest->switches++;
		__atomic_store_n(&guest->cpu, !guest->cpu, __ATOMIC_RELEASE);
	}
}

static void run_vcpu(void *unused)
{
	u32 last = 0;

	(void)unused;
	while (!have_all_ended()) {
		struct demo_l2 *guest = choose(&last);

		if (guest) {
			struct demo_l2 *other = &demo_l2s[guest == demo_l2s];

			turn(guest, other);
			rearrange(guest, other);
		} else {
			demo_memory_serve();
			cpu_pause();
		}
	}
	__atomic_add_fetch(&out, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&out, __ATOMIC_ACQUIRE) < cpus)
		demo_memory_serve();
}

static void on(void *unused)
{
	(void)unused;
	vmx_on();
}

static void off(void *unused)
{
	(void)unused;
	vmx_off();
}

/* On each vCPU, one after the other. */
static bool on_each(smp_job job)
{
	bool all = true;

	for (u32 cpu = 1; cpu < cpus; cpu++)
		all &= smp_run(cpu, job, NULL);
	job(NULL);
	return all;
}

static void expect_results(const struct demo_l2 *guest)
{
	EXPECT_EQ(guest->strange, 0);
	EXPECT_EQ(guest->job.done, guest->job.rounds);
	EXPECT_EQ(guest->job.wrong, 0);
	EXPECT(guest->moves > 0);
	EXPECT(guest->moves_while_inside > 0 || cpus == 1);
	EXPECT(guest->switches > 0 || cpus == 1);
}

MACHINE_TEST(demo, two_l2s_compute_while_their_memory_moves, NEED_APIC)
{
	/* Expect: each round of both L2s has the right result; both ran on both vCPUs, and had
	 * their memory moved while they ran. */
	const char *why = lacks();
	struct demo_books before, after;

	if (why)
		SKIP(why);
	cpus = MIN(smp_count(), DEMO_CPUS);
	out = 0;
	EXPECT(on_each(on));
	for (u32 i = 0; i < DEMO_L2S; i++)
		create(&demo_l2s[i], i);
	demo_books_read(&before);
	if (cpus > 1)
		smp_start(1, run_vcpu, NULL);
	run_vcpu(NULL);
	EXPECT(cpus == 1 || smp_finish(1));
	demo_books_read(&after);
	for (u32 i = 0; i < DEMO_L2S; i++) {
		expect_results(&demo_l2s[i]);
		destroy(&demo_l2s[i]);
	}
	EXPECT(on_each(off));
	demo_report(&before, &after, cpus);
}
