/* SPDX-License-Identifier: MIT */
/* What IN, OUT and their string forms share. */
#ifndef VMX_PORT_IO_H
#define VMX_PORT_IO_H

#include "vmx/exit.h"

/* SDM "Exit Qualification for I/O Instructions". */
#define QUALIFICATION_BYTES(q) ((u32)((q)&7) + 1)
#define QUALIFICATION_IN       (1u << 3)
#define QUALIFICATION_STRING   (1u << 4)
#define QUALIFICATION_REP      (1u << 5)
#define QUALIFICATION_PORT(q)  ((u16)((q) >> 16))

u32 port_read(struct vcpu *v, u16 port, u32 bytes);
void port_write(struct vcpu *v, u16 port, u32 bytes, u32 value);

/* INS and OUTS. */
enum exit_action string_io(struct vcpu *v, u64 qualification);

#endif
