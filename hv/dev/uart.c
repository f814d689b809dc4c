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

#define LCR_DLAB        0x80
#define MCR_LOOPBACK    0x10
#define LSR_IDLE        0x60 /* transmitter and holding register empty */
#define MSR_LINE_UP     0xb0 /* carrier, data set ready, clear to send */
#define IIR_NONE        0x01 /* no interrupt pending */
#define IIR_FIFO        0xc0
#define FCR_FIFO_ENABLE 0x01

static u8 modem_status(const struct uart *uart)
{
	u8 mcr = uart->mcr;

	if (!(mcr & MCR_LOOPBACK))
		return MSR_LINE_UP;
	/* In loopback the outputs come back: RTS → CTS, DTR → DSR, OUT1 → RI, OUT2 → DCD. */
	return (u8)((mcr & 2) << 3 | (mcr & 1) << 5 | (mcr & 4) << 4 | (mcr & 8) << 4);
}

static u8 read_register(const struct uart *uart, u32 reg)
{
	bool divisor = uart->lcr & LCR_DLAB;

	switch ((enum uart_register)reg) {
	case UART_DATA:
		return divisor ? uart->divisor[0] : 0;
	case UART_IER:
		return divisor ? uart->divisor[1] : uart->ier;
	case UART_IIR_FCR:
		return uart->fcr & FCR_FIFO_ENABLE ? IIR_NONE | IIR_FIFO : IIR_NONE;
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return LSR_IDLE;
	case UART_MSR:
		return modem_status(uart);
	case UART_SCRATCH:
		return uart->scratch;
	}
	return 0xff;
}

static void transmit(const struct uart *uart, u8 byte)
{
	char c = (char)byte;

	if (!(uart->mcr & MCR_LOOPBACK))
		log_write(&c, 1);
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
			uart->ier = value & 0x0f;
		break;
	case UART_IIR_FCR:
		uart->fcr = value;
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		uart->mcr = value & 0x1f;
		break;
	case UART_SCRATCH:
		uart->scratch = value;
		break;
	case UART_LSR: /* read-only */
	case UART_MSR:
		break;
	}
}

u32 uart_read(void *device, u16 port, u32 bytes)
{
	u32 value = 0;

	for (u32 i = 0; i < bytes; i++) {
		u32 reg = port - UART_COM1 + i;

		value |= (u32)(reg <= UART_SCRATCH ? read_register(device, reg) : 0xff) << (8 * i);
	}
	return value;
}

void uart_write(void *device, u16 port, u32 bytes, u32 value)
{
	for (u32 i = 0; i < bytes; i++) {
		u32 reg = port - UART_COM1 + i;

		if (reg <= UART_SCRATCH)
			write_register(device, reg, (u8)(value >> (8 * i)));
	}
}
