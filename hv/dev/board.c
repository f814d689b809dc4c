/* SPDX-License-Identifier: MIT */
/* Wires and addresses of L1's PC. */
#include "hv/dev/board.h"
#include "hv/dev/clock.h"
#include "hv/panic.h"

#define NO_DEVICE      0xff
#define INPUT_POLLS_HZ 1000 /* at 115200 baud a FIFO of 16 bytes is full after 1.4 ms */

static void isa_line(void *context, u32 irq, bool level)
{
	struct board *board = context;

	if (irq == PIC_CASCADE)
		return; /* not on the bus: the slave's, and the timer has its pin */
	pic_set_line(&board->pic, irq, level);
	ioapic_set_pin(&board->ioapic, irq == BOARD_IRQ_TIMER ? BOARD_PIN_TIMER : irq, level);
}

static u8 lines_read(void *device, u16 port, u64 now)
{
	(void)device;
	(void)port;
	(void)now;
	return NO_DEVICE;
}

static void lines_write(void *device, u16 port, u8 value, u64 now)
{
	struct board *board = device;
	u32 line = port - BOARD_LINES;

	(void)now;
	if (line < PIC_LINES)
		isa_line(board, line, value);
	else
		ioapic_set_pin(&board->ioapic, line, value);
}

static u8 read_port(struct board *board, u16 port)
{
	for (u32 i = 0; i < BOARD_BYTE_PORTS; i++) {
		const struct byte_ports *ports = &board->ports[i];

		if (port >= ports->first && port <= ports->last)
			return ports->read(ports->device, port, board->now);
	}
	return NO_DEVICE;
}

static void write_port(struct board *board, u16 port, u8 value)
{
	for (u32 i = 0; i < BOARD_BYTE_PORTS; i++) {
		const struct byte_ports *ports = &board->ports[i];

		if (port >= ports->first && port <= ports->last)
			ports->write(ports->device, port, value, board->now);
	}
}

static u32 port_read(void *device, u16 port, u32 bytes)
{
	u32 value = 0;

	for (u32 i = 0; i < bytes; i++)
		value |= (u32)read_port(device, (u16)(port + i)) << (8 * i);
	return value;
}

static void port_write(void *device, u16 port, u32 bytes, u32 value)
{
	for (u32 i = 0; i < bytes; i++)
		write_port(device, (u16)(port + i), (u8)(value >> (8 * i)));
}

/* PCI's address register is one of 32 bits; a byte of it by itself is the chipset's to reset by. */
static u32 pci_address_read(void *device, u16 port, u32 bytes)
{
	const struct board *board = device;

	if (port == PCI_ADDRESS && bytes == 4)
		return pci_host_read_address(&board->pci);
	if (port == PM_RESET && bytes == 1)
		return pm_reset_read(&board->pm);
	return ~0u;
}

static void pci_address_write(void *device, u16 port, u32 bytes, u32 value)
{
	struct board *board = device;

	if (port == PCI_ADDRESS && bytes == 4)
		pci_host_write_address(&board->pci, value);
	else if (port == PM_RESET && bytes == 1)
		pm_reset_write(&board->pm, (u8)value);
}

static u32 pci_data_read(void *device, u16 port, u32 bytes)
{
	const struct board *board = device;

	return pci_host_read_data(&board->pci, port - PCI_DATA, bytes);
}

static void pci_data_write(void *device, u16 port, u32 bytes, u32 value)
{
	(void)device;
	(void)port;
	(void)bytes;
	(void)value;
}

static void make_ranges(struct board *board)
{
	struct pic *pic = &board->pic;
	struct pit *pit = &board->pit;
	struct pm *pm = &board->pm;
	const struct byte_ports ports[BOARD_BYTE_PORTS] = {
		{ PIC_MASTER, PIC_MASTER + 1, pic_read, pic_write, pic },
		{ PIC_SLAVE, PIC_SLAVE + 1, pic_read, pic_write, pic },
		{ PIC_ELCR, PIC_ELCR + 1, pic_read, pic_write, pic },
		{ PIT_CHANNEL0, PIT_CONTROL, pit_read, pit_write, pit },
		{ PIT_SYSTEM_CONTROL, PIT_SYSTEM_CONTROL, pit_read, pit_write, pit },
		{ RTC_INDEX, RTC_DATA, rtc_read, rtc_write, &board->rtc },
		{ UART_COM1, UART_LAST, uart_read_byte, uart_write_byte, &board->uart },
		{ PM_BASE, PM_LAST, pm_read, pm_write, pm },
		{ BOARD_LINES, BOARD_LINES + IOAPIC_PINS - 1, lines_read, lines_write, board },
	};

	for (u32 i = 0; i < BOARD_BYTE_PORTS; i++) {
		board->ports[i] = ports[i];
		board->port_ranges[i] = (struct port_range){ ports[i].first, ports[i].last,
							     port_read, port_write, board };
	}
	board->port_ranges[BOARD_BYTE_PORTS] = (struct port_range){
		PCI_ADDRESS, PCI_DATA - 1, pci_address_read, pci_address_write, board,
	};
	board->port_ranges[BOARD_BYTE_PORTS + 1] = (struct port_range){
		PCI_DATA, PCI_DATA_LAST, pci_data_read, pci_data_write, board,
	};
	board->mmio_ranges[0] =
		(struct mmio_range){ l1_gpa(IOAPIC_BASE), IOAPIC_BYTES, ioapic_mmio_read,
				     ioapic_mmio_write, &board->ioapic };
	board->mmio_ranges[1] = (struct mmio_range){ l1_gpa(PCI_ECAM_BASE), PCI_ECAM_BYTES,
						     pci_ecam_read, pci_ecam_write, &board->pci };
}

static struct irq_line isa(struct board *board, u32 irq)
{
	return (struct irq_line){ isa_line, board, irq };
}

/* Channel 0 counts down from 65,536 as a square wave. */
static void switch_timer_on(struct board *board)
{
	pit_write(&board->pit, PIT_CONTROL, 0x36, board->now);
	pit_write(&board->pit, PIT_CHANNEL0, 0, board->now);
	pit_write(&board->pit, PIT_CHANNEL0, 0, board->now);
	pic_write(&board->pic, PIC_MASTER + 1, (u8) ~(1u << BOARD_IRQ_TIMER | 1u << PIC_CASCADE),
		  board->now);
}

void board_init(struct board *board, const struct board_setup *setup)
{
	const struct rtc_setup rtc = {
		.tsc_hz = setup->tsc_hz,
		.now = setup->now,
		.seconds = setup->seconds,
		.memory_below_4g = setup->memory_below_4g,
		.memory_above_4g = setup->memory_above_4g,
	};
	const struct pm_setup pm = {
		.tsc_hz = setup->tsc_hz,
		.now = setup->now,
		.timer_bits = 32,
		.sci = isa(board, BOARD_IRQ_SCI),
		.actions = setup->actions,
	};

	ASSERT(setup->tsc_hz >= PM_TIMER_HZ && setup->tsc_hz < BIT(40));
	board->now = setup->now;
	pic_init(&board->pic, setup->intr);
	pic_write(&board->pic, PIC_ELCR + 1, 1u << (BOARD_IRQ_SCI - 8), setup->now);
	ioapic_init(&board->ioapic, setup->messages);
	pit_init(&board->pit, setup->tsc_hz, isa(board, BOARD_IRQ_TIMER));
	rtc_init(&board->rtc, &rtc, isa(board, BOARD_IRQ_RTC));
	board->pci = (struct pci_host){ 0 };
	pm_init(&board->pm, &pm);
	uart_init(&board->uart, isa(board, BOARD_IRQ_COM1));
	board->line_in = (struct line_in){
		.uart = &board->uart,
		.source = setup->input,
		.period = setup->tsc_hz / INPUT_POLLS_HZ,
	};
	if (setup->timer_on)
		switch_timer_on(board);
	make_ranges(board);
	board_advance(board, setup->now);
}

const struct port_range *board_port_ranges(const struct board *board, u32 *count)
{
	*count = ARRAY_SIZE(board->port_ranges);
	return board->port_ranges;
}

const struct mmio_range *board_mmio_ranges(const struct board *board, u32 *count)
{
	*count = ARRAY_SIZE(board->mmio_ranges);
	return board->mmio_ranges;
}

void board_advance(struct board *board, u64 now)
{
	board->now = MAX(board->now, now);
	pit_advance(&board->pit, board->now);
	rtc_advance(&board->rtc, board->now);
	pm_advance(&board->pm, board->now);
	line_in_advance(&board->line_in, board->now);
}

u64 board_next_deadline(const struct board *board)
{
	u64 next = pit_next_deadline(&board->pit);

	next = MIN(next, rtc_next_deadline(&board->rtc));
	next = MIN(next, line_in_next_deadline(&board->line_in));
	return MIN(next, pm_next_deadline(&board->pm));
}

void board_set_irq(struct board *board, u32 irq, bool level)
{
	ASSERT(irq < PIC_LINES);
	isa_line(board, irq, level);
}

bool board_intr(const struct board *board)
{
	return pic_intr(&board->pic);
}

u8 board_acknowledge(struct board *board)
{
	return pic_acknowledge(&board->pic);
}

void board_eoi(struct board *board, u8 vector)
{
	ioapic_eoi(&board->ioapic, vector);
}
