/* SPDX-License-Identifier: MIT */
/*
 * Nestor's board as this VM's. Local APICs are KVM's (KVM_CAP_SPLIT_IRQCHIP), the other interrupt
 * controllers are the board's: the I/O APIC sends messages, the 8259s' output goes to the first
 * vCPU. Source: Linux' Documentation/virt/kvm/api.rst.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "hv/dev/clock.h"
#include "hv/dev/power.h"
#include "tests/linux/vmm/vmm.h"

#define NS_PER_SECOND      1000000000ULL
#define SLEEP_MAX          NS_PER_SECOND
#define EXIT_STATUS_RESET  3
#define MSI_BASE           0xfee00000u
#define MSI_LOGICAL        BIT(2)
#define MSI_DESTINATION    12
#define MSI_DELIVERY       8
#define MSI_ASSERT         BIT(14)
#define MSI_LEVEL          BIT(15)
#define ENTRY_LOGICAL      BIT(11)
#define ENTRY_DESTINATION  56
#define ENTRY_MASKED       BIT(16)
#define ENTRY_MESSAGE_DATA (BIT(15) | BITS(10, 0))

static struct power power;

static void send_message(void *context, const struct ioapic_message *message)
{
	const struct vmm *vmm = context;
	struct kvm_msi msi = {
		.address_lo = MSI_BASE | (u32)message->destination << MSI_DESTINATION,
		.data = message->vector | (u32)message->delivery << MSI_DELIVERY | MSI_ASSERT,
	};

	if (message->logical)
		msi.address_lo |= MSI_LOGICAL;
	if (message->level)
		msi.data |= MSI_LEVEL;
	REQUEST(vmm->vm, KVM_SIGNAL_MSI, &msi);
}

/* KVM has to know which vectors are level-triggered, to tell of their ends. */
static void set_routes(const struct vmm *vmm)
{
	union {
		struct kvm_irq_routing header;
		u8 room[sizeof(struct kvm_irq_routing) +
			IOAPIC_PINS * sizeof(struct kvm_irq_routing_entry)];
	} routes = { .room = { 0 } };

	for (u32 pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 entry = vmm->board.ioapic.entries[pin];
		struct kvm_irq_routing_entry *route = &routes.header.entries[routes.header.nr];

		if (entry & ENTRY_MASKED)
			continue;
		routes.header.nr++;
		route->gsi = pin;
		route->type = KVM_IRQ_ROUTING_MSI;
		route->u.msi.address_lo = MSI_BASE |
					  (u32)(entry >> ENTRY_DESTINATION) << MSI_DESTINATION |
					  (entry & ENTRY_LOGICAL ? (u32)MSI_LOGICAL : 0);
		route->u.msi.data = (u32)(entry & ENTRY_MESSAGE_DATA);
	}
	REQUEST(vmm->vm, KVM_SET_GSI_ROUTING, &routes);
}

/* An ExtINT can only be given to a vCPU that is not running: a signal gets it out. */
static void set_intr(void *context, u32 line, bool level)
{
	struct vmm *vmm = context;

	(void)line;
	__atomic_store_n(&vmm->intr, level, __ATOMIC_RELEASE);
	if (level && vmm->vcpus[0].thread && vmm->vcpus[0].thread != pthread_self())
		pthread_kill(vmm->vcpus[0].thread, SIGUSR1);
}

void devices_interrupt(struct vmm_vcpu *vcpu)
{
	struct vmm *vmm = vcpu->vmm;
	struct kvm_interrupt interrupt;

	vcpu->run->request_interrupt_window = 0;
	if (vcpu->index || !__atomic_load_n(&vmm->intr, __ATOMIC_ACQUIRE))
		return;
	vcpu->run->request_interrupt_window = 1;
	if (!vcpu->run->ready_for_interrupt_injection || !vcpu->run->if_flag)
		return;
	pthread_mutex_lock(&vmm->lock);
	if (board_intr(&vmm->board)) {
		interrupt.irq = board_acknowledge(&vmm->board);
		REQUEST(vcpu->fd, KVM_INTERRUPT, &interrupt);
	}
	pthread_mutex_unlock(&vmm->lock);
	vcpu->run->request_interrupt_window = __atomic_load_n(&vmm->intr, __ATOMIC_ACQUIRE);
}

static void power_off(void *context)
{
	vmm_end(context, 0, "the guest has switched off");
}

static void reset(void *context)
{
	vmm_end(context, EXIT_STATUS_RESET, "the guest has asked for a reset");
}

/* Of hv/dev/power.c. */
void vm_stop(struct vm *vm, u32 exit_code)
{
	vmm_end((struct vmm *)vm, (int)exit_code, "the guest has stopped");
}

/* An access with the lock, at the board's time. The timer hears of a deadline that comes earlier.
 */
static void begin(struct vmm *vmm)
{
	pthread_mutex_lock(&vmm->lock);
	board_advance(&vmm->board, __rdtsc());
}

static void end(struct vmm *vmm)
{
	if (board_next_deadline(&vmm->board) < vmm->deadline)
		pthread_cond_signal(&vmm->earlier);
	pthread_mutex_unlock(&vmm->lock);
}

static const struct port_range *find_port(const struct vmm *vmm, u16 port)
{
	static const struct port_range power_ranges[] = {
		{ POWER_DEBUG_EXIT, POWER_DEBUG_EXIT + 3, power_read, power_write, &power },
		{ POWER_SHUTDOWN, POWER_SHUTDOWN, power_read, power_write, &power },
	};
	const struct port_range *ranges;
	u32 count;

	ranges = board_port_ranges(&vmm->board, &count);
	for (u32 i = 0; i < count; i++)
		if (port >= ranges[i].first && port <= ranges[i].last)
			return &ranges[i];
	for (u32 i = 0; i < ARRAY_SIZE(power_ranges); i++)
		if (port >= power_ranges[i].first && port <= power_ranges[i].last)
			return &power_ranges[i];
	return NULL;
}

struct port_access {
	u16 port;
	u32 bytes;
	u8 *data;
	bool is_write;
};

/* What reaches beyond its device arrives byte by byte; where there is none, reads are all ones. */
static void access_port(struct vmm *vmm, struct port_access access)
{
	const struct port_range *range = find_port(vmm, access.port);
	u32 value = ~0u;

	if (access.bytes > 1 && (!range || access.port + access.bytes - 1 > range->last)) {
		for (u32 i = 0; i < access.bytes; i++)
			access_port(vmm, (struct port_access){ (u16)(access.port + i), 1,
							       access.data + i, access.is_write });
		return;
	}
	if (access.is_write) {
		value = 0;
		memcpy(&value, access.data, access.bytes);
		if (range)
			range->write(range->device, access.port, access.bytes, value);
		return;
	}
	if (range)
		value = range->read(range->device, access.port, access.bytes);
	memcpy(access.data, &value, access.bytes);
}

void devices_port(struct vmm *vmm, const struct kvm_run *run)
{
	struct port_access access = {
		.port = run->io.port,
		.bytes = run->io.size,
		.data = (u8 *)run + run->io.data_offset,
		.is_write = run->io.direction == KVM_EXIT_IO_OUT,
	};

	begin(vmm);
	for (u32 i = 0; i < run->io.count; i++, access.data += access.bytes)
		access_port(vmm, access);
	end(vmm);
}

void devices_mmio(struct vmm *vmm, struct kvm_run *run)
{
	const struct mmio_range *ranges;
	u64 value = ~0ULL;
	u32 count;

	begin(vmm);
	ranges = board_mmio_ranges(&vmm->board, &count);
	for (u32 i = 0; i < count; i++) {
		u64 offset = run->mmio.phys_addr - ranges[i].first.raw;

		if (offset >= ranges[i].bytes || run->mmio.len > ranges[i].bytes - offset)
			continue;
		if (!run->mmio.is_write) {
			value = ranges[i].read(ranges[i].device, offset, run->mmio.len);
			continue;
		}
		value = 0;
		memcpy(&value, run->mmio.data, run->mmio.len);
		ranges[i].write(ranges[i].device, offset, run->mmio.len, value);
		if (ranges[i].device == &vmm->board.ioapic)
			set_routes(vmm);
	}
	if (!run->mmio.is_write)
		memcpy(run->mmio.data, &value, run->mmio.len);
	end(vmm);
}

void devices_eoi(struct vmm *vmm, u8 vector)
{
	begin(vmm);
	board_eoi(&vmm->board, vector);
	end(vmm);
}

static struct timespec after_ticks(const struct vmm *vmm, u64 ticks)
{
	struct timespec when;
	u64 ns = ticks / vmm->tsc_hz >= SLEEP_MAX / NS_PER_SECOND
			 ? SLEEP_MAX
			 : ticks * NS_PER_SECOND / vmm->tsc_hz;

	clock_gettime(CLOCK_MONOTONIC, &when);
	ns += (u64)when.tv_nsec;
	when.tv_sec += (time_t)(ns / NS_PER_SECOND);
	when.tv_nsec = (long)(ns % NS_PER_SECOND);
	return when;
}

/* Brings the board to each of its deadlines. */
static void *run_timer(void *context)
{
	struct vmm *vmm = context;

	pthread_mutex_lock(&vmm->lock);
	for (;;) {
		u64 now = __rdtsc();

		board_advance(&vmm->board, now);
		vmm->deadline = board_next_deadline(&vmm->board);
		if (vmm->deadline == CLOCK_NEVER) {
			pthread_cond_wait(&vmm->earlier, &vmm->lock);
		} else if (vmm->deadline > now) {
			struct timespec when = after_ticks(vmm, vmm->deadline - now);

			pthread_cond_timedwait(&vmm->earlier, &vmm->lock, &when);
		}
	}
	return NULL;
}

void devices_start(struct vmm *vmm)
{
	pthread_t timer;

	if (pthread_create(&timer, NULL, run_timer, vmm))
		vmm_fail("no thread for the timer");
}

void devices_create(struct vmm *vmm)
{
	const struct load_range *last = &vmm->ranges[vmm->range_count - 1];
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { IOAPIC_PINS } };
	pthread_condattr_t monotonic;

	REQUEST(vmm->vm, KVM_ENABLE_CAP, &split);
	pthread_mutex_init(&vmm->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&vmm->earlier, &monotonic);
	power.vm = (struct vm *)vmm;
	vmm->deadline = CLOCK_NEVER;
	vmm->tsc_hz = 1000ULL * (u64)REQUEST(vmm->vm, KVM_GET_TSC_KHZ, 0);
	board_init(&vmm->board, &(struct board_setup){
					.tsc_hz = vmm->tsc_hz,
					.now = __rdtsc(),
					.seconds = (u64)time(NULL),
					.memory_below_4g = last->base.raw + last->bytes,
					.messages = { send_message, vmm },
					.intr = { set_intr, vmm, 0 },
					.actions = { power_off, reset, vmm },
				});
}
