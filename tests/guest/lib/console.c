/* SPDX-License-Identifier: MIT */
/*
 * Lines on the console. Under Nestor a byte to COM1 costs at least two exits, so a line goes out by
 * one hypercall. COM1 keeps the speed that firmware or loader gave it; a UART that is never ready
 * costs bounded time and loses bytes.
 */
#include "tests/guest/lib/console.h"
#include "hv/format.h"
#include "hv/x86.h"
#include "tests/guest/lib/nestor.h"

#define UART_DATA         (CONSOLE_COM1 + 0)
#define UART_DIVISOR_HIGH (CONSOLE_COM1 + 1)
#define UART_LINE_CONTROL (CONSOLE_COM1 + 3)
#define UART_LINE_STATUS  (CONSOLE_COM1 + 5)
#define LINE_CONTROL_8N1  0x03u
#define LINE_CONTROL_DLAB 0x80u
#define LINE_STATUS_THRE  BIT(5)
#define READY_POLLS_MAX   100000

void console_init(void)
{
	if (nestor_is_present() || (in8(UART_LINE_CONTROL) & LINE_CONTROL_8N1) == LINE_CONTROL_8N1)
		return;
	out8(UART_LINE_CONTROL, LINE_CONTROL_8N1 | LINE_CONTROL_DLAB);
	out8(UART_DATA, 1);
	out8(UART_DIVISOR_HIGH, 0);
	out8(UART_LINE_CONTROL, LINE_CONTROL_8N1);
}

static void uart_put(char c)
{
	for (unsigned int polls = 0; polls < READY_POLLS_MAX; polls++) {
		if (in8(UART_LINE_STATUS) & LINE_STATUS_THRE)
			break;
		cpu_pause();
	}
	out8(UART_DATA, (u8)c);
}

void print_line(const char *fmt, ...)
{
	static char line[CONSOLE_LINE_MAX + 1];
	size_t length;
	va_list ap;

	va_start(ap, fmt);
	length = MIN(format_text_va(line, CONSOLE_LINE_MAX, fmt, ap), CONSOLE_LINE_MAX - 1);
	va_end(ap);
	line[length++] = '\n';
	if (nestor_is_present()) {
		nestor_call(NESTOR_CALL_CONSOLE, (u64)line, length, NULL);
		return;
	}
	for (size_t i = 0; i < length; i++) {
		if (line[i] == '\n')
			uart_put('\r');
		uart_put(line[i]);
	}
}
