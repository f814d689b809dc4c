/* SPDX-License-Identifier: MIT */
/* Fixed interrupts of a local APIC to itself: acceptance, priorities, service and its end. */
#include "hv/msr_index.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"

#define LOW  0x41u
#define HIGH 0x91u
#define MANY 1000u

static struct {
	u32 ppr, isr_low, isr_high, irr, seen;
	u64 rflags, frame_rflags;
} in_handler;

/* What the registers show while HIGH is in service. */
static void look(struct trap_frame *frame)
{
	in_handler.ppr = apic_read(APIC_PPR);
	in_handler.isr_low = apic_vector_bit(APIC_ISR, LOW);
	in_handler.isr_high = apic_vector_bit(APIC_ISR, HIGH);
	in_handler.irr = apic_vector_bit(APIC_IRR, (u8)frame->vector);
	in_handler.frame_rflags = frame->rflags;
	__asm__ volatile("pushfq; pop %0" : "=r"(in_handler.rflags));
}

APIC_TEST(self_ipi_arrives_once, 0)
{
	/* Expect: one interrupt, at its vector. */
	apic_self_ipi(LOW);
	EXPECT(irq_wait(LOW, 1));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(LOW), 1);
	EXPECT_EQ(irq_order(0), LOW);
	EXPECT_EQ(irq_order(1), 0);
}

APIC_TEST(self_ipi_waits_for_the_interrupt_flag, 0)
{
	/* Expect: with IF = 0 it stands in IRR; with IF = 1 it is taken, and IRR is clear. */
	apic_self_ipi(LOW);
	EXPECT(apic_vector_bit(APIC_IRR, LOW));
	EXPECT(!apic_vector_bit(APIC_ISR, LOW));
	EXPECT_EQ(irq_count(LOW), 0);
	EXPECT(irq_wait(LOW, 1));
	EXPECT(apic_is_clear(APIC_IRR));
	EXPECT(apic_is_clear(APIC_ISR));
}

APIC_TEST(pending_vector_collapses, 0)
{
	/* Expect: the same vector three times before it is taken is one interrupt. */
	apic_self_ipi(LOW);
	apic_self_ipi(LOW);
	apic_self_ipi(LOW);
	EXPECT(irq_wait(LOW, 1));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(LOW), 1);
}

static void send_again(struct trap_frame *frame)
{
	if (irq_count(LOW) == 1)
		apic_self_ipi((u8)frame->vector);
}

APIC_TEST(vector_in_service_can_be_pending_again, 0)
{
	/* Expect: sent from its own handler, it is taken once more after the EOI. */
	irq_set(LOW, IRQ_ACK_APIC, send_again);
	apic_self_ipi(LOW);
	EXPECT(irq_wait(LOW, 2));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(LOW), 2);
}

APIC_TEST(handler_sees_service_and_priority, 0)
{
	/* Expect: in the handler the ISR bit is set, IRR's is clear, PPR is the vector's class, IF
	 * is 0, and was 1 outside. */
	irq_set(HIGH, IRQ_ACK_APIC, look);
	apic_self_ipi(HIGH);
	EXPECT(irq_wait(HIGH, 1));
	EXPECT_EQ(in_handler.isr_high, 1);
	EXPECT_EQ(in_handler.irr, 0);
	EXPECT_EQ(in_handler.ppr, HIGH & 0xf0);
	EXPECT_EQ(in_handler.rflags & RFLAGS_IF, 0);
	EXPECT_EQ(in_handler.frame_rflags & RFLAGS_IF, RFLAGS_IF);
	EXPECT_EQ(apic_read(APIC_PPR), 0);
}

APIC_TEST(higher_vector_is_taken_first, 0)
{
	/* Expect: of four pending vectors, the highest first, whatever the order of sending. */
	apic_self_ipi(0x55);
	apic_self_ipi(HIGH);
	apic_self_ipi(0x56);
	apic_self_ipi(LOW);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_order(0), HIGH);
	EXPECT_EQ(irq_order(1), 0x56);
	EXPECT_EQ(irq_order(2), 0x55);
	EXPECT_EQ(irq_order(3), LOW);
}

static void nest_high(struct trap_frame *frame)
{
	(void)frame;
	apic_self_ipi(HIGH);
	irq_window();
	in_handler.seen = irq_count(HIGH);
}

APIC_TEST(higher_class_nests, 0)
{
	/* Expect: HIGH interrupts LOW's handler as soon as that opens IF; both are in service then.
	 */
	in_handler.seen = 0;
	irq_set(LOW, IRQ_ACK_APIC, nest_high);
	irq_set(HIGH, IRQ_ACK_APIC, look);
	apic_self_ipi(LOW);
	EXPECT(irq_wait(LOW, 1));
	EXPECT_EQ(in_handler.seen, 1);
	EXPECT_EQ(in_handler.isr_low, 1);
	EXPECT_EQ(in_handler.isr_high, 1);
	EXPECT(apic_is_clear(APIC_ISR));
}

static void nest_low(struct trap_frame *frame)
{
	(void)frame;
	apic_self_ipi(LOW);
	irq_listen(IRQ_QUIET / 10);
	in_handler.seen = irq_count(LOW);
}

APIC_TEST(lower_class_waits_for_the_eoi, 0)
{
	/* Expect: LOW does not interrupt HIGH's handler; it follows after the EOI. */
	in_handler.seen = 1;
	irq_set(HIGH, IRQ_ACK_APIC, nest_low);
	apic_self_ipi(HIGH);
	EXPECT(irq_wait(HIGH, 1));
	EXPECT_EQ(in_handler.seen, 0);
	EXPECT(irq_wait(LOW, 1));
}

static void nest_same_class(struct trap_frame *frame)
{
	(void)frame;
	apic_self_ipi(LOW + 5);
	irq_listen(IRQ_QUIET / 10);
	in_handler.seen = irq_count(LOW + 5);
}

APIC_TEST(same_class_waits_for_the_eoi, 0)
{
	/* Expect: a higher vector of the same class waits too. (Bochs 2.7 hands out the spurious
	 * vector meanwhile, which counts for nothing here.) */
	in_handler.seen = 1;
	irq_set(LOW, IRQ_ACK_APIC, nest_same_class);
	apic_self_ipi(LOW);
	EXPECT(irq_wait(LOW, 1));
	EXPECT_EQ(in_handler.seen, 0);
	EXPECT(irq_wait(LOW + 5, 1));
	EXPECT_EQ(irq_count(LOW + 5), 1);
}

static void nest_and_end(struct trap_frame *frame)
{
	(void)frame;
	apic_self_ipi(HIGH);
	irq_window();
	/* HIGH came in and has not been ended. */
	apic_eoi();
	in_handler.isr_high = apic_vector_bit(APIC_ISR, HIGH);
	in_handler.isr_low = apic_vector_bit(APIC_ISR, LOW);
}

APIC_TEST(eoi_ends_the_highest_in_service, 0)
{
	/* Expect: with two in service the first EOI clears the higher bit, the second the lower. */
	irq_set(HIGH, IRQ_ACK_NONE, NULL);
	irq_set(LOW, IRQ_ACK_APIC, nest_and_end);
	in_handler.isr_high = 1;
	in_handler.isr_low = 0;
	apic_self_ipi(LOW);
	EXPECT(irq_wait(LOW, 1));
	EXPECT_EQ(irq_count(HIGH), 1);
	EXPECT_EQ(in_handler.isr_high, 0);
	EXPECT_EQ(in_handler.isr_low, 1);
	EXPECT(apic_is_clear(APIC_ISR));
}

APIC_TEST(missing_eoi_holds_the_class, 0)
{
	/* Expect: without the EOI the same and lower vectors wait, a higher class does not. */
	irq_set(HIGH, IRQ_ACK_NONE, NULL);
	apic_self_ipi(HIGH);
	EXPECT(irq_wait(HIGH, 1));
	apic_self_ipi(HIGH);
	apic_self_ipi(LOW);
	apic_self_ipi(0xd1);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(HIGH), 1);
	EXPECT_EQ(irq_count(LOW), 0);
	EXPECT_EQ(irq_count(0xd1), 1);
	apic_eoi();
	EXPECT(irq_wait(HIGH, 2));
	apic_eoi();
	EXPECT(irq_wait(LOW, 1));
}

APIC_TEST(task_priority_holds_its_class_and_below, 0)
{
	/* Expect: TPR 50h holds 5Fh and lets 60h through; TPR 4Fh lets 5Fh through. */
	apic_write(APIC_TPR, 0x50);
	apic_self_ipi(0x5f);
	apic_self_ipi(0x60);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(0x60), 1);
	EXPECT_EQ(irq_count(0x5f), 0);
	EXPECT(apic_vector_bit(APIC_IRR, 0x5f));
	apic_write(APIC_TPR, 0x4f);
	EXPECT(irq_wait(0x5f, 1));
	apic_write(APIC_TPR, 0);
}

APIC_TEST(cr8_holds_and_releases, 0)
{
	/* Expect: CR8 15 holds every vector; MOV to CR8 of 0 lets them in, highest first. */
	write_cr8(15);
	apic_self_ipi(LOW);
	apic_self_ipi(0xe1);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_order(0), 0);
	write_cr8(0);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_order(0), 0xe1);
	EXPECT_EQ(irq_order(1), LOW);
}

APIC_TEST(lowering_cr8_with_interrupts_on_delivers, 0)
{
	/* Expect: with IF = 1 the interrupt that CR8 held comes right after CR8 falls below it. */
	write_cr8(9);
	apic_self_ipi(0x85);
	__asm__ volatile("sti; nop; nop" ::: "memory");
	EXPECT_EQ(irq_count(0x85), 0);
	write_cr8(8);
	__asm__ volatile("nop; nop" ::: "memory");
	EXPECT_EQ(irq_count(0x85), 0);
	write_cr8(7);
	__asm__ volatile("nop; cli" ::: "memory");
	EXPECT_EQ(irq_count(0x85), 1);
	write_cr8(0);
}

APIC_TEST(raised_priority_does_not_lose_an_interrupt, 0)
{
	/* Expect: TPR raised over a pending vector holds it, at most one spurious interrupt comes
	 * instead and sets no ISR bit; it is delivered when TPR falls. */
	apic_self_ipi(LOW);
	apic_write(APIC_TPR, 0xf0);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(LOW), 0);
	EXPECT(irq_count(APIC_SPURIOUS) <= 1);
	EXPECT(apic_is_clear(APIC_ISR));
	apic_write(APIC_TPR, 0);
	EXPECT(irq_wait(LOW, 1));
	EXPECT_EQ(irq_count(LOW), 1);
}

APIC_TEST(every_vector_arrives, 0)
{
	/* Expect: each vector from 20h to EFh, sent alone, arrives once and nothing else does. */
	u32 vectors = 0;

	for (u32 vector = IRQ_FIRST; vector <= IRQ_LAST; vector++) {
		apic_self_ipi((u8)vector);
		irq_window();
	}
	irq_listen(IRQ_QUIET);
	for (u32 vector = IRQ_FIRST; vector <= IRQ_LAST; vector++)
		vectors += irq_count((u8)vector) == 1;
	EXPECT_EQ(vectors, IRQ_LAST - IRQ_FIRST + 1);
	EXPECT_EQ(irq_count(APIC_SPURIOUS), 0);
}

APIC_TEST(all_vectors_pend_together, 0)
{
	/* Expect: sent with IF = 0, all of them stand in IRR and then come, one each. */
	u32 vectors = 0;

	for (u32 vector = IRQ_FIRST; vector <= IRQ_LAST; vector++)
		apic_self_ipi((u8)vector);
	EXPECT_EQ(apic_read(APIC_IRR + 16), 0xffffffff);
	irq_wait(IRQ_FIRST, 1);
	for (u32 vector = IRQ_FIRST; vector <= IRQ_LAST; vector++)
		vectors += irq_count((u8)vector) == 1;
	EXPECT_EQ(vectors, IRQ_LAST - IRQ_FIRST + 1);
	EXPECT_EQ(irq_order(0), IRQ_LAST);
	EXPECT_EQ(irq_order(1), IRQ_LAST - 1);
}

APIC_TEST(many_self_ipis_are_all_counted, 0)
{
	/* Expect: a thousand, each awaited, make a thousand interrupts. */
	for (u32 i = 1; i <= MANY; i++) {
		apic_self_ipi(LOW);
		if (!irq_wait(LOW, i))
			break;
	}
	EXPECT_EQ(irq_count(LOW), MANY);
}

APIC_TEST(edge_interrupts_leave_tmr_clear, 0)
{
	/* Expect: after an edge-triggered interrupt its TMR bit is 0. */
	apic_self_ipi(LOW);
	EXPECT(irq_wait(LOW, 1));
	EXPECT(!apic_vector_bit(APIC_TMR, LOW));
}
