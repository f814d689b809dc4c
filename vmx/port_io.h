/* SPDX-License-Identifier: MIT */
/* What IN, OUT and their string forms share. */
#ifndef VMX_PORT_IO_H
#define VMX_PORT_IO_H

#include "vmx/exit.h"
#include "vmx/qualification.h"

u32 port_read(struct vcpu *v, u16 port, u32 bytes);
void port_write(struct vcpu *v, u16 port, u32 bytes, u32 value);

/* INS and OUTS. */
enum exit_action string_io(struct vcpu *v, u64 qualification);

#endif
