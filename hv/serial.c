/* SPDX-License-Identifier: MIT */
/*
 * A 16550 by polling. A port whose transmitter does not empty in the bounded time is
 * served without waiting until it answers again, so that a dead line slows nothing down.
 */
#include "hv/serial.h"
#include "hv/x86.h"

enum {
	UART_DATA = 0,
	UART_DIVISOR_LOW = 0,
	UART_DIVISOR_HIGH = 1,
	UART_INTERRUPT_ENABLE = 1,
	UART_FIFO_CONTROL = 2,
	UART_INTERRUPT_ID = 2,
	UART_LINE_CONTROL = 3,
	UART_MODEM_CONTROL = 4,
	UART_LINE_STATUS = 5,
	UART_SCRATCH = 7,
};

#define LINE_CONTROL_8N1     0x03u
#define LINE_CONTROL_DIVISOR 0x80u
#define FIFO_ENABLE_CLEAR    0x07u
#define FIFO_ENABLED         0xc0u /* in the interrupt identification: a FIFO that works (16550A) */
#define FIFO_SIZE            16u
#define MODEM_DTR_RTS        0x03u
#define STATUS_RECEIVED      0x01u
#define STATUS_NOBODY        0xffu
#define STATUS_HOLDING_EMPTY 0x20u
#define STATUS_ALL_SENT      0x40u
#define UART_CLOCK           115200u
#define WAIT_POLLS           10000000u

static u16 uart_port; /* 0: none */
static u32 uart_burst;
static bool uart_stalled;

static void uart_out(u16 reg, u8 value)
{
	out8((u16)(uart_port + reg), value);
}

static u8 uart_in(u16 reg)
{
	return in8((u16)(uart_port + reg));
}

static bool uart_answers(void)
{
	static const u8 patterns[] = { 0x5a, 0xa5 };

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		uart_out(UART_SCRATCH, patterns[i]);
		if (uart_in(UART_SCRATCH) != patterns[i])
			return false;
	}
	return true;
}

void serial_init(u16 port, u32 baud)
{
	u32 divisor = MAX(UART_CLOCK / baud, 1u);

	uart_port = port;
	if (!uart_answers()) {
		uart_port = 0;
		return;
	}
	uart_out(UART_INTERRUPT_ENABLE, 0);
	uart_out(UART_LINE_CONTROL, LINE_CONTROL_DIVISOR);
	uart_out(UART_DIVISOR_LOW, (u8)divisor);
	uart_out(UART_DIVISOR_HIGH, (u8)(divisor >> 8));
	uart_out(UART_LINE_CONTROL, LINE_CONTROL_8N1);
	uart_out(UART_FIFO_CONTROL, FIFO_ENABLE_CLEAR);
	uart_out(UART_MODEM_CONTROL, MODEM_DTR_RTS);
	uart_burst = (uart_in(UART_INTERRUPT_ID) & FIFO_ENABLED) == FIFO_ENABLED ? FIFO_SIZE : 1;
	uart_stalled = false;
}

static void uart_wait(u8 status)
{
	u32 polls = uart_stalled ? 1 : WAIT_POLLS;

	for (u32 i = 0; i < polls; i++) {
		if (uart_in(UART_LINE_STATUS) & status) {
			uart_stalled = false;
			return;
		}
		cpu_pause();
	}
	uart_stalled = true;
}

void serial_write(const char *bytes, size_t count)
{
	if (uart_port == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		/* An empty holding register means an empty FIFO,
		 * which takes a burst without asking. */
		if (i % uart_burst == 0)
			uart_wait(STATUS_HOLDING_EMPTY);
		uart_out(UART_DATA, (u8)bytes[i]);
	}
}

void serial_flush(void)
{
	if (uart_port != 0)
		uart_wait(STATUS_ALL_SENT);
}

size_t serial_read(u8 *bytes, size_t room)
{
	size_t count = 0;

	if (uart_port == 0)
		return 0;
	while (count < room) {
		u8 status = uart_in(UART_LINE_STATUS);

		if (!(status & STATUS_RECEIVED) || status == STATUS_NOBODY)
			break;
		bytes[count++] = uart_in(UART_DATA);
	}
	return count;
}
