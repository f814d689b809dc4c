/* SPDX-License-Identifier: MIT */
/*
 * Port accesses. A port that no device claims reads all ones and swallows writes, as a bus without
 * a device does; it is counted. INS and OUTS: vmx/string_io.c.
 */
#include "hv/msr_index.h"
#include "hv/percpu.h"
#include "hv/x86.h"
#include "vmx/debug_access.h"
#include "vmx/hypercall.h"
#include "vmx/inject.h"
#include "vmx/ops.h"
#include "vmx/port_io.h"
#include "vmx/vm.h"

static u32 size_mask(u32 bytes)
{
	return bytes == 4 ? ~0u : (1u << (8 * bytes)) - 1;
}

/* An access that no single device answers: as on a bus, each byte goes to who has its port. */
static u32 read_bytes(struct vcpu *v, u16 port, u32 bytes)
{
	u32 value = 0;

	for (u32 i = 0; i < bytes; i++)
		value |= port_read(v, (u16)(port + i), 1) << (8 * i);
	return value;
}

static void write_bytes(struct vcpu *v, u16 port, u32 bytes, u32 value)
{
	for (u32 i = 0; i < bytes; i++)
		port_write(v, (u16)(port + i), 1, value >> (8 * i));
}

u32 port_read(struct vcpu *v, u16 port, u32 bytes)
{
	const struct port_range *range;
	u32 value;

	switch (vm_find_ports(v->vm, port, bytes, &range)) {
	case PORTS_FREE:
		break;
	case PORTS_OF_ONE:
		vm_devices_begin(v->vm, v->exit->tsc);
		value = range->read(range->device, port, bytes) & size_mask(bytes);
		vm_devices_end(v->vm);
		return value;
	case PORTS_OF_SEVERAL:
		return read_bytes(v, port, bytes);
	}
	counter_inc(CTR_PORT_UNCLAIMED);
	return size_mask(bytes);
}

void port_write(struct vcpu *v, u16 port, u32 bytes, u32 value)
{
	const struct port_range *range;

	switch (vm_find_ports(v->vm, port, bytes, &range)) {
	case PORTS_FREE:
		counter_inc(CTR_PORT_UNCLAIMED);
		return;
	case PORTS_OF_ONE:
		vm_devices_begin(v->vm, v->exit->tsc);
		range->write(range->device, port, bytes, value & size_mask(bytes));
		vm_devices_end(v->vm);
		return;
	case PORTS_OF_SEVERAL:
		write_bytes(v, port, bytes, value);
		return;
	}
}

static void access_port(struct vcpu *v, u64 q)
{
	u16 port = QUALIFICATION_PORT(q);
	u32 bytes = QUALIFICATION_BYTES(q);
	u64 rax = v->regs[GPR_RAX];

	if (!(q & QUALIFICATION_IN)) {
		port_write(v, port, bytes, (u32)rax);
	} else if (bytes == 4) {
		v->regs[GPR_RAX] =
			port_read(v, port, bytes); /* a 32-bit result clears the upper half */
	} else {
		u64 mask = size_mask(bytes);

		v->regs[GPR_RAX] = (rax & ~mask) | port_read(v, port, bytes);
	}
}

static bool is_call(u64 q)
{
	return QUALIFICATION_PORT(q) == NESTOR_CALL_PORT && QUALIFICATION_BYTES(q) == 4 &&
	       (q & QUALIFICATION_IN);
}

static enum exit_action plain_io(struct vcpu *v, u64 q)
{
	if (likely(!is_call(q)) || !hypercall_by_port(v))
		access_port(v, q);
	debug_note_access(ACCESS_PORT, QUALIFICATION_PORT(q), QUALIFICATION_BYTES(q));
	return EXIT_SKIP_INSN;
}

enum exit_action exit_io(struct vcpu *v)
{
	u64 q = exit_qualification(v);
	enum exit_action action;

	v->exit->detail = QUALIFICATION_PORT(q);
	action = q & QUALIFICATION_STRING ? string_io(v, q) : plain_io(v, q);
	return unlikely(v->vm->stopping) ? EXIT_STOP : action; /* a power-off port was written */
}
