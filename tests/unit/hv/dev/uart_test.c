/* SPDX-License-Identifier: MIT */
/* The 16550's registers, as drivers probe them. */
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

UNIT(bytes_reach_the_console)
{
	struct uart uart = { 0 };

	sent_bytes = 0;
	uart_write(&uart, REG(0), 1, 'o');
	uart_write(&uart, REG(0), 1, 'k');
	assert_int_equal(sent_bytes, 2);
	assert_memory_equal(sent, "ok", 2);
}

UNIT(the_transmitter_is_always_ready)
{
	struct uart uart = { 0 };

	assert_int_equal(uart_read(&uart, REG(5), 1), 0x60);
}

UNIT(the_divisor_hides_behind_dlab)
{
	struct uart uart = { 0 };

	sent_bytes = 0;
	uart_write(&uart, REG(3), 1, 0x83);
	uart_write(&uart, REG(0), 1, 0x0c);
	uart_write(&uart, REG(1), 1, 0x01);
	assert_int_equal(uart_read(&uart, REG(0), 1), 0x0c);
	assert_int_equal(uart_read(&uart, REG(1), 1), 0x01);
	uart_write(&uart, REG(3), 1, 0x03);
	assert_int_equal(uart_read(&uart, REG(1), 1), 0);
	assert_int_equal(sent_bytes, 0);
}

UNIT(the_scratch_register_keeps_a_byte)
{
	struct uart uart = { 0 };

	uart_write(&uart, REG(7), 1, 0x5a);
	assert_int_equal(uart_read(&uart, REG(7), 1), 0x5a);
}

UNIT(loopback_returns_the_modem_outputs_and_sends_nothing)
{
	struct uart uart = { 0 };

	sent_bytes = 0;
	uart_write(&uart, REG(4), 1, 0x1a); /* loopback, OUT2, RTS: as Linux probes */
	assert_int_equal(uart_read(&uart, REG(6), 1) & 0xf0, 0x90);
	uart_write(&uart, REG(0), 1, 'x');
	assert_int_equal(sent_bytes, 0);
}

UNIT(wide_accesses_touch_consecutive_registers)
{
	struct uart uart = { 0 };

	uart_write(&uart, REG(3), 2, 0x0103); /* LCR = 3, MCR = 1 */
	assert_int_equal(uart.lcr, 3);
	assert_int_equal(uart.mcr, 1);
	assert_int_equal(uart_read(&uart, REG(3), 4), 0xb0600103);
	assert_int_equal(uart_read(&uart, REG(7), 2) >> 8, 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_reach_the_console),
		cmocka_unit_test(the_transmitter_is_always_ready),
		cmocka_unit_test(the_divisor_hides_behind_dlab),
		cmocka_unit_test(the_scratch_register_keeps_a_byte),
		cmocka_unit_test(loopback_returns_the_modem_outputs_and_sends_nothing),
		cmocka_unit_test(wide_accesses_touch_consecutive_registers),
	};

	return cmocka_run_group_tests_name("hv/dev/uart", tests, NULL, NULL);
}
