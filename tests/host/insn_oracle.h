/* SPDX-License-Identifier: MIT */
/* A second opinion on instructions: the Capstone disassembler. Programs that use it link with
 * -lcapstone. */
#ifndef INSN_ORACLE_H
#define INSN_ORACLE_H

#include "vmx/mmio_decode.h"

/* What the disassembler calls the instruction: "mov dword ptr [rbx], eax"; "" if it knows none. */
const char *oracle_text(enum mmio_code code, const u8 *bytes, u32 count);
/* NULL, or in what a decoding and the disassembler differ. */
const char *oracle_objection(const struct mmio_insn *insn, enum mmio_code code, const u8 *bytes,
			     u32 count);
/* Whether the disassembler sees an instruction that mmio_decode() should know. */
bool oracle_expects(enum mmio_code code, const u8 *bytes, u32 count);

#endif
