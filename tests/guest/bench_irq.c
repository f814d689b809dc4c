/* SPDX-License-Identifier: MIT */
/* What an interrupt costs: from the instruction that raises it to the end of its handler. */
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/bench.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/smp.h"

#define VECTOR 0x61u
#define PING   0x62u
#define PONG   0x63u

static bool stop, lost;

static const char *prepare(u32 needs)
{
	const char *why = machine_lacks(needs);

	if (why)
		return why;
	lost = false;
	irq_begin();
	machine_quiet();
	if ((needs & NEED_X2APIC) && !apic_is_x2apic() && !smp_enter_x2apic())
		return "a CPU did not take x2APIC mode";
	return NULL;
}

static const char *finish(void)
{
	machine_quiet();
	irq_end();
	return lost ? "an interrupt did not come" : NULL;
}

/* After one that did not come, none is waited for. */
static void expect_irq(u8 vector, u32 count)
{
	if (!lost)
		lost = !irq_wait(vector, count);
}

/* A self-IPI in x2APIC mode, the library's handler, its EOI. */
static void self_ipi(u64 iterations)
{
	u32 count = irq_count(VECTOR);

	while (iterations--) {
		wrmsr(MSR_X2APIC_FIRST + APIC_SELF_IPI / 16, VECTOR);
		expect_irq(VECTOR, ++count);
	}
}

static const char *prepare_self_ipi(void)
{
	return prepare(NEED_X2APIC);
}

static const struct bench_frame self_ipi_frame = { prepare_self_ipi, finish };
BENCH_FUNCTION(self_ipi_eoi, 500, self_ipi, &self_ipi_frame);

/* A deadline that is past: the shortest way from a timer to its handler. */
static void timer(u64 iterations)
{
	u32 count = irq_count(VECTOR);

	while (iterations--) {
		wrmsr(MSR_IA32_TSC_DEADLINE, 1);
		expect_irq(VECTOR, ++count);
	}
}

static const char *prepare_timer(void)
{
	const char *why = prepare(NEED_X2APIC | NEED_DEADLINE);

	if (!why)
		apic_write(APIC_LVT_TIMER, APIC_TIMER_TSC | VECTOR);
	return why;
}

static const struct bench_frame timer_frame = { prepare_timer, finish };
BENCH_FUNCTION(timer_latency, 500, timer, &timer_frame);

/* To CPU 1, which runs with interrupts on, and back: two IPIs a turn. */
static void cross(u64 iterations)
{
	u32 count = irq_count(PONG);

	while (iterations--) {
		apic_send(smp_apic_id(1), APIC_ICR_ASSERT | PING);
		expect_irq(PONG, ++count);
	}
}

static void answer(struct trap_frame *frame)
{
	(void)frame;
	apic_send(smp_apic_id(0), APIC_ICR_ASSERT | PONG);
}

static void listen(void *unused)
{
	(void)unused;
	while (!READ_ONCE(stop))
		irq_window();
}

static const char *prepare_cross(void)
{
	const char *why = prepare(NEED_X2APIC | NEED_CPUS_2);

	if (why)
		return why;
	irq_set(PING, IRQ_ACK_APIC, answer);
	stop = false;
	smp_start(1, listen, NULL);
	return NULL;
}

static const char *finish_cross(void)
{
	WRITE_ONCE(stop, true);
	lost |= !smp_finish(1);
	return finish();
}

static const struct bench_frame cross_frame = { prepare_cross, finish_cross };
BENCH_FUNCTION(ipi_cross, 500, cross, &cross_frame);
