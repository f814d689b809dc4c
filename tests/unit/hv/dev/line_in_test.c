/* SPDX-License-Identifier: MIT */
/* The console's line: when it is asked, what waits where, and that every byte comes in order. */
#include "irq_spy.h"
#include "unit.h"
#include "hv/dev/clock.h"
#include "hv/dev/line_in.h"
#include "hv/log.h"

#define PERIOD 1000u
#define IER    (UART_COM1 + 1)
#define FCR    (UART_COM1 + 2)

static struct uart uart;
static struct line_in line;
static u32 polls, waiting;
static u8 next_byte;

void log_write(const char *bytes, size_t count)
{
	(void)bytes;
	(void)count;
}

/* Numbers its bytes. */
static size_t source(u8 *bytes, size_t room)
{
	size_t count = MIN(waiting, room);

	for (size_t i = 0; i < count; i++)
		bytes[i] = next_byte++;
	waiting -= (u32)count;
	polls++;
	return count;
}

static int set_up(void **state)
{
	(void)state;
	polls = waiting = next_byte = 0;
	uart_init(&uart, irq_spy());
	uart_write_byte(&uart, FCR, 1, 0);
	line = (struct line_in){ .uart = &uart, .source = source, .period = PERIOD };
	return 0;
}

static u8 get(void)
{
	return uart_read_byte(&uart, UART_COM1, 0);
}

UNIT(the_line_is_asked_once_a_period)
{
	line_in_advance(&line, 5 * PERIOD);
	line_in_advance(&line, 5 * PERIOD + 1);
	line_in_advance(&line, 6 * PERIOD - 1);
	assert_int_equal(polls, 1);
	line_in_advance(&line, 6 * PERIOD);
	assert_int_equal(polls, 2);
}

UNIT(only_a_listener_has_a_deadline)
{
	line_in_advance(&line, 100);
	assert_true(line_in_next_deadline(&line) == CLOCK_NEVER);
	uart_write_byte(&uart, IER, 1, 0);
	assert_int_equal(line_in_next_deadline(&line), 100 + PERIOD);
	waiting = UART_FIFO; /* no room: nothing to wait for until L1 reads */
	line_in_advance(&line, 100 + PERIOD);
	assert_true(line_in_next_deadline(&line) == CLOCK_NEVER);
	assert_int_equal(get(), 0);
	assert_int_equal(line_in_next_deadline(&line), 100 + 2 * PERIOD);
}

UNIT(no_byte_is_lost_or_passes_another)
{
	u64 now = 0;

	waiting = 200;
	for (u32 i = 0; i < 200; i++, now += PERIOD / 3) {
		line_in_advance(&line, now);
		assert_true(line.count <= LINE_IN_QUEUE);
		assert_int_equal(get(), i);
	}
	assert_int_equal(waiting, 0);
	assert_int_equal(line.count, 0);
}

UNIT(what_finds_no_room_stays_with_the_source)
{
	waiting = 1000;
	for (u64 now = 0; now < 100 * PERIOD; now += PERIOD)
		line_in_advance(&line, now);
	assert_int_equal(waiting, 1000 - LINE_IN_QUEUE - UART_FIFO);
	assert_false(uart.overrun);
}

UNIT(without_a_source_nothing_comes)
{
	line.source = NULL;
	uart_write_byte(&uart, IER, 1, 0);
	line_in_advance(&line, 5 * PERIOD);
	assert_true(line_in_next_deadline(&line) == CLOCK_NEVER);
	assert_int_equal(uart.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_line_is_asked_once_a_period, set_up),
		cmocka_unit_test_setup(only_a_listener_has_a_deadline, set_up),
		cmocka_unit_test_setup(no_byte_is_lost_or_passes_another, set_up),
		cmocka_unit_test_setup(what_finds_no_room_stays_with_the_source, set_up),
		cmocka_unit_test_setup(without_a_source_nothing_comes, set_up),
	};

	return cmocka_run_group_tests_name("hv/dev/line_in", tests, NULL, NULL);
}
