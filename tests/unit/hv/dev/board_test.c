/* SPDX-License-Identifier: MIT */
/* The wires of the board, its addresses, its deadlines. */
#include "unit.h"
#include "hv/dev/board.h"
#include "hv/dev/clock.h"
#include "hv/log.h"

#define HZ    50000000ULL
#define START (100 * HZ)

static struct board board;
static struct ioapic_message last;
static u32 messages, offs, resets;
static bool intr;

void log_write(const char *bytes, size_t count)
{
	(void)bytes;
	(void)count;
}

static void send(void *context, const struct ioapic_message *message)
{
	(void)context;
	last = *message;
	messages++;
}

static void set_intr(void *context, u32 line, bool level)
{
	(void)context;
	(void)line;
	intr = level;
}

static void power_off(void *context)
{
	(void)context;
	offs++;
}

static void reset(void *context)
{
	(void)context;
	resets++;
}

/* The console's line: a text that comes as fast as it is asked for. */
static const char *typed = "";

static size_t read_line(u8 *bytes, size_t room)
{
	size_t count = 0;

	while (count < room && *typed)
		bytes[count++] = (u8)*typed++;
	return count;
}

static u32 in(u16 port, u32 bytes)
{
	u32 count;
	const struct port_range *ranges = board_port_ranges(&board, &count);

	for (u32 i = 0; i < count; i++)
		if (port >= ranges[i].first && port <= ranges[i].last)
			return ranges[i].read(ranges[i].device, port, bytes);
	fail_msg("port %x is nobody's", port);
	return 0;
}

static void out(u16 port, u32 bytes, u32 value)
{
	u32 count;
	const struct port_range *ranges = board_port_ranges(&board, &count);

	for (u32 i = 0; i < count; i++) {
		if (port >= ranges[i].first && port <= ranges[i].last) {
			ranges[i].write(ranges[i].device, port, bytes, value);
			return;
		}
	}
	fail_msg("port %x is nobody's", port);
}

static void ioapic_write(u32 reg, u32 value)
{
	u32 count;
	const struct mmio_range *range = board_mmio_ranges(&board, &count);

	assert_int_equal(count, 2);
	assert_true(range->first.raw == 0xfec00000);
	range->write(range->device, 0, 4, reg);
	range->write(range->device, 0x10, 4, value);
}

static void start(void)
{
	static const u16 words[][2] = { { 0x20, 0x11 }, { 0x21, 0x20 }, { 0x21, 4 }, { 0x21, 1 },
					{ 0xa0, 0x11 }, { 0xa1, 0x28 }, { 0xa1, 2 }, { 0xa1, 1 } };
	const struct board_setup setup = { .tsc_hz = HZ,
					   .now = START,
					   .seconds = 1700000000,
					   .memory_below_4g = GIB,
					   .messages = { send, NULL },
					   .intr = { set_intr, NULL, 0 },
					   .actions = { power_off, reset, NULL },
					   .input = read_line };

	messages = offs = resets = 0;
	intr = false;
	board_init(&board, &setup);
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		out(words[i][0], 1, words[i][1]);
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic_write(0x10 + 2 * pin, 0x40 + pin);
}

UNIT(a_line_reaches_both_controllers)
{
	for (u32 irq = 0; irq < PIC_LINES; irq++) {
		if (irq == PIC_CASCADE || irq == BOARD_IRQ_SCI)
			continue;
		start();
		board_set_irq(&board, irq, true);
		assert_int_equal(messages, 1);
		assert_int_equal(last.vector, 0x40 + (irq == 0 ? 2 : irq));
		assert_true(intr);
		assert_true(board_intr(&board));
		assert_int_equal(board_acknowledge(&board), 0x20 + irq);
		assert_false(intr);
	}
}

UNIT(irq2_is_not_on_the_bus)
{
	start();
	board_set_irq(&board, 2, true);
	assert_int_equal(messages, 0);
	assert_false(intr);
}

UNIT(the_timer_comes_on_pin_2_and_irq0)
{
	u64 when;

	start();
	out(0x43, 1, 0x34);
	out(0x40, 1, 0x10);
	out(0x40, 1, 0x27); /* 10000 */
	messages = 0;
	board_acknowledge(&board);
	out(0x20, 1, 0x20);
	when = board_next_deadline(&board);
	assert_int_equal(when, clock_when(clock_ticks(START, HZ, PIT_HZ) + 10001, HZ, PIT_HZ));
	board_advance(&board, when - 1);
	assert_int_equal(messages, 0);
	board_advance(&board, when);
	assert_int_equal(messages, 1);
	assert_int_equal(last.vector, 0x42);
	assert_int_equal(board_acknowledge(&board), 0x20);
}

UNIT(the_rtc_comes_on_irq8)
{
	start();
	out(0x70, 1, 0x0b);
	out(0x71, 1, 0x12);
	assert_int_equal(board_next_deadline(&board),
			 clock_when(clock_ticks(START, HZ, RTC_HZ) + RTC_HZ, HZ, RTC_HZ));
	board_advance(&board, board_next_deadline(&board));
	assert_int_equal(last.vector, 0x48);
	assert_int_equal(board_acknowledge(&board), 0x28);
}

UNIT(com1_comes_on_irq4)
{
	start();
	out(0x3fc, 1, 0x08);
	out(0x3f9, 1, 0x01);
	typed = "x";
	board_advance(&board, board_next_deadline(&board));
	assert_int_equal(last.vector, 0x44);
	assert_int_equal(board_acknowledge(&board), 0x24);
	assert_int_equal(in(0x3f8, 1), 'x');
}

UNIT(the_sci_is_a_level_on_irq9)
{
	start();
	ioapic_write(0x10 + 2 * 9, 0x49 | 1 << 15);
	out(0x602, 2, 1);
	assert_true(board_next_deadline(&board) != CLOCK_NEVER);
	board_advance(&board, board_next_deadline(&board));
	assert_int_equal(messages, 1);
	assert_int_equal(last.vector, 0x49);
	assert_true(last.level);
	board_eoi(&board, 0x49);
	assert_int_equal(messages, 2);
	assert_int_equal(board_acknowledge(&board), 0x29);
	out(0xa0, 1, 0x20);
	out(0x20, 1, 0x20);
	assert_true(intr); /* it still stands */
	out(0x600, 2, 1);
	board_eoi(&board, 0x49);
	assert_int_equal(messages, 2);
	assert_false(intr);
}

UNIT(wide_accesses_reach_consecutive_ports)
{
	start();
	out(0x20, 2, 0xa50b); /* OCW3, then the mask */
	assert_int_equal(in(0x20, 2), 0xa500);
	assert_int_equal(in(0x20, 4), 0xffffa500);
	out(0x3fb, 2, 0x0103); /* LCR, MCR */
	assert_int_equal(in(0x3fb, 4), 0xb0600103);
	assert_int_equal(in(0x3ff, 4) >> 8, 0xffffff);
	assert_int_equal(in(0x43, 2), 0xffff);
	out(0x70, 2, 0x5a0f); /* index and data at once */
	assert_int_equal(in(0x71, 1), 0x5a);
}

UNIT(the_pm_timer_is_one_number_of_32_bits)
{
	start();
	board_advance(&board, START + 7 * HZ);
	assert_int_equal(in(0x608, 4), (u32)clock_ticks(START + 7 * HZ, HZ, PM_TIMER_HZ));
}

UNIT(the_well_known_word_switches_off)
{
	start();
	out(0x604, 2, 0x2000);
	assert_int_equal(offs, 1);
}

UNIT(the_reset_register_lies_in_pci_s_address_register)
{
	start();
	out(0xcf8, 4, 0x8000fe08); /* its second byte would reset */
	assert_int_equal(in(0xcf8, 4), 0x8000fe08);
	out(0xcf9, 1, 2);
	assert_int_equal(in(0xcf9, 1), 2);
	for (u16 port = 0xcf8; port < 0xcfc; port++) {
		if (port != 0xcf9)
			out(port, 1, 0xff);
		if (port != 0xcf8)
			out(port, 4, ~0u);
		out(port, 2, 0xffff);
		assert_int_equal(in(port, 2) & 0xffff, 0xffff);
		if (port != 0xcf9)
			assert_int_equal(in(port, 1) & 0xff, 0xff);
	}
	assert_int_equal(in(0xcf8, 4), 0x8000fe08);
	assert_int_equal(in(0xcf9, 1), 2);
	assert_int_equal(resets, 0);
	out(0xcf9, 1, 6);
	assert_int_equal(resets, 1);
}

UNIT(the_host_bridge_is_found_by_parts_of_the_data_register)
{
	start();
	out(0xcf8, 4, 0x80000008);
	assert_int_equal(in(0xcfe, 2) & 0xffff, 0x0600);
	assert_int_equal(in(0xcff, 1) & 0xff, 6);
	out(0xcfc, 4, 0);
	assert_int_equal(in(0xcfc, 4), 0x06000000);
	out(0xcf8, 4, 0x80000808);
	assert_int_equal(in(0xcfe, 2) & 0xffff, 0xffff);
}

UNIT(the_edge_level_register_has_the_sci)
{
	start();
	assert_int_equal(in(0x4d0, 2), 0x0200);
}

UNIT(ranges_do_not_overlap_and_fit_the_vm)
{
	u32 count;
	const struct port_range *ranges = board_port_ranges(&board, &count);

	assert_true(count < VM_PORT_RANGES - 2); /* power takes two */
	for (u32 i = 0; i < count; i++)
		for (u32 j = 0; j < i; j++)
			assert_true(ranges[i].last < ranges[j].first ||
				    ranges[j].last < ranges[i].first);
}

UNIT(a_quiet_board_has_no_deadline)
{
	start();
	assert_true(board_next_deadline(&board) == CLOCK_NEVER);
	board_advance(&board, START + 100000 * HZ);
	assert_int_equal(messages, 0);
	assert_false(intr);
}

UNIT(time_never_goes_back)
{
	u32 seen;

	start();
	board_advance(&board, START + HZ);
	seen = in(0x608, 4);
	board_advance(&board, START);
	assert_int_equal(in(0x608, 4), seen);
}

UNIT(written_lines_reach_their_pins)
{
	for (u32 line = 0; line < IOAPIC_PINS; line++) {
		u32 pin = line == BOARD_IRQ_TIMER ? 2 : line;

		start();
		out((u16)(BOARD_LINES + line), 1, 1);
		assert_int_equal(messages, line != PIC_CASCADE);
		if (messages)
			assert_int_equal(last.vector, 0x40 + pin);
		assert_int_equal(intr, line < PIC_LINES && line != PIC_CASCADE);
		if (intr)
			assert_int_equal(board_acknowledge(&board), 0x20 + line);
		out((u16)(BOARD_LINES + line), 1, 0);
		out((u16)(BOARD_LINES + line), 1, 0x80);
		assert_int_equal(messages, line != PIC_CASCADE ? 2 : 0);
		assert_int_equal(in((u16)(BOARD_LINES + line), 1), 0xff);
	}
}

UNIT(a_bios_leaves_the_timer_on)
{
	for (u32 on = 0; on < 2; on++) {
		const struct board_setup setup = { .tsc_hz = HZ,
						   .now = START,
						   .messages = { send, NULL },
						   .intr = { set_intr, NULL, 0 },
						   .timer_on = on };
		const u64 period = 65536 * HZ / PIT_HZ;

		intr = false;
		board_init(&board, &setup);
		assert_int_equal(board_next_deadline(&board) != CLOCK_NEVER, on);
		board_advance(&board, START + period - period / 100);
		assert_false(intr);
		board_advance(&board, START + period + period / 100);
		assert_int_equal(intr, on);
		if (on)
			assert_int_equal(board_acknowledge(&board), 8);
		assert_int_equal(board_next_deadline(&board) != CLOCK_NEVER, on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_lines_reach_their_pins),
		cmocka_unit_test(a_bios_leaves_the_timer_on),
		cmocka_unit_test(a_line_reaches_both_controllers),
		cmocka_unit_test(irq2_is_not_on_the_bus),
		cmocka_unit_test(the_timer_comes_on_pin_2_and_irq0),
		cmocka_unit_test(the_rtc_comes_on_irq8),
		cmocka_unit_test(com1_comes_on_irq4),
		cmocka_unit_test(the_sci_is_a_level_on_irq9),
		cmocka_unit_test(wide_accesses_reach_consecutive_ports),
		cmocka_unit_test(the_pm_timer_is_one_number_of_32_bits),
		cmocka_unit_test(the_well_known_word_switches_off),
		cmocka_unit_test(the_reset_register_lies_in_pci_s_address_register),
		cmocka_unit_test(the_host_bridge_is_found_by_parts_of_the_data_register),
		cmocka_unit_test(the_edge_level_register_has_the_sci),
		cmocka_unit_test(ranges_do_not_overlap_and_fit_the_vm),
		cmocka_unit_test(a_quiet_board_has_no_deadline),
		cmocka_unit_test(time_never_goes_back),
	};

	return cmocka_run_group_tests_name("hv/dev/board", tests, NULL, NULL);
}
