/* SPDX-License-Identifier: MIT */
/* COM1 receives what is typed at the machine's serial line. Needs somebody who types: typed=. */
#include "hv/string.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/com1.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/pic.h"
#include "tests/guest/lib/runner.h"

#define COM1_VECTOR (PIC_VECTOR + PIC_IRQ_COM1)
#define TEXT_MAX    32u
#define PATIENCE    1000000000ULL /* ticks: somebody must see the prompt first */

static char got[TEXT_MAX];
static size_t got_bytes;

static void take(void)
{
	while (in8(COM1_LSR) & COM1_LSR_DATA) {
		char c = (char)in8(COM1_DATA);

		if (got_bytes < TEXT_MAX)
			got[got_bytes++] = c;
	}
}

static void take_at_interrupt(struct trap_frame *frame)
{
	(void)frame;
	take();
}

static void prompt(void)
{
	got_bytes = 0;
	out8(COM1_FCR, COM1_FCR_FIFO);
	print_line("guest: type now");
}

static void expect_text(const char *text, size_t length)
{
	EXPECT_EQ(got_bytes, length);
	EXPECT(memcmp(got, text, MIN(length, TEXT_MAX)) == 0);
}

MACHINE_TEST(uart, typed_text_comes_by_polling, NEED_COM1)
{
	/* Expect: all of it, in order, with the receiver's interrupt off. */
	size_t length;
	const char *text = runner_text("typed", &length);
	u64 start;

	if (!text)
		SKIP("nobody types: no typed= on the command line");
	prompt();
	start = rdtsc();
	while (got_bytes < length && rdtsc() - start < PATIENCE)
		take();
	expect_text(text, length);
}

MACHINE_TEST(uart, typed_text_comes_by_interrupts, NEED_COM1 | NEED_PIC)
{
	/* Expect: all of it, in order, taken by IRQ 4's handler only. */
	size_t length;
	const char *text = runner_text("typed", &length);
	u64 start;

	if (!text)
		SKIP("nobody types: no typed= on the command line");
	if (apic_is_present())
		apic_write(APIC_LVT_LINT0, APIC_LVT_EXTINT);
	pic_unmask(BIT(PIC_IRQ_COM1));
	irq_set(COM1_VECTOR, IRQ_ACK_PIC, take_at_interrupt);
	out8(COM1_MCR, in8(COM1_MCR) | COM1_MCR_OUT2);
	prompt();
	out8(COM1_IER, COM1_IER_DATA);
	start = rdtsc();
	while (got_bytes < length && rdtsc() - start < PATIENCE)
		irq_window();
	expect_text(text, length);
	EXPECT(irq_count(COM1_VECTOR) > 0);
}
