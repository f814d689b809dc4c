/* SPDX-License-Identifier: MIT */
/* The wires between L1's board and its VM. */
#include "hv/l1_board.h"
#include "hv/dev/board.h"
#include "hv/guest/pc_memory.h"
#include "hv/log.h"
#include "hv/serial.h"
#include "hv/tsc.h"
#include "hv/x86.h"
#include "vmx/events.h"
#include "vmx/request.h"
#include "vmx/vm.h"

/* 2000-01-01: L0 reads no clock of the host's, so that runs are the same every time. */
#define START_OF_TIME   946684800ULL
#define EXIT_CODE_RESET 3u

_Static_assert(PCI_MEMORY_FIRST == PC_HOLE_START && PCI_MEMORY_LAST < PCI_ECAM_BASE &&
		       PCI_ECAM_BASE + PCI_ECAM_BYTES <= IOAPIC_BASE &&
		       PCI_MEMORY_BYTES == PCI_MEMORY_LAST - PCI_MEMORY_FIRST + 1,
	       "what the DSDT gives to PCI lies between memory and the I/O APIC");

static struct board board;

static void send_to_apics(void *vm, const struct ioapic_message *message)
{
	const struct apic_message m = {
		.destination = message->destination,
		.source = APIC_NO_SOURCE,
		.vector = message->vector,
		.mode = message->delivery,
		.shorthand = APIC_TO_DESTINATION,
		.trigger = message->level ? APIC_LEVEL : APIC_EDGE,
		.logical = message->logical,
	};

	events_send(vm, &m);
}

/* The 8259's output goes to LINT0 of vCPU 0. */
static void set_intr(void *context, u32 line, bool level)
{
	struct vm *vm = context;

	(void)line;
	__atomic_store_n(&vm->pic_asserted, level, __ATOMIC_RELEASE);
	if (level)
		vcpu_request(vm->vcpus[0], REQUEST_EVENT);
}

static void power_off(void *vm)
{
	vm_stop(vm, 0);
}

static void reset(void *vm)
{
	log_line("L1", "asked for a reset");
	vm_stop(vm, EXIT_CODE_RESET);
}

static void advance(u64 now)
{
	board_advance(&board, now);
}

static u64 deadline(void)
{
	return board_next_deadline(&board);
}

static bool acknowledge(u8 *vector)
{
	if (!board_intr(&board))
		return false;
	*vector = board_acknowledge(&board);
	return true;
}

static void eoi(u8 vector)
{
	board_eoi(&board, vector);
}

static const struct vm_board ops = { advance, deadline, acknowledge, eoi };

void l1_board_create(struct vm *vm, const struct l1_memory *memory)
{
	const struct port_range *ports;
	const struct mmio_range *mmio;
	u32 count;

	board_init(&board, &(struct board_setup){
				   .tsc_hz = tsc_hz(),
				   .now = rdtsc(),
				   .seconds = START_OF_TIME,
				   .memory_below_4g = memory->below_4g,
				   .memory_above_4g = memory->above_4g,
				   .messages = { send_to_apics, vm },
				   .intr = { set_intr, vm, 0 },
				   .actions = { power_off, reset, vm },
				   .input = serial_read,
				   .timer_on = vm->config->bios,
			   });
	ports = board_port_ranges(&board, &count);
	for (u32 i = 0; i < count; i++)
		vm_claim_ports(vm, &ports[i]);
	mmio = board_mmio_ranges(&board, &count);
	for (u32 i = 0; i < count; i++)
		vm_claim_mmio(vm, &mmio[i]);
	vm->board = &ops;
	vm->board_deadline = deadline();
}
