/* SPDX-License-Identifier: MIT */
/*
 * INS and OUTS. They move one element an exit and leave RIP in place until a repeated one is done,
 * so that a fault, a trap or a stop in between is exact.
 */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "vmx/debug_access.h"
#include "vmx/inject.h"
#include "vmx/linear_now.h"
#include "vmx/ops.h"
#include "vmx/port_io.h"
#include "vmx/segment.h"
#include "vmx/string_operand.h"
#include "vmx/vm.h"

/* VM-exit instruction information of INS and OUTS: address size 16, 32, 64, and OUTS's segment. */
#define ADDRESS_SIZE(info) ((info) >> 7 & 7u)
#define SEGMENT(info)      ((info) >> 15 & 7u)

/* The instruction of an exit, taken apart. */
struct string_insn {
	u16 port;
	u32 bytes;
	bool in, rep;
	bool long_code;
	u32 address_size;
	u32 segment; /* enum segment */
};

/* A string instruction's element in L1's memory; it may cross a page, so each byte has its address.
 */
struct element {
	u64 linear;
	u32 bytes;
	l1_gpa_t at[4];
};

static u64 address_mask(u32 address_size)
{
	return address_size == 0 ? BITS(15, 0) : address_size == 1 ? BITS(31, 0) : ~0ULL;
}

/* What the CPU checks before it translates. False: a fault was injected. */
static bool check_operand(struct vcpu *v, const struct string_insn *insn, u64 linear)
{
	u64 rflags = vmcs_read(VMCS_GUEST_RFLAGS), cr0 = vmcs_read(VMCS_GUEST_CR0);
	u64 index = v->regs[insn->in ? GPR_RDI : GPR_RSI];
	const struct string_operand operand = {
		.linear = linear,
		.offset = index & address_mask(insn->address_size),
		.bytes = insn->bytes,
		.is_write = insn->in,
		.is_stack_segment = insn->segment == SEGMENT_SS,
		.limit = (u32)vmcs_read((enum vmcs_field)(VMCS_GUEST_LIMIT_ES + 2 * insn->segment)),
		.rights = (u32)vmcs_read((enum vmcs_field)(VMCS_GUEST_AR_ES + 2 * insn->segment)),
		.long_code = insn->long_code,
		.type_free = !(cr0 & CR0_PE) || (rflags & RFLAGS_VM),
		.alignment = segment_cpl() == 3 && (cr0 & CR0_AM) && (rflags & RFLAGS_AC),
	};
	enum vector fault = string_operand_fault(&operand);

	if (fault != VECTOR_NONE)
		inject_exception_error(v, fault, 0);
	return fault == VECTOR_NONE;
}

/* Translate before the port is touched: an access that faults must have no effect. False: a #PF was
 * injected, or an L2's EPT12 forbids it. */
static bool locate_element(struct vcpu *v, const struct string_insn *insn, struct element *element)
{
	const struct paging_mode mode = linear_mode_now(v);

	for (u32 i = 0; i < element->bytes; i++) {
		u64 linear = insn->long_code ? element->linear + i : (u32)(element->linear + i);
		struct linear_result r =
			linear_now(v, &mode, linear, insn->in ? LINEAR_WRITE : LINEAR_READ);

		if (r.is_refused)
			return false;
		if (r.faults) {
			inject_page_fault(v, linear, r.error_code);
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
		if (walk_cache_read(&v->walk, element->at[i], &bytes[i], 1))
			bytes[i] = 0xff;
	memcpy(&value, bytes, sizeof(value));
	return value;
}

static void element_write(struct vcpu *v, const struct element *element, u32 value)
{
	for (u32 i = 0; i < element->bytes; i++) {
		u8 byte = (u8)(value >> (8 * i));

		(void)walk_cache_write(&v->walk, element->at[i], &byte, 1);
	}
}

static void transfer(struct vcpu *v, const struct string_insn *insn, const struct element *element)
{
	if (insn->in)
		element_write(v, element, port_read(v, insn->port, element->bytes));
	else
		port_write(v, insn->port, element->bytes, element_read(v, element));
	debug_note_access(ACCESS_PORT, insn->port, insn->bytes);
	debug_note_access(insn->in ? ACCESS_WRITE : ACCESS_READ, element->linear, insn->bytes);
}

/* Add to an index or count register at the instruction's address size; 32 bits clear the upper
 * half. */
static void advance(u64 *reg, s64 delta, u32 address_size)
{
	u64 mask = address_mask(address_size);
	u64 next = (*reg + (u64)delta) & mask;

	*reg = address_size == 0 ? (*reg & ~mask) | next : next;
}

enum exit_action string_io(struct vcpu *v, u64 q)
{
	u32 info = (u32)vmcs_read(VMCS_EXIT_INSN_INFO);
	const struct string_insn insn = {
		.port = QUALIFICATION_PORT(q),
		.bytes = QUALIFICATION_BYTES(q),
		.in = q & QUALIFICATION_IN,
		.rep = q & QUALIFICATION_REP,
		.long_code = segment_is_64bit_code(),
		.address_size = ADDRESS_SIZE(info),
		.segment = q & QUALIFICATION_IN ? (u32)SEGMENT_ES : MIN(SEGMENT(info), SEGMENT_GS),
	};
	struct element element = { .linear = vmcs_read(VMCS_GUEST_LINEAR_ADDR),
				   .bytes = insn.bytes };
	bool down = vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_DF;

	if (insn.rep && !(v->regs[GPR_RCX] & address_mask(insn.address_size)))
		return EXIT_SKIP_INSN;
	if (!check_operand(v, &insn, element.linear) || !locate_element(v, &insn, &element))
		return EXIT_RESUME;
	transfer(v, &insn, &element);
	advance(&v->regs[insn.in ? GPR_RDI : GPR_RSI], down ? -(s64)insn.bytes : (s64)insn.bytes,
		insn.address_size);
	if (!insn.rep)
		return EXIT_SKIP_INSN;
	advance(&v->regs[GPR_RCX], -1, insn.address_size);
	return v->regs[GPR_RCX] & address_mask(insn.address_size) ? EXIT_NEXT_ITERATION
								  : EXIT_SKIP_INSN;
}
