/* SPDX-License-Identifier: MIT */
/* The report channel: lines are built on the caller's stack and leave under one lock. */
#include <stdarg.h>
#include "hv/format.h"
#include "hv/log.h"
#include "hv/percpu.h"
#include "hv/serial.h"
#include "hv/spinlock.h"
#include "hv/string.h"
#include "hv/x86.h"

#define LINE_MAX         512
#define PANIC_WAIT_POLLS 10000000u

static struct spinlock log_lock; /* protects line_open, the serial port and the mirror's sink */
static bool line_open;           /* the last byte sent was not a newline */
static bool lock_broken;         /* panic: only one CPU is left that prints */
static bool cpu_numbers;
static void (*mirror)(const char *line);

static void lock(void)
{
	if (!lock_broken)
		spin_lock(&log_lock);
}

static void unlock(void)
{
	if (!lock_broken)
		spin_unlock(&log_lock);
}

static u32 cpu_number(void)
{
	return cpu_numbers ? THIS_CPU_FIELD(index) : 0;
}

static void send(const char *bytes, size_t count)
{
	if (count == 0)
		return;
	serial_write(bytes, count);
	line_open = bytes[count - 1] != '\n';
}

/* A line longer than the buffer loses its end, never its newline. */
static void send_line(char *line, size_t length)
{
	length = MIN(length, (size_t)LINE_MAX - 2);
	line[length] = '\n';
	line[length + 1] = '\0';
	lock();
	if (line_open)
		send("\n", 1);
	send(line, length + 1);
	if (mirror != NULL)
		mirror(line);
	unlock();
}

void log_line(const char *subsystem, const char *fmt, ...)
{
	char line[LINE_MAX];
	size_t prefix = format_text(line, sizeof(line), "[%u] %s: ", cpu_number(), subsystem);
	size_t length;
	va_list ap;

	va_start(ap, fmt);
	length = prefix + format_text_va(line + prefix, sizeof(line) - prefix, fmt, ap);
	va_end(ap);
	send_line(line, length);
}

void log_raw(const char *fmt, ...)
{
	char line[LINE_MAX];
	size_t length;
	va_list ap;

	va_start(ap, fmt);
	length = format_text_va(line, sizeof(line), fmt, ap);
	va_end(ap);
	send_line(line, length);
}

void log_write(const char *bytes, size_t count)
{
	lock();
	send(bytes, count);
	unlock();
}

void log_enter_panic(void)
{
	for (u32 i = 0; i < PANIC_WAIT_POLLS; i++) {
		u32 next = __atomic_load_n(&log_lock.next, __ATOMIC_RELAXED);

		if (__atomic_load_n(&log_lock.serving, __ATOMIC_ACQUIRE) == next)
			break;
		cpu_pause();
	}
	lock_broken = true;
}

void log_use_cpu_numbers(void)
{
	cpu_numbers = true;
}

void log_set_mirror(void (*sink)(const char *line))
{
	mirror = sink;
}
