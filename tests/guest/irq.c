/* SPDX-License-Identifier: MIT */
/* Device interrupts through the 8259 pair, with the PIT, the clock and COM1 as sources. */
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/com1.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/pic.h"
#include "tests/guest/lib/pit.h"
#include "tests/guest/lib/rtc.h"

#define TIMER    (PIC_VECTOR + PIC_IRQ_TIMER)
#define COM1     (PIC_VECTOR + PIC_IRQ_COM1)
#define RTC      (PIC_VECTOR + PIC_IRQ_RTC)
#define SPURIOUS (PIC_VECTOR + 7)
#define KHZ      ((u16)(PIT_HZ / 1000))

static u16 seen_isr, seen_irr;

/* IRQs acknowledged as 8259s want it; the local APIC, where there is one, passes INTR on. */
static void open_line(u16 irqs)
{
	for (u32 irq = 0; irq < 16; irq++)
		irq_set((u8)(PIC_VECTOR + irq), IRQ_ACK_PIC, NULL);
	if (apic_is_present())
		apic_write(APIC_LVT_LINT0, APIC_LVT_EXTINT);
	pic_unmask(irqs);
}

static u64 ms(u64 count)
{
	return count * pit_ticks_per_ms();
}

static void look(struct trap_frame *frame)
{
	(void)frame;
	seen_isr = pic_in_service();
	seen_irr = pic_requested();
}

static void read_c(struct trap_frame *frame)
{
	(void)frame;
	rtc_read(RTC_C);
}

static void start_rtc(void)
{
	rtc_write(RTC_A, RTC_A_1024_HZ);
	rtc_write(RTC_B, rtc_read(RTC_B) | RTC_B_PERIODIC);
	rtc_read(RTC_C);
}

MACHINE_TEST(irq, pic_masks_read_back, NEED_PIC)
{
	/* Expect: both mask registers keep any value. */
	for (u32 value = 0; value < 256; value += 51) {
		out8(PIC_SLAVE + 1, (u8)value);
		out8(PIC_MASTER + 1, (u8)~value);
		EXPECT_EQ(in8(PIC_SLAVE + 1), value);
		EXPECT_EQ(in8(PIC_MASTER + 1), (u8)~value);
	}
}

MACHINE_TEST(irq, pit_through_8259, NEED_PIC | NEED_PIT)
{
	/* Expect: channel 0 at 1 kHz: ten interrupts in about ten milliseconds, with EOIs. */
	u64 start;

	open_line(BIT(PIC_IRQ_TIMER));
	pit_program(0, PIT_MODE_2, KHZ);
	EXPECT(irq_wait_ticks(TIMER, 1, ms(50)));
	start = rdtsc();
	EXPECT(irq_wait_ticks(TIMER, 11, ms(100)));
	EXPECT(rdtsc() - start > ms(8));
	EXPECT(rdtsc() - start < ms(20));
	EXPECT_EQ(pic_in_service(), 0);
}

MACHINE_TEST(irq, pit_one_shot_through_8259, NEED_PIC | NEED_PIT)
{
	/* Expect: mode 0 raises its line once. */
	open_line(BIT(PIC_IRQ_TIMER));
	pit_program(0, PIT_MODE_0, KHZ);
	EXPECT(irq_wait_ticks(TIMER, 1, ms(50)));
	irq_listen(ms(3));
	EXPECT_EQ(irq_count(TIMER), 1);
}

MACHINE_TEST(irq, pit_square_wave_through_8259, NEED_PIC | NEED_PIT)
{
	/* Expect: mode 3 interrupts once a period. */
	u64 start;

	open_line(BIT(PIC_IRQ_TIMER));
	pit_program(0, PIT_MODE_3, KHZ);
	EXPECT(irq_wait_ticks(TIMER, 1, ms(50)));
	start = rdtsc();
	EXPECT(irq_wait_ticks(TIMER, 6, ms(100)));
	EXPECT(rdtsc() - start > ms(4));
	EXPECT(rdtsc() - start < ms(10));
}

MACHINE_TEST(irq, masked_line_waits_in_irr, NEED_PIC | NEED_PIT)
{
	/* Expect: an edge on a masked line is kept in IRR, and comes in when the mask is opened. */
	open_line(0);
	pit_program(0, PIT_MODE_0, KHZ);
	irq_listen(ms(3));
	EXPECT_EQ(irq_count(TIMER), 0);
	EXPECT(pic_requested() & BIT(PIC_IRQ_TIMER));
	pic_unmask(BIT(PIC_IRQ_TIMER));
	EXPECT(irq_wait_ticks(TIMER, 1, ms(10)));
	irq_listen(ms(2));
	EXPECT_EQ(irq_count(TIMER), 1);
}

MACHINE_TEST(irq, missing_eoi_holds_the_line, NEED_PIC | NEED_PIT)
{
	/* Expect: without an EOI the periodic interrupt comes once; a specific EOI frees it. */
	open_line(BIT(PIC_IRQ_TIMER));
	irq_set(TIMER, IRQ_ACK_NONE, NULL);
	pit_program(0, PIT_MODE_2, KHZ);
	EXPECT(irq_wait_ticks(TIMER, 1, ms(50)));
	irq_listen(ms(4));
	EXPECT_EQ(irq_count(TIMER), 1);
	EXPECT(pic_in_service() & BIT(PIC_IRQ_TIMER));
	out8(PIC_MASTER, 0x60 | PIC_IRQ_TIMER);
	EXPECT_EQ(pic_in_service(), 0);
	EXPECT(irq_wait_ticks(TIMER, 2, ms(10)));
}

MACHINE_TEST(irq, automatic_eoi_leaves_nothing_in_service, NEED_PIC | NEED_PIT)
{
	/* Expect: in automatic EOI mode interrupts go on without any, and ISR is 0 in the handler.
	 */
	pic_init(PIC_AUTO_EOI);
	open_line(BIT(PIC_IRQ_TIMER));
	irq_set(TIMER, IRQ_ACK_NONE, look);
	seen_isr = 0xffff;
	pit_program(0, PIT_MODE_2, KHZ);
	EXPECT(irq_wait_ticks(TIMER, 3, ms(50)));
	EXPECT_EQ(seen_isr, 0);
}

MACHINE_TEST(irq, handler_sees_service, NEED_PIC | NEED_PIT)
{
	/* Expect: in the handler ISR shows the line, IRR does not. */
	open_line(BIT(PIC_IRQ_TIMER));
	irq_set(TIMER, IRQ_ACK_PIC, look);
	pit_program(0, PIT_MODE_0, KHZ);
	EXPECT(irq_wait_ticks(TIMER, 1, ms(50)));
	EXPECT_EQ(seen_isr, BIT(PIC_IRQ_TIMER));
	EXPECT_EQ(seen_irr & BIT(PIC_IRQ_TIMER), 0);
}

MACHINE_TEST(irq, clock_through_the_slave, NEED_PIC | NEED_PIT | NEED_RTC)
{
	/* Expect: IRQ 8 arrives at the slave's first vector, repeats once register C was read, and
	 * is in service in both 8259s meanwhile. */
	open_line(BIT(PIC_IRQ_RTC));
	irq_set(RTC, IRQ_ACK_PIC, look);
	start_rtc();
	EXPECT(irq_wait_ticks(RTC, 1, ms(20)));
	EXPECT_EQ(seen_isr, BIT(PIC_IRQ_RTC) | BIT(PIC_IRQ_CASCADE));
	irq_listen(ms(3));
	EXPECT_EQ(irq_count(RTC), 1); /* the line is still high: no edge */
	irq_set(RTC, IRQ_ACK_PIC, read_c);
	rtc_read(RTC_C);
	EXPECT(irq_wait_ticks(RTC, 5, ms(50)));
}

MACHINE_TEST(irq, lower_number_goes_first, NEED_PIC | NEED_PIT | NEED_RTC)
{
	/* Expect: with IRQ 0 and IRQ 8 both waiting, IRQ 0 is taken first. Both wait behind the
	 * masks: Bochs 2.7 settles which one INTR stands for when it raises it. */
	u16 both = BIT(PIC_IRQ_TIMER) | BIT(PIC_IRQ_RTC);
	u64 start = rdtsc();

	open_line(0);
	irq_set(RTC, IRQ_ACK_PIC, read_c);
	start_rtc();
	pit_program(0, PIT_MODE_0, KHZ);
	while ((pic_requested() & both) != both && rdtsc() - start < ms(50))
		cpu_pause();
	EXPECT_EQ(pic_requested() & both, both);
	/* The clock stays on: without its enable bit its line falls, and the request with it. */
	pic_unmask(both);
	irq_window();
	irq_window();
	rtc_write(RTC_B, rtc_read(RTC_B) & (u8)~RTC_B_PERIODIC);
	EXPECT_EQ(irq_order(0), TIMER);
	EXPECT_EQ(irq_order(1), RTC);
}

MACHINE_TEST(irq, uart_transmitter_empty, NEED_PIC | NEED_COM1)
{
	/* Expect: enabling the interrupt while the transmitter is empty raises it; IIR names the
	 * cause once; a byte sent raises it again. */
	open_line(BIT(PIC_IRQ_COM1));
	com1_enable_thre();
	EXPECT(irq_wait(COM1, 1));
	EXPECT_EQ(in8(COM1_IIR) & COM1_IIR_CAUSE, COM1_IIR_THRE);
	EXPECT_EQ(in8(COM1_IIR) & COM1_IIR_CAUSE, COM1_IIR_NONE);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(COM1), 1);
	out8(COM1_DATA, '\n');
	EXPECT(irq_wait(COM1, 2));
}

MACHINE_TEST(irq, uart_is_silent_without_out2, NEED_PIC | NEED_COM1)
{
	/* Expect: with MCR's OUT2 clear the interrupt does not reach the 8259. */
	open_line(BIT(PIC_IRQ_COM1));
	out8(COM1_MCR, in8(COM1_MCR) & (u8)~COM1_MCR_OUT2);
	out8(COM1_IER, COM1_IER_THRE);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(COM1), 0);
}

static u16 isr_at_spurious;

static void spurious(struct trap_frame *frame)
{
	(void)frame;
	isr_at_spurious = pic_in_service();
}

MACHINE_TEST(irq, withdrawn_request_is_spurious, NEED_PIC | NEED_COM1)
{
	/* Expect: a request that is gone before the CPU takes it comes as itself, as IRQ 7 with ISR
	 * bit 7 clear, or not at all (8259A data sheet, "Edge and Level Triggered Modes"). */
	open_line(BIT(PIC_IRQ_COM1));
	irq_set(SPURIOUS, IRQ_ACK_NONE, spurious);
	isr_at_spurious = 0;
	com1_enable_thre();
	in8(COM1_IIR);
	irq_listen(IRQ_QUIET);
	EXPECT(irq_count(COM1) + irq_count(SPURIOUS) <= 1);
	EXPECT_EQ(isr_at_spurious & BIT(7), 0);
}

MACHINE_TEST(irq, masked_lint0_holds_the_8259, NEED_APIC | NEED_PIC | NEED_PIT | NEED_NOT_BOCHS)
{
	/* Expect: INTR passes the local APIC's LINT0 only while that is not masked. Bochs 2.7 has
	 * it wired to CPU 0. */
	open_line(BIT(PIC_IRQ_TIMER));
	apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED | APIC_LVT_EXTINT);
	pit_program(0, PIT_MODE_0, KHZ);
	irq_listen(ms(3));
	EXPECT_EQ(irq_count(TIMER), 0);
	apic_write(APIC_LVT_LINT0, APIC_LVT_EXTINT);
	EXPECT(irq_wait_ticks(TIMER, 1, ms(10)));
}

MACHINE_TEST(irq, extint_takes_no_local_eoi, NEED_APIC | NEED_PIC | NEED_PIT)
{
	/* Expect: an interrupt of the 8259 sets no bit in the local APIC's ISR, so others come in
	 * its handler's wake without an EOI there. */
	open_line(BIT(PIC_IRQ_TIMER));
	irq_set(TIMER, IRQ_ACK_NONE, NULL);
	pit_program(0, PIT_MODE_0, KHZ);
	EXPECT(irq_wait_ticks(TIMER, 1, ms(50)));
	EXPECT(apic_is_clear(APIC_ISR));
	apic_self_ipi(0x31);
	EXPECT(irq_wait(0x31, 1));
	pic_eoi(PIC_IRQ_TIMER);
}
