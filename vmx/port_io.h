/* SPDX-License-Identifier: MIT */
/* What IN, OUT and their string forms share. */
#ifndef VMX_PORT_IO_H
#define VMX_PORT_IO_H

#include "vmx/breakpoints.h"
#include "vmx/exit.h"
#include "vmx/ops.h"
#include "vmx/qualification.h"

u32 port_read(struct vcpu *v, u16 port, u32 bytes);
void port_write(struct vcpu *v, u16 port, u32 bytes, u32 value);

/* An access that breakpoints may meet, of which some are enabled. */
void debug_check_access(u64 dr7, enum access_kind kind, u64 address, u32 bytes);

/* A breakpoint of the guest's that this access hits is a trap behind the instruction. */
static inline void debug_note_access(enum access_kind kind, u64 address, u32 bytes)
{
	u64 dr7 = vmcs_read(VMCS_GUEST_DR7);

	if (unlikely(dr7 & DR7_ENABLED))
		debug_check_access(dr7, kind, address, bytes);
}

/* INS and OUTS. */
enum exit_action string_io(struct vcpu *v, u64 qualification);

#endif
