/* SPDX-License-Identifier: MIT */
/*
 * Port accesses. A port that no device claims reads all ones and swallows writes, as a bus without
 * a device does; it is counted. INS and OUTS move one element an exit and leave RIP in place until
 * a repeated one is done, so that a fault or a stop in between is exact.
 */
#include "hv/msr_index.h"
#include "hv/percpu.h"
#include "hv/string.h"
#include "vmx/exit.h"
#include "vmx/inject.h"
#include "vmx/linear_now.h"
#include "vmx/ops.h"
#include "vmx/vm.h"

/* SDM "Exit Qualification for I/O Instructions". */
#define QUALIFICATION_BYTES(q) ((u32)((q)&7) + 1)
#define QUALIFICATION_IN       (1u << 3)
#define QUALIFICATION_STRING   (1u << 4)
#define QUALIFICATION_REP      (1u << 5)
#define QUALIFICATION_PORT(q)  ((u16)((q) >> 16))
/* VM-exit instruction information of INS and OUTS: address size 16, 32, 64. */
#define ADDRESS_SIZE(info)     ((info) >> 7 & 7u)

static u32 size_mask(u32 bytes)
{
	return bytes == 4 ? ~0u : (1u << (8 * bytes)) - 1;
}

static u32 port_read(struct vcpu *v, u16 port, u32 bytes)
{
	const struct port_range *range = vm_find_port(v->vm, port);
	u32 value;

	if (!range) {
		counter_inc(CTR_PORT_UNCLAIMED);
		return size_mask(bytes);
	}
	vm_devices_begin(v->vm, v->exit->tsc);
	value = range->read(range->device, port, bytes) & size_mask(bytes);
	vm_devices_end(v->vm);
	return value;
}

static void port_write(struct vcpu *v, u16 port, u32 bytes, u32 value)
{
	const struct port_range *range = vm_find_port(v->vm, port);

	if (!range) {
		counter_inc(CTR_PORT_UNCLAIMED);
		return;
	}
	vm_devices_begin(v->vm, v->exit->tsc);
	range->write(range->device, port, bytes, value & size_mask(bytes));
	vm_devices_end(v->vm);
}

static enum exit_action plain_io(struct vcpu *v, u64 q)
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
	return EXIT_SKIP_INSN;
}

/* A string instruction's element in L1's memory;
 * it may cross a page, so each byte has its address. */
struct element {
	u32 bytes;
	l1_gpa_t at[4];
};

/* Translate before the port is touched:
 * an access that faults must have no effect. False: a #PF was injected. */
static bool locate_element(struct vcpu *v, u64 linear, enum linear_access access,
			   struct element *element)
{
	const struct linear_source source = linear_source_of(v);
	const struct paging_mode mode = linear_mode_now();

	for (u32 i = 0; i < element->bytes; i++) {
		struct linear_result r = linear_translate(&mode, linear + i, access, &source);

		if (r.faults) {
			inject_page_fault(v, linear + i, r.error_code);
			return false;
		}
		element->at[i] = r.gpa;
	}
	return true;
}

/* Memory that does not exist reads all ones and swallows writes, like the bus. */
static u32 element_read(struct vcpu *v, const struct element *element)
{
	u8 bytes[4] = { 0 };
	u32 value;

	for (u32 i = 0; i < element->bytes; i++)
		if (guest_read(v->vm->memory, element->at[i], &bytes[i], 1))
			bytes[i] = 0xff;
	memcpy(&value, bytes, sizeof(value));
	return value;
}

static void element_write(struct vcpu *v, const struct element *element, u32 value)
{
	for (u32 i = 0; i < element->bytes; i++) {
		u8 byte = (u8)(value >> (8 * i));

		(void)guest_write(v->vm->memory, element->at[i], &byte, 1);
	}
}

static u64 address_mask(u32 address_size)
{
	return address_size == 0 ? BITS(15, 0) : address_size == 1 ? BITS(31, 0) : ~0ULL;
}

/* Add to an index or count register at the instruction's
 * address size; 32 bits clear the upper half. */
static void advance(u64 *reg, s64 delta, u32 address_size)
{
	u64 mask = address_mask(address_size);
	u64 next = (*reg + (u64)delta) & mask;

	*reg = address_size == 0 ? (*reg & ~mask) | next : next;
}

static enum exit_action string_io(struct vcpu *v, u64 q)
{
	struct element element = { .bytes = QUALIFICATION_BYTES(q) };
	u16 port = QUALIFICATION_PORT(q);
	bool in = q & QUALIFICATION_IN, rep = q & QUALIFICATION_REP;
	u32 address_size = ADDRESS_SIZE((u32)vmcs_read(VMCS_EXIT_INSN_INFO));
	bool down = vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_DF;
	s64 step = down ? -(s64)element.bytes : (s64)element.bytes;

	if (rep && !(v->regs[GPR_RCX] & address_mask(address_size)))
		return EXIT_SKIP_INSN;
	if (!locate_element(v, vmcs_read(VMCS_GUEST_LINEAR_ADDR), in ? LINEAR_WRITE : LINEAR_READ,
			    &element))
		return EXIT_RESUME;
	if (in)
		element_write(v, &element, port_read(v, port, element.bytes));
	else
		port_write(v, port, element.bytes, element_read(v, &element));
	advance(&v->regs[in ? GPR_RDI : GPR_RSI], step, address_size);
	if (!rep)
		return EXIT_SKIP_INSN;
	advance(&v->regs[GPR_RCX], -1, address_size);
	return v->regs[GPR_RCX] & address_mask(address_size) ? EXIT_RESUME : EXIT_SKIP_INSN;
}

enum exit_action exit_io(struct vcpu *v)
{
	u64 q = exit_qualification(v);
	enum exit_action action;

	v->exit->detail = QUALIFICATION_PORT(q);
	action = q & QUALIFICATION_STRING ? string_io(v, q) : plain_io(v, q);
	return unlikely(v->vm->stopping) ? EXIT_STOP : action; /* a power-off port was written */
}
