/* SPDX-License-Identifier: MIT */
/*
 * What a decoded instruction does, but for the memory access itself: its address, the value that it
 * stores, and what it leaves in registers and flags. Pure. regs[] are the 16 general registers in
 * the order of their numbers; memory values have no bits above the operand's size.
 */
#ifndef VMX_MMIO_EXECUTE_H
#define VMX_MMIO_EXECUTE_H

#include "vmx/mmio_decode.h"

/* Whether memory is read, and whether it is written. */
bool mmio_reads(const struct mmio_insn *insn);
bool mmio_writes(const struct mmio_insn *insn);

/* All bits of an operand of 1, 2, 4 or 8 bytes. */
u64 mmio_mask(u32 bytes);

/*
 * The linear address of the memory operand. rip is the instruction's own; the base is that of
 * address.segment, and does not count in 64-bit code but for FS and GS.
 */
u64 mmio_linear(const struct mmio_insn *insn, const u64 *regs, u64 rip, u64 segment_base);

/* The value to store; old is what memory held, for an instruction that reads it. */
u64 mmio_store_value(const struct mmio_insn *insn, const u64 *regs, u64 old);

/* Registers and flags after the instruction, which read this value; to be called after
 * mmio_store_value(). */
void mmio_finish_read(const struct mmio_insn *insn, u64 *regs, u64 *rflags, u64 value);

#endif
