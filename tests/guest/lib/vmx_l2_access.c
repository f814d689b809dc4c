/* SPDX-License-Identifier: MIT */
/* Entries at a piece of code, and the pieces that most tests of memory have. */
#include "tests/guest/lib/vmx_l2_access.h"

__asm__(".globl read_insn, read_insn_end, write_insn, write_insn_end");
L2_CODE(read_insn, "mov (%rdi), %rax");
L2_CODE(write_insn, "mov %rax, (%rdi)");

u32 l2_run(struct l2 *l2, const void *code, u64 address)
{
	l2->regs[RDI] = address;
	return l2_enter_at(l2, code);
}

u64 l2_result(struct l2 *l2, const void *code, u64 address)
{
	u32 reason = l2_run(l2, code, address);

	return reason == EXIT_VMCALL ? l2->regs[RAX] : ~(u64)reason;
}

u32 l2_write(struct l2 *l2, u64 address, u64 value)
{
	l2->regs[RAX] = value;
	return l2_run(l2, write_insn, address);
}
