/* SPDX-License-Identifier: MIT */
/* Device interrupts through the I/O APIC: edges, levels, masks and destinations. */
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/com1.h"
#include "tests/guest/lib/ioapic.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/pit.h"
#include "tests/guest/lib/rtc.h"
#include "tests/guest/lib/smp.h"

#define VECTOR 0x83u
#define KHZ    ((u16)(PIT_HZ / 1000))

static u32 tmr_in_handler, remote_irr_in_handler;

static u64 ms(u64 count)
{
	return count * pit_ticks_per_ms();
}

static void look_com1(struct trap_frame *frame)
{
	(void)frame;
	tmr_in_handler = apic_vector_bit(APIC_TMR, VECTOR);
	remote_irr_in_handler = (ioapic_entry(IOAPIC_PIN_COM1) & IOAPIC_REMOTE_IRR) != 0;
	/* The first time the line is left high. */
	if (irq_count(VECTOR) >= 3)
		in8(COM1_IIR);
}

static void read_iir(struct trap_frame *frame)
{
	(void)frame;
	tmr_in_handler = apic_vector_bit(APIC_TMR, VECTOR);
	in8(COM1_IIR);
}

static void read_c(struct trap_frame *frame)
{
	(void)frame;
	tmr_in_handler = apic_vector_bit(APIC_TMR, VECTOR);
	rtc_read(RTC_C);
}

MACHINE_TEST(irq, ioapic_version_and_pins, NEED_IOAPIC)
{
	/* Expect: at least the 16 pins of ISA, all of them masked in a quiet machine. */
	EXPECT(ioapic_pins() >= 16);
	EXPECT(ioapic_pins() <= 240);
	for (u32 pin = 0; pin < ioapic_pins(); pin++)
		EXPECT(ioapic_entry(pin) & IOAPIC_MASKED);
}

MACHINE_TEST(irq, ioapic_entries_read_back, NEED_IOAPIC)
{
	/* Expect: vector, modes, mask and destination are kept; delivery status and remote IRR
	 * cannot be written. */
	u64 bits = IOAPIC_MASKED | IOAPIC_LOGICAL | 0x5a, read_only;

	ioapic_set(IOAPIC_PIN_COM1, 0x0c, bits);
	EXPECT_EQ(ioapic_entry(IOAPIC_PIN_COM1), 0x0cULL << 56 | bits);
	bits = IOAPIC_MASKED | IOAPIC_LEVEL | IOAPIC_NMI | 0xa5;
	read_only = IOAPIC_PENDING | IOAPIC_REMOTE_IRR;
	ioapic_set(IOAPIC_PIN_COM1, 0x03, bits | read_only);
	EXPECT_EQ(ioapic_entry(IOAPIC_PIN_COM1), 0x03ULL << 56 | bits);
}

MACHINE_TEST(irq, ioapic_version_is_read_only, NEED_IOAPIC)
{
	/* Expect: a write of the version register changes nothing. */
	u32 version = ioapic_read(IOAPIC_VERSION);

	ioapic_write(IOAPIC_VERSION, ~version);
	EXPECT_EQ(ioapic_read(IOAPIC_VERSION), version);
}

MACHINE_TEST(irq, pit_through_ioapic, NEED_IOAPIC | NEED_PIT)
{
	/* Expect: channel 0 at 1 kHz on pin 2: ten interrupts in about ten milliseconds. */
	u64 start;

	ioapic_set(IOAPIC_PIN_TIMER, apic_id(), VECTOR);
	pit_program(0, PIT_MODE_2, KHZ);
	EXPECT(irq_wait_ticks(VECTOR, 1, ms(50)));
	start = rdtsc();
	EXPECT(irq_wait_ticks(VECTOR, 11, ms(100)));
	EXPECT(rdtsc() - start > ms(8));
	EXPECT(rdtsc() - start < ms(20));
}

MACHINE_TEST(irq, ioapic_mask_stops_the_pit, NEED_IOAPIC | NEED_PIT)
{
	/* Expect: nothing while the entry is masked; interrupts again when it is not. */
	u32 before;

	ioapic_set(IOAPIC_PIN_TIMER, apic_id(), VECTOR);
	pit_program(0, PIT_MODE_2, KHZ);
	EXPECT(irq_wait_ticks(VECTOR, 1, ms(50)));
	ioapic_set(IOAPIC_PIN_TIMER, apic_id(), IOAPIC_MASKED | VECTOR);
	irq_window();
	before = irq_count(VECTOR);
	irq_listen(ms(4));
	EXPECT_EQ(irq_count(VECTOR), before);
	ioapic_set(IOAPIC_PIN_TIMER, apic_id(), VECTOR);
	EXPECT(irq_wait_ticks(VECTOR, before + 1, ms(50)));
}

MACHINE_TEST(irq, ioapic_to_another_cpu, NEED_IOAPIC | NEED_PIT | NEED_CPUS_2)
{
	/* Expect: the destination takes it, this CPU does not. */
	u64 start = rdtsc();

	ioapic_set(IOAPIC_PIN_TIMER, smp_apic_id(1), VECTOR);
	pit_program(0, PIT_MODE_2, KHZ);
	while (irq_count_on(1, VECTOR) < 3 && rdtsc() - start < ms(50))
		irq_window();
	EXPECT(irq_count_on(1, VECTOR) >= 3);
	EXPECT_EQ(irq_count(VECTOR), 0);
}

MACHINE_TEST(irq, ioapic_nmi_ignores_the_interrupt_flag, NEED_IOAPIC | NEED_PIT)
{
	/* Expect: an entry of delivery mode NMI makes the PIT an NMI, with IF = 0. */
	u64 start = rdtsc();

	ioapic_set(IOAPIC_PIN_TIMER, apic_id(), IOAPIC_NMI);
	pit_program(0, PIT_MODE_0, KHZ);
	while (!irq_count(VECTOR_NMI) && rdtsc() - start < ms(50))
		cpu_pause();
	EXPECT_EQ(irq_count(VECTOR_NMI), 1);
}

MACHINE_TEST(irq, clock_through_ioapic, NEED_IOAPIC | NEED_RTC | NEED_PIT)
{
	/* Expect: the clock's periodic interrupt repeats on pin 8, as an edge: TMR is clear. */
	tmr_in_handler = 1;
	irq_set(VECTOR, IRQ_ACK_APIC, read_c);
	ioapic_set(IOAPIC_PIN_RTC, apic_id(), VECTOR);
	rtc_write(RTC_A, RTC_A_1024_HZ);
	rtc_write(RTC_B, rtc_read(RTC_B) | RTC_B_PERIODIC);
	rtc_read(RTC_C);
	EXPECT(irq_wait_ticks(VECTOR, 5, ms(50)));
	EXPECT_EQ(tmr_in_handler, 0);
}

MACHINE_TEST(irq, uart_through_ioapic, NEED_IOAPIC | NEED_COM1)
{
	/* Expect: the transmitter's interrupt arrives once by pin 4. */
	irq_set(VECTOR, IRQ_ACK_APIC, read_iir);
	ioapic_set(IOAPIC_PIN_COM1, apic_id(), VECTOR);
	com1_enable_thre();
	EXPECT(irq_wait(VECTOR, 1));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(VECTOR), 1);
}

MACHINE_TEST(irq, level_sets_tmr, NEED_IOAPIC | NEED_COM1)
{
	/* Expect: in the handler of a level-triggered interrupt its TMR bit is 1. The handler
	 * silences the device, so it comes once. */
	tmr_in_handler = 0;
	irq_set(VECTOR, IRQ_ACK_APIC, read_iir);
	ioapic_set(IOAPIC_PIN_COM1, apic_id(), IOAPIC_LEVEL | VECTOR);
	com1_enable_thre();
	EXPECT(irq_wait(VECTOR, 1));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(tmr_in_handler, 1);
	EXPECT_EQ(irq_count(VECTOR), 1);
}

MACHINE_TEST(irq, level_repeats_until_the_device_is_served,
	     NEED_IOAPIC | NEED_COM1 | NEED_NOT_BOCHS)
{
	/* Expect: while the line is high each EOI brings the interrupt again; remote IRR is set in
	 * the handler, and clear at the end. Bochs 2.7 has no remote IRR. */
	irq_set(VECTOR, IRQ_ACK_APIC, look_com1);
	ioapic_set(IOAPIC_PIN_COM1, apic_id(), IOAPIC_LEVEL | VECTOR);
	com1_enable_thre();
	EXPECT(irq_wait(VECTOR, 3));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(VECTOR), 3);
	EXPECT_EQ(remote_irr_in_handler, 1);
	EXPECT_EQ(ioapic_entry(IOAPIC_PIN_COM1) & IOAPIC_REMOTE_IRR, 0);
}
