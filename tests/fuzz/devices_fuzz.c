/* SPDX-License-Identifier: MIT */
/*
 * Any sequence of port and MMIO accesses, line changes and steps in time on L1's board. Besides the
 * sanitizers: deadlines always lie ahead, messages are ones that an I/O APIC can send, and INTR is
 * told exactly when it changes.
 */
#include <assert.h>
#include <string.h>
#include "hv/dev/board.h"
#include "hv/dev/clock.h"
#include "hv/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct board board;
static u64 now;
static bool intr;

void log_write(const char *bytes, size_t count)
{
	(void)bytes;
	(void)count;
}

static void send(void *context, const struct ioapic_message *message)
{
	(void)context;
	assert(message->delivery != 3 && message->delivery != 6);
	assert(!message->level || message->delivery <= IOAPIC_LOWEST_PRIORITY);
}

static void set_intr(void *context, u32 line, bool level)
{
	(void)context;
	(void)line;
	assert(level != intr);
	intr = level;
}

static void act(void *context)
{
	(void)context;
}

/* How many bytes wait at the console's line. */
static size_t typing;

static size_t type(u8 *bytes, size_t room)
{
	size_t count = MIN(typing, room);

	memset(bytes, (int)count, count);
	typing -= count;
	return count;
}

/* The input, read to its end; then zeros. */
struct input {
	const uint8_t *at;
	size_t left;
};

static u32 take(struct input *input, u32 bytes)
{
	u32 value = 0;

	for (u32 i = 0; i < bytes && input->left; i++, input->left--)
		value |= (u32)*input->at++ << (8 * i);
	return value;
}

static void access_port(struct input *input, bool write)
{
	u32 count, where = take(input, 1);
	const struct port_range *ranges = board_port_ranges(&board, &count);
	const struct port_range *range = &ranges[where % count];
	u16 port = (u16)(range->first + (where >> 4) % (range->last - range->first + 1));
	u32 bytes = 1u << take(input, 1) % 3;

	if (write)
		range->write(range->device, port, bytes, take(input, bytes));
	else
		(void)range->read(range->device, port, bytes);
}

static void access_memory(struct input *input, bool write)
{
	u32 count, kind = take(input, 1);
	const struct mmio_range *ranges = board_mmio_ranges(&board, &count);
	const struct mmio_range *range = &ranges[kind / 0x80 % count];
	u64 offset = kind & 1 ? 0x10 : kind & 2 ? kind : 0;
	u32 bytes = kind & 0x70 ? 4 : 1u << kind % 4;

	if (write)
		range->write(range->device, offset, bytes, take(input, 4));
	else
		(void)range->read(range->device, offset, bytes);
}

static void step(u64 ticks)
{
	now += ticks;
	board_advance(&board, now);
	assert(board_next_deadline(&board) > now);
}

static void step_to_deadline(void)
{
	u64 when = board_next_deadline(&board);

	if (when != CLOCK_NEVER)
		step(when - now);
}

static void one_operation(struct input *input)
{
	u32 kind = take(input, 1);

	switch (kind % 12) {
	case 0:
	case 1:
	case 2:
		access_port(input, true);
		break;
	case 3:
	case 4:
		access_port(input, false);
		break;
	case 5:
		access_memory(input, true);
		break;
	case 6:
		access_memory(input, kind & 0x80);
		break;
	case 7:
		board_set_irq(&board, take(input, 1) % PIC_LINES, kind & 0x80);
		break;
	case 8:
		if (board_intr(&board))
			(void)board_acknowledge(&board);
		board_eoi(&board, (u8)take(input, 1));
		break;
	case 9:
		step((u64)take(input, 3) << kind / 12);
		break;
	case 10:
		step_to_deadline();
		break;
	default:
		typing = take(input, 1);
		break;
	}
	assert(board_intr(&board) == intr);
	assert(board_next_deadline(&board) > now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u64 frequencies[] = { 5000000, 50000000, 2419200000, 1099511627775 };
	struct input input = { data, size };
	u32 first = take(&input, 1);
	const struct board_setup setup = { .tsc_hz = frequencies[first % 4],
					   .now = (u64)take(&input, 4) << (first & 15),
					   .seconds = take(&input, 4),
					   .memory_below_4g = GIB,
					   .messages = { send, NULL },
					   .intr = { set_intr, NULL, 0 },
					   .actions = { act, act, NULL },
					   .input = type };

	now = setup.now;
	intr = false;
	typing = 0;
	board_init(&board, &setup);
	while (input.left)
		one_operation(&input);
	return 0;
}
