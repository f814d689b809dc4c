/* SPDX-License-Identifier: MIT */
/*
 * L1's board: the PC devices, the wires between them, and the addresses at which they answer.
 * IRQn goes to the interrupt controllers' input n and to pin n of the I/O APIC, but IRQ0 to pin 2.
 *
 * Nothing here locks. Every function but board_port_ranges() and board_mmio_ranges(), and every
 * callback in those ranges, needs the board's lock, which the caller owns; what the board calls
 * (struct board_setup) is called with it held and must not call back into the board.
 *
 * Time: the caller brings it with board_advance() before an access, so that the access sees every
 * edge up to then; all callbacks of the ranges work at that time.
 */
#ifndef HV_DEV_BOARD_H
#define HV_DEV_BOARD_H

#include "hv/dev/ioapic.h"
#include "hv/dev/line_in.h"
#include "hv/dev/pci_host.h"
#include "hv/dev/pic.h"
#include "hv/dev/pit.h"
#include "hv/dev/pm_timer.h"
#include "hv/dev/rtc.h"
#include "hv/dev/uart.h"
#include "vmx/vm.h"

#define BOARD_IRQ_TIMER 0
#define BOARD_PIN_TIMER 2 /* of the I/O APIC; the other lines have the pin of their number */
#define BOARD_IRQ_COM1  4
#define BOARD_IRQ_RTC   8
/* The SCI. Level-triggered: the MADT must say so, the ELCR does from the start. */
#define BOARD_IRQ_SCI   9

struct board_setup {
	u64 tsc_hz; /* of the TSC that `now` counts; at least PM_TIMER_HZ, below 2^40 */
	u64 now;
	u64 seconds; /* the date at `now`, since 1970-01-01 00:00 */
	u64 memory_below_4g;
	u64 memory_above_4g;
	struct ioapic_sink messages; /* the I/O APIC's, to the local APICs */
	struct irq_line intr;        /* the 8259's output, to the boot CPU's LINT0 */
	struct pm_actions actions;
	line_in_source input; /* of the console's line */
	bool timer_on; /* as a BIOS leaves it: IRQ0 at 18.2 Hz, let through; else all is silent */
};

/* As QEMU's test device: what is written to port BOARD_LINES + n is the level of line n of the I/O
 * APIC; lines below 16 are the ISA bus'. A level that a device drives there is overwritten. */
#define BOARD_LINES       0x2000

#define BOARD_BYTE_PORTS  9
#define BOARD_PORTS       (BOARD_BYTE_PORTS + 2) /* with those of PCI */
#define BOARD_MMIO_RANGES 2

/* A device of single-byte ports. */
struct byte_ports {
	u16 first;
	u16 last;
	u8 (*read)(void *device, u16 port, u64 now);
	void (*write)(void *device, u16 port, u8 value, u64 now);
	void *device;
};

struct board {
	u64 now; /* of the last board_advance() */
	struct pic pic;
	struct ioapic ioapic;
	struct pit pit;
	struct rtc rtc;
	struct pci_host pci;
	struct pm pm;
	struct uart uart;
	struct line_in line_in;
	struct byte_ports ports[BOARD_BYTE_PORTS];
	struct port_range port_ranges[BOARD_PORTS];
	struct mmio_range mmio_ranges[BOARD_MMIO_RANGES];
};

void board_init(struct board *board, const struct board_setup *setup);

/* What to claim; the board must stay where it is. Wider accesses to the ports reach consecutive
 * ones, lowest byte first; where none answers, they read all ones. */
const struct port_range *board_port_ranges(const struct board *board, u32 *count);
const struct mmio_range *board_mmio_ranges(const struct board *board, u32 *count);

/* Bring all devices to this time; an earlier one than the last changes nothing. */
void board_advance(struct board *board, u64 now);
/* When board_advance() must be called at the latest, seen from the last call or access;
 * CLOCK_NEVER: no device waits for anything. */
u64 board_next_deadline(const struct board *board);

/* An ISA interrupt line. */
void board_set_irq(struct board *board, u32 irq, bool level);
/* The 8259's output, and the vector that its acknowledge gives. */
bool board_intr(const struct board *board);
u8 board_acknowledge(struct board *board);
/* A local APIC ended a level-triggered interrupt. */
void board_eoi(struct board *board, u8 vector);

#endif
