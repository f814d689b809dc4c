/* SPDX-License-Identifier: MIT */
/* The 16550's registers, as drivers probe them. */
#include "irq_spy.h"
#include "unit.h"
#include "hv/dev/uart.h"
#include "hv/log.h"

static char sent[16];
static size_t sent_bytes;

void log_write(const char *bytes, size_t count)
{
	memcpy(sent + sent_bytes, bytes, count);
	sent_bytes += count;
}

#define REG(n) ((u16)(UART_COM1 + (n)))

static u8 get(struct uart *uart, u32 reg)
{
	return uart_read_byte(uart, REG(reg), 0);
}

static void put(struct uart *uart, u32 reg, u8 value)
{
	uart_write_byte(uart, REG(reg), value, 0);
}

UNIT(bytes_reach_the_console)
{
	struct uart uart = { 0 };

	sent_bytes = 0;
	put(&uart, 0, 'o');
	put(&uart, 0, 'k');
	assert_int_equal(sent_bytes, 2);
	assert_memory_equal(sent, "ok", 2);
}

UNIT(the_transmitter_is_always_ready)
{
	struct uart uart = { 0 };

	assert_int_equal(get(&uart, 5), 0x60);
}

UNIT(the_divisor_hides_behind_dlab)
{
	struct uart uart = { 0 };

	sent_bytes = 0;
	put(&uart, 3, 0x83);
	put(&uart, 0, 0x0c);
	put(&uart, 1, 0x01);
	assert_int_equal(get(&uart, 0), 0x0c);
	assert_int_equal(get(&uart, 1), 0x01);
	put(&uart, 3, 0x03);
	assert_int_equal(get(&uart, 1), 0);
	assert_int_equal(sent_bytes, 0);
}

UNIT(the_scratch_register_keeps_a_byte)
{
	struct uart uart = { 0 };

	put(&uart, 7, 0x5a);
	assert_int_equal(get(&uart, 7), 0x5a);
}

UNIT(loopback_returns_the_modem_outputs_and_sends_nothing)
{
	struct uart uart = { 0 };

	sent_bytes = 0;
	put(&uart, 4, 0x1a); /* loopback, OUT2, RTS: as Linux probes */
	assert_int_equal(get(&uart, 6) & 0xf0, 0x90);
	put(&uart, 0, 'x');
	assert_int_equal(sent_bytes, 0);
}

/* With OUT2, and a FIFO with the trigger level that FCR's upper bits say. */
static struct uart started(u8 ier, u8 fcr)
{
	struct uart uart;

	sent_bytes = 0;
	uart_init(&uart, irq_spy());
	uart_write_byte(&uart, REG(4), 0x0b, 0);
	uart_write_byte(&uart, REG(2), fcr, 0);
	uart_write_byte(&uart, REG(1), ier, 0);
	return uart;
}

static size_t receive(struct uart *uart, const char *text)
{
	return uart_receive(uart, (const u8 *)text, strlen(text));
}

static void received_bytes_come_in_order(void **state)
{
	struct uart uart = started(0, 1);

	(void)state;
	for (u32 round = 0; round < 5; round++) { /* around the ring */
		assert_int_equal(receive(&uart, "nestor"), 6);
		for (u32 i = 0; i < 6; i++) {
			assert_int_equal(get(&uart, 5), 0x61);
			assert_int_equal(get(&uart, 0), "nestor"[i]);
		}
		assert_int_equal(get(&uart, 5), 0x60);
		assert_int_equal(get(&uart, 0), 0);
	}
	assert_int_equal(rises, 0);
}

static void a_full_receiver_takes_no_more(void **state)
{
	struct uart fifo = started(0, 1), single = started(0, 0);

	(void)state;
	assert_int_equal(receive(&fifo, "0123456789abcdefgh"), 16);
	assert_int_equal(receive(&fifo, "x"), 0);
	assert_int_equal(get(&fifo, 5), 0x61);
	assert_int_equal(receive(&single, "ab"), 1);
	assert_int_equal(get(&single, 0), 'a');
}

static void trigger_levels_tell_data_from_timeout(void **state)
{
	static const struct {
		u8 fcr, level;
	} rows[] = { { 0x01, 1 }, { 0x41, 4 }, { 0x81, 8 }, { 0xc1, 14 } };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct uart uart = started(1, rows[i].fcr);

		for (u32 n = 1; n <= 16; n++) {
			receive(&uart, "x");
			assert_int_equal(get(&uart, 2), n < rows[i].level ? 0xcc : 0xc4);
			assert_true(level);
		}
		for (u32 n = 0; n < 16; n++)
			get(&uart, 0);
		assert_false(level);
		assert_int_equal(get(&uart, 2), 0xc1);
		assert_int_equal(rises, 1);
	}
}

static void enabling_the_idle_transmitter_interrupts(void **state)
{
	struct uart uart = started(2, 0);

	(void)state;
	assert_true(level);
	assert_int_equal(get(&uart, 2), 0x02);
	assert_false(level); /* reading IIR acknowledges */
	assert_int_equal(get(&uart, 2), 0x01);
	put(&uart, 1, 2); /* enabled already */
	assert_false(level);
	put(&uart, 1, 0);
	put(&uart, 1, 2);
	assert_true(level);
}

static void every_byte_sent_is_a_new_edge(void **state)
{
	struct uart uart = started(2, 0);

	(void)state;
	for (u32 i = 0; i < 10; i++)
		put(&uart, 0, 'x');
	assert_int_equal(sent_bytes, 10);
	assert_int_equal(rises, 11);
	assert_true(level);
}

static void a_bytes_interrupt_waits_for_its_enable_bit(void **state)
{
	struct uart uart = started(0, 1);

	(void)state;
	receive(&uart, "x");
	assert_false(level);
	put(&uart, 1, 1);
	assert_true(level);
	put(&uart, 1, 0);
	assert_false(level);
}

static void priorities_of_interrupts(void **state)
{
	struct uart uart = started(0, 0);

	(void)state;
	put(&uart, 4, 0x1b); /* loopback: own bytes overrun, modem lines change */
	put(&uart, 0, 'a');
	put(&uart, 0, 'b');
	put(&uart, 1, 0x0f);
	assert_int_equal(get(&uart, 2), 0x06);
	assert_int_equal(get(&uart, 5), 0x63);
	assert_int_equal(get(&uart, 5), 0x61);
	assert_int_equal(get(&uart, 2), 0x04);
	assert_int_equal(get(&uart, 0), 'b'); /* the newer one */
	assert_int_equal(get(&uart, 2), 0x02);
	put(&uart, 4, 0x1e);
	assert_int_equal(get(&uart, 2), 0x00);
	assert_int_equal(get(&uart, 6) & 0x0f, 0x02);
	assert_int_equal(get(&uart, 2), 0x01);
	assert_false(level);
}

static void out2_gates_the_line(void **state)
{
	struct uart uart = started(1, 1);

	(void)state;
	put(&uart, 4, 0x03);
	receive(&uart, "x");
	assert_false(level);
	assert_int_equal(get(&uart, 2), 0xc4);
	put(&uart, 4, 0x0b);
	assert_true(level);
}

static void loopback_receives_what_it_sends(void **state)
{
	struct uart uart = started(1, 1);

	(void)state;
	put(&uart, 4, 0x18);
	assert_int_equal(receive(&uart, "lost"), 4);
	assert_false(level);
	put(&uart, 0, 'x');
	assert_true(level);
	assert_int_equal(get(&uart, 0), 'x');
	assert_int_equal(sent_bytes, 0);
	for (u32 i = 0; i < 17; i++)
		put(&uart, 0, (u8)i);
	assert_int_equal(get(&uart, 5), 0x63);
	assert_int_equal(get(&uart, 0), 0);
}

static void fcr_clears_the_receiver(void **state)
{
	static const struct {
		u8 fcr;
		bool clears;
	} rows[] = {
		{ 0x01, false }, { 0x03, true }, { 0x02, true }, { 0x00, true }, { 0xc1, false }
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct uart uart = started(1, 1);

		receive(&uart, "abc");
		put(&uart, 2, rows[i].fcr);
		assert_int_equal(level, !rows[i].clears);
		assert_int_equal(get(&uart, 5) & 1, !rows[i].clears);
		assert_int_equal(get(&uart, 2) & 0xc0, rows[i].fcr & 1 ? 0xc0 : 0);
	}
}

static void modem_deltas_are_read_once(void **state)
{
	struct uart uart = started(8, 1);

	(void)state;
	put(&uart, 4, 0x1f); /* all four outputs: only RI is new */
	assert_int_equal(get(&uart, 6), 0xf0);
	put(&uart, 4, 0x18);
	assert_true(level);
	assert_int_equal(get(&uart, 6), 0x87); /* CTS, DSR, the end of RI */
	assert_false(level);
	assert_int_equal(get(&uart, 6), 0x80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_reach_the_console),
		cmocka_unit_test(the_transmitter_is_always_ready),
		cmocka_unit_test(the_divisor_hides_behind_dlab),
		cmocka_unit_test(the_scratch_register_keeps_a_byte),
		cmocka_unit_test(loopback_returns_the_modem_outputs_and_sends_nothing),
		cmocka_unit_test(received_bytes_come_in_order),
		cmocka_unit_test(a_full_receiver_takes_no_more),
		cmocka_unit_test(trigger_levels_tell_data_from_timeout),
		cmocka_unit_test(enabling_the_idle_transmitter_interrupts),
		cmocka_unit_test(every_byte_sent_is_a_new_edge),
		cmocka_unit_test(a_bytes_interrupt_waits_for_its_enable_bit),
		cmocka_unit_test(priorities_of_interrupts),
		cmocka_unit_test(out2_gates_the_line),
		cmocka_unit_test(loopback_receives_what_it_sends),
		cmocka_unit_test(fcr_clears_the_receiver),
		cmocka_unit_test(modem_deltas_are_read_once),
	};

	return cmocka_run_group_tests_name("hv/dev/uart", tests, NULL, NULL);
}
