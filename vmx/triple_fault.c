/* SPDX-License-Identifier: MIT */
/* Judging the gate of #DF (SDM "Interrupt Descriptor Table", "64-Bit Mode IDT"). */
#include "vmx/triple_fault.h"
#include "hv/format.h"
#include "hv/vectors.h"

typedef unsigned long long ull;

#define GATE_TYPE(gate)     ((u32)((gate) >> 40 & 0x1f)) /* with the S bit, which is 0 */
#define GATE_PRESENT        BIT(47)
#define GATE_SELECTOR(gate) ((u32)((gate) >> 16 & 0xffff))
#define TYPE_TASK           0x05u
#define TYPE_INTERRUPT16    0x06u
#define TYPE_TRAP16         0x07u
#define TYPE_INTERRUPT      0x0eu
#define TYPE_TRAP           0x0fu

u32 double_fault_gate_bytes(enum idt_kind kind)
{
	static const u8 bytes[] = { [IDT_REAL] = 4, [IDT_32BIT] = 8, [IDT_64BIT] = 16 };

	return bytes[kind];
}

u64 double_fault_gate_address(const struct double_fault *fault)
{
	return fault->idt_base + VECTOR_DF * (u64)double_fault_gate_bytes(fault->kind);
}

u64 double_fault_handler(const struct double_fault *fault)
{
	return (fault->gate[0] & BITS(15, 0)) | (fault->gate[0] >> 32 & BITS(31, 16)) |
	       fault->gate[1] << 32;
}

u32 double_fault_stack_index(const struct double_fault *fault)
{
	return (u32)(fault->gate[0] >> 32 & 7);
}

static bool is_gate_type(enum idt_kind kind, u32 type)
{
	if (type == TYPE_INTERRUPT || type == TYPE_TRAP)
		return true;
	return kind == IDT_32BIT &&
	       (type == TYPE_TASK || type == TYPE_INTERRUPT16 || type == TYPE_TRAP16);
}

static void explain_gate(const struct double_fault *fault, char *text, size_t size)
{
	u64 gate = fault->gate[0];
	u32 type = GATE_TYPE(gate);

	if (!is_gate_type(fault->kind, type))
		format_text(text, size, "the gate of #DF has type 0x%x, which no gate has", type);
	else if (!(gate & GATE_PRESENT))
		format_text(text, size, "the gate of #DF is not present");
	else if (!(GATE_SELECTOR(gate) & ~3u))
		format_text(text, size, "the gate of #DF has a null selector");
	else if (!fault->tss_mapped)
		format_text(text, size, "the TSS, which has the stack for #DF, is not mapped");
	else if (!fault->stack_mapped)
		format_text(text, size,
			    "the stack that #DF would have, below 0x%llx, is not mapped",
			    (ull)fault->stack);
	else if (!fault->handler_mapped)
		format_text(text, size, "the handler of #DF, at 0x%llx, is not mapped",
			    (ull)double_fault_handler(fault));
	else
		format_text(text, size, "the gate of #DF looks sound; its selector may not be");
}

void triple_fault_explain(const struct double_fault *fault, char *text, size_t size)
{
	u32 bytes = double_fault_gate_bytes(fault->kind);

	if (fault->idt_limit < VECTOR_DF * bytes + bytes - 1)
		format_text(text, size, "the IDT at 0x%llx has the limit 0x%x, so no gate for #DF",
			    (ull)fault->idt_base, fault->idt_limit);
	else if (!fault->gate_mapped)
		format_text(text, size, "the IDT at 0x%llx is not mapped", (ull)fault->idt_base);
	else if (fault->kind == IDT_REAL)
		format_text(text, size, "the vector of #DF is %x:%x",
			    (u32)(fault->gate[0] >> 16 & 0xffff), (u32)(fault->gate[0] & 0xffff));
	else
		explain_gate(fault, text, size);
}
