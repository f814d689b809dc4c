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

#define UART_DATA        (CONSOLE_COM1 + 0)
#define UART_LINE_STATUS (CONSOLE_COM1 + 5)
#define LINE_STATUS_THRE BIT(5)
#define READY_POLLS_MAX  100000

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
