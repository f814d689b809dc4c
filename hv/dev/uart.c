/* SPDX-License-Identifier: MIT */
/* The registers of a 16550 (National Semiconductor PC16550D data sheet, "Registers"). */
#include "hv/dev/uart.h"
#include "hv/log.h"

enum uart_register {
	UART_DATA,
	UART_IER,
	UART_IIR_FCR,
	UART_LCR,
	UART_MCR,
	UART_LSR,
	UART_MSR,
	UART_SCRATCH
};

#define LCR_DLAB          0x80
#define MCR_OUT2          0x08
#define MCR_LOOPBACK      0x10
#define LSR_DATA          0x01
#define LSR_OVERRUN       0x02
#define LSR_IDLE          0x60 /* transmitter and holding register empty */
#define MSR_LINE_UP       0xb0 /* carrier, data set ready, clear to send */
#define MSR_RING          0x40
#define IIR_FIFO          0xc0
#define FCR_FIFO_ENABLE   0x01
#define FCR_CLEAR_RECEIVE 0x02
#define FCR_TRIGGER(fcr)  ((fcr) >> 6)

/* Enable bits of the four kinds of interrupts. */
#define IER_RECEIVED      0x01
#define IER_HOLDING_EMPTY 0x02
#define IER_LINE          0x04
#define IER_MODEM         0x08

/* What IIR says, from the highest priority down. */
enum uart_interrupt {
	IIR_LINE = 0x06,
	IIR_RECEIVED = 0x04,
	IIR_TIMEOUT = 0x0c,
	IIR_HOLDING_EMPTY = 0x02,
	IIR_MODEM = 0x00,
	IIR_NONE = 0x01
};

static const u8 trigger_levels[] = { 1, 4, 8, 14 };

static bool has_fifo(const struct uart *uart)
{
	return uart->fcr & FCR_FIFO_ENABLE;
}

static enum uart_interrupt pending(const struct uart *uart)
{
	u32 trigger = has_fifo(uart) ? trigger_levels[FCR_TRIGGER(uart->fcr)] : 1;

	if ((uart->ier & IER_LINE) && uart->overrun)
		return IIR_LINE;
	if ((uart->ier & IER_RECEIVED) && uart->count)
		return uart->count >= trigger ? IIR_RECEIVED : IIR_TIMEOUT;
	if ((uart->ier & IER_HOLDING_EMPTY) && uart->holding_empty)
		return IIR_HOLDING_EMPTY;
	if ((uart->ier & IER_MODEM) && uart->modem_deltas)
		return IIR_MODEM;
	return IIR_NONE;
}

static void update_irq(struct uart *uart)
{
	bool level = (uart->mcr & MCR_OUT2) && pending(uart) != IIR_NONE;

	if (level == uart->irq_level)
		return;
	uart->irq_level = level;
	irq_line_set(&uart->irq, level);
}

static u8 modem_lines(u8 mcr)
{
	if (!(mcr & MCR_LOOPBACK))
		return MSR_LINE_UP;
	/* In loopback the outputs come back: RTS → CTS, DTR → DSR, OUT1 → RI, OUT2 → DCD. */
	return (u8)((mcr & 2) << 3 | (mcr & 1) << 5 | (mcr & 4) << 4 | (mcr & 8) << 4);
}

static void write_mcr(struct uart *uart, u8 value)
{
	u8 before = modem_lines(uart->mcr), after = modem_lines(value);
	u8 changed = before ^ after;

	/* The ring indicator's delta is for its end only. */
	if (after & MSR_RING)
		changed &= (u8)~MSR_RING;
	uart->modem_deltas |= changed >> 4;
	uart->mcr = value;
}

static void clear_received(struct uart *uart)
{
	uart->first = 0;
	uart->count = 0;
}

static u32 room(const struct uart *uart)
{
	return (has_fifo(uart) ? UART_FIFO : 1u) - uart->count;
}

/* A byte that finds no room: a FIFO keeps what it has, a single register the newer one. */
static void take_byte(struct uart *uart, u8 byte)
{
	if (room(uart)) {
		uart->received[(uart->first + uart->count++) % UART_FIFO] = byte;
		return;
	}
	uart->overrun = true;
	if (!has_fifo(uart))
		uart->received[uart->first] = byte;
}

bool uart_awaits_input(const struct uart *uart)
{
	return (uart->ier & IER_RECEIVED) && room(uart);
}

size_t uart_receive(struct uart *uart, const u8 *bytes, size_t count)
{
	size_t taken = MIN(room(uart), count);

	if (uart->mcr & MCR_LOOPBACK)
		return count;
	for (size_t i = 0; i < taken; i++)
		take_byte(uart, bytes[i]);
	update_irq(uart);
	return taken;
}

static u8 received_byte(struct uart *uart)
{
	u8 byte = uart->received[uart->first];

	if (!uart->count)
		return 0;
	uart->first = (uart->first + 1) % UART_FIFO;
	uart->count--;
	return byte;
}

/* The holding register is full for an instant: the line falls and rises again, which an
 * edge-triggered input must see. */
static void transmit(struct uart *uart, u8 byte)
{
	char c = (char)byte;

	uart->holding_empty = false;
	update_irq(uart);
	if (uart->mcr & MCR_LOOPBACK)
		take_byte(uart, byte);
	else
		log_write(&c, 1);
	uart->holding_empty = true;
}

static u8 read_iir(struct uart *uart)
{
	enum uart_interrupt id = pending(uart);

	if (id == IIR_HOLDING_EMPTY)
		uart->holding_empty = false; /* reading it is its acknowledge */
	return (u8)(id | (has_fifo(uart) ? IIR_FIFO : 0));
}

static u8 read_lsr(struct uart *uart)
{
	u8 value =
		(u8)(LSR_IDLE | (uart->count ? LSR_DATA : 0) | (uart->overrun ? LSR_OVERRUN : 0));

	uart->overrun = false;
	return value;
}

static u8 read_msr(struct uart *uart)
{
	u8 value = modem_lines(uart->mcr) | uart->modem_deltas;

	uart->modem_deltas = 0;
	return value;
}

static void write_ier(struct uart *uart, u8 value)
{
	/* Enabling the transmitter's interrupt while it is idle raises it. */
	if (value & ~uart->ier & IER_HOLDING_EMPTY)
		uart->holding_empty = true;
	uart->ier = value & 0x0f;
}

static void write_fcr(struct uart *uart, u8 value)
{
	bool enable = value & FCR_FIFO_ENABLE;

	if (enable != has_fifo(uart) || (enable && (value & FCR_CLEAR_RECEIVE)))
		clear_received(uart);
	uart->fcr = enable ? value : 0; /* the other bits count only with this one */
}

static u8 read_register(struct uart *uart, u32 reg)
{
	bool divisor = uart->lcr & LCR_DLAB;

	switch ((enum uart_register)reg) {
	case UART_DATA:
		return divisor ? uart->divisor[0] : received_byte(uart);
	case UART_IER:
		return divisor ? uart->divisor[1] : uart->ier;
	case UART_IIR_FCR:
		return read_iir(uart);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return read_lsr(uart);
	case UART_MSR:
		return read_msr(uart);
	case UART_SCRATCH:
		return uart->scratch;
	}
	return 0xff;
}

static void write_register(struct uart *uart, u32 reg, u8 value)
{
	bool divisor = uart->lcr & LCR_DLAB;

	switch ((enum uart_register)reg) {
	case UART_DATA:
		if (divisor)
			uart->divisor[0] = value;
		else
			transmit(uart, value);
		break;
	case UART_IER:
		if (divisor)
			uart->divisor[1] = value;
		else
			write_ier(uart, value);
		break;
	case UART_IIR_FCR:
		write_fcr(uart, value);
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		write_mcr(uart, value & 0x1f);
		break;
	case UART_SCRATCH:
		uart->scratch = value;
		break;
	case UART_LSR: /* read-only */
	case UART_MSR:
		break;
	}
}

void uart_init(struct uart *uart, struct irq_line irq)
{
	*uart = (struct uart){ .irq = irq };
}

u8 uart_read_byte(void *device, u16 port, u64 now)
{
	u32 reg = port - UART_COM1;
	u8 value = reg <= UART_SCRATCH ? read_register(device, reg) : 0xff;

	(void)now;
	update_irq(device);
	return value;
}

void uart_write_byte(void *device, u16 port, u8 value, u64 now)
{
	u32 reg = port - UART_COM1;

	(void)now;
	if (reg <= UART_SCRATCH)
		write_register(device, reg, value);
	update_irq(device);
}
