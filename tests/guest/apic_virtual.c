/* SPDX-License-Identifier: MIT */
/* What a CPU may do itself of a local APIC: priorities against everything pending, service in
 * depth, level and edge side by side; and, under Nestor, that it does so without exits. */
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/com1.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/ioapic.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/pic.h"
#include "tests/guest/lib/pit.h"

#define LOW            0x41u
#define MIDDLE         0x71u
#define HIGH           0xa1u
#define LEVEL          0x83u
#define FIRST_CLASS    3u
#define LAST_CLASS     12u
#define ROUNDS         100u
#define EXIT_REASON_CR 28u

/* Of two pending vectors, in the priority's class and above, only the higher comes in; the other
 * when the priority falls by one. Returns the first class where it does not, or 0. */
static u32 broken_class(void (*set_class)(u32 class))
{
	for (u32 class = FIRST_CLASS; class <= LAST_CLASS; class ++) {
		u8 held = (u8)(class << 4 | 0xf), free = (u8)((class + 1) << 4);
		u32 frees = irq_count(free);

		set_class(class);
		apic_self_ipi(held);
		apic_self_ipi(free);
		irq_window();
		irq_window();
		if (irq_count(free) != frees + 1 || irq_count(held) != 0)
			return class;
		if (!apic_vector_bit(APIC_IRR, held))
			return class;
		set_class(class - 1);
		irq_window();
		if (irq_count(held) != 1)
			return class;
	}
	return 0;
}

static void set_by_cr8(u32 class)
{
	write_cr8(class);
}

static void set_by_register(u32 class)
{
	apic_write(APIC_TPR, class << 4);
}

APIC_TEST(each_cr8_holds_its_class, 0)
{
	/* Expect: CR8 = c holds vectors of class c and lets c + 1 in, for each c. */
	EXPECT_EQ(broken_class(set_by_cr8), 0);
	write_cr8(0);
}

APIC_TEST(each_task_priority_holds_its_class, 0)
{
	/* Expect: the same through the TPR register. */
	EXPECT_EQ(broken_class(set_by_register), 0);
	apic_write(APIC_TPR, 0);
}

static u32 isr_after[3]; /* bit 0: LOW in service, bit 1: MIDDLE, bit 2: HIGH */

static u32 in_service(void)
{
	return apic_vector_bit(APIC_ISR, LOW) | (u32)apic_vector_bit(APIC_ISR, MIDDLE) << 1 |
	       (u32)apic_vector_bit(APIC_ISR, HIGH) << 2;
}

static void descend(struct trap_frame *frame)
{
	u32 depth = frame->vector == LOW ? 0 : 1;

	apic_self_ipi(depth ? HIGH : MIDDLE);
	irq_window();
	apic_eoi();
	isr_after[depth] = in_service();
}

static void at_the_bottom(struct trap_frame *frame)
{
	(void)frame;
	isr_after[2] = in_service();
	apic_eoi();
}

APIC_TEST(service_unwinds_in_order, 0)
{
	/* Expect: three nested interrupts are in service together; each EOI ends the highest. */
	irq_set(LOW, IRQ_ACK_NONE, descend);
	irq_set(MIDDLE, IRQ_ACK_NONE, descend);
	irq_set(HIGH, IRQ_ACK_NONE, at_the_bottom);
	apic_self_ipi(LOW);
	irq_window();
	EXPECT_EQ(isr_after[2], 7);
	EXPECT_EQ(isr_after[1], 1);
	EXPECT_EQ(isr_after[0], 0);
	EXPECT_EQ(irq_count(LOW) + irq_count(MIDDLE) + irq_count(HIGH), 3);
}

static bool remote_irr(void)
{
	return (ioapic_entry(IOAPIC_PIN_COM1) & IOAPIC_REMOTE_IRR) != 0;
}

static bool irr_before, irr_between, irr_after;

/* HIGH comes and ends within the level's handler. */
static void edge_within_level(struct trap_frame *frame)
{
	(void)frame;
	in8(COM1_IIR); /* the device is served */
	irr_before = remote_irr();
	apic_self_ipi(HIGH);
	irq_window();
	irr_between = remote_irr();
	apic_eoi();
	irr_after = remote_irr();
}

APIC_TEST(eoi_of_an_edge_is_not_the_levels, NEED_IOAPIC | NEED_COM1 | NEED_NOT_BOCHS)
{
	/* Expect: remote IRR outlasts the EOI of an edge that nested, and ends with the level's
	 * own. Bochs 2.7 has no remote IRR. */
	irr_before = irr_between = false;
	irr_after = true;
	irq_set(LEVEL, IRQ_ACK_NONE, edge_within_level);
	ioapic_set(IOAPIC_PIN_COM1, apic_id(), IOAPIC_LEVEL | LEVEL);
	com1_enable_thre();
	EXPECT(irq_wait(LEVEL, 1));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(LEVEL), 1);
	EXPECT_EQ(irq_count(HIGH), 1);
	EXPECT(irr_before);
	EXPECT(irr_between);
	EXPECT(!irr_after);
}

static void serve_com1(struct trap_frame *frame)
{
	(void)frame;
	in8(COM1_IIR);
}

APIC_TEST(a_vector_may_be_level_now_and_edge_then, NEED_IOAPIC | NEED_COM1 | NEED_NOT_BOCHS)
{
	/* Expect: the same vector by an IPI, by a level, and by an IPI again: remote IRR is clear
	 * after each, nothing comes twice. Bochs 2.7 has no remote IRR. */
	irq_set(LEVEL, IRQ_ACK_APIC, serve_com1);
	apic_self_ipi(LEVEL);
	EXPECT(irq_wait(LEVEL, 1));
	ioapic_set(IOAPIC_PIN_COM1, apic_id(), IOAPIC_LEVEL | LEVEL);
	com1_enable_thre();
	EXPECT(irq_wait(LEVEL, 2));
	EXPECT(!remote_irr());
	apic_self_ipi(LEVEL);
	EXPECT(irq_wait(LEVEL, 3));
	irq_listen(IRQ_QUIET);
	EXPECT(!remote_irr());
	EXPECT_EQ(irq_count(LEVEL), 3);
}

APIC_TEST(task_priority_does_not_hold_the_8259, NEED_PIC | NEED_PIT)
{
	/* Expect: with CR8 = 15 an interrupt by ExtINT comes in and the local APIC's waits; it
	 * comes when CR8 falls. */
	irq_set(PIC_VECTOR, IRQ_ACK_PIC, NULL);
	apic_write(APIC_LVT_LINT0, APIC_LVT_EXTINT);
	pic_unmask(BIT(PIC_IRQ_TIMER));
	write_cr8(15);
	apic_self_ipi(LOW);
	pit_program(0, PIT_MODE_0, (u16)(PIT_HZ / 1000));
	EXPECT(irq_wait_ticks(PIC_VECTOR, 1, 50 * pit_ticks_per_ms()));
	EXPECT_EQ(irq_count(LOW), 0);
	write_cr8(0);
	irq_window();
	EXPECT_EQ(irq_count(LOW), 1);
}

APIC_TEST(both_controllers_at_once, NEED_PIC | NEED_PIT)
{
	/* Expect: an ExtINT and a local interrupt that wait together for IF come one each. */
	u64 wait = 5 * pit_ticks_per_ms(), start;

	irq_set(PIC_VECTOR, IRQ_ACK_PIC, NULL);
	apic_write(APIC_LVT_LINT0, APIC_LVT_EXTINT);
	pic_unmask(BIT(PIC_IRQ_TIMER));
	apic_self_ipi(HIGH);
	pit_program(0, PIT_MODE_0, (u16)(PIT_HZ / 1000));
	start = rdtsc();
	while (rdtsc() - start < wait)
		cpu_pause();
	EXPECT_EQ(irq_count(HIGH) + irq_count(PIC_VECTOR), 0);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(HIGH), 1);
	EXPECT_EQ(irq_count(PIC_VECTOR), 1);
}

APIC_TEST(cr8_exits_only_without_a_shadow, 0)
{
	/* Expect: where Nestor says that the CPU keeps the priority, a hundred writes and reads of
	 * CR8 leave the count of their exits; else each is one. */
	u64 before, count, errors = 0;

	if (!nestor_is_present())
		SKIP("needs Nestor");
	before = nestor_exit_count(EXIT_REASON_CR);
	for (u32 i = 0; i < ROUNDS; i++) {
		write_cr8(i % 16);
		errors += read_cr8() != i % 16;
	}
	write_cr8(0);
	count = nestor_exit_count(EXIT_REASON_CR) - before;
	EXPECT_EQ(errors, 0);
	EXPECT_EQ(count, nestor_has(NESTOR_CAP_TPR_SHADOW) ? 0 : 2 * ROUNDS + 1);
}

APIC_TEST(self_ipi_and_eoi_exit_only_in_software, 0)
{
	/* Expect: where Nestor says that the CPU delivers interrupts, a hundred self-IPIs with
	 * their handlers take few exits (a timer's may come); else at least two each. */
	u64 before, count;

	if (!nestor_is_present())
		SKIP("needs Nestor");
	before = nestor_count(NESTOR_COUNTER_EXITS);
	for (u32 i = 0; i < ROUNDS; i++) {
		apic_self_ipi(LOW);
		irq_window();
	}
	count = nestor_count(NESTOR_COUNTER_EXITS) - before;
	EXPECT_EQ(irq_count(LOW), ROUNDS);
	if (nestor_has(NESTOR_CAP_APIC_VIRTUAL))
		EXPECT(count < ROUNDS / 10);
	else
		EXPECT(count >= 2ULL * ROUNDS);
}
