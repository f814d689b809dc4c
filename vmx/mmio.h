/* SPDX-License-Identifier: MIT */
/*
 * Accesses of L1 to addresses without memory, and writes to read-only memory: the instruction is
 * fetched, decoded and carried out here. Where no device claims the address, reads give all ones
 * and writes are swallowed, as on a bus; read-only memory drops writes, as a ROM does.
 */
#ifndef VMX_MMIO_H
#define VMX_MMIO_H

#include "vmx/exit.h"
#include "vmx/qualification.h"

struct ept_violation {
	l1_gpa_t gpa;
	u32 qualification;
	bool read_only;   /* a write to memory that is; otherwise there is none */
	bool apic_access; /* by the APIC-access page: no guest-linear address is told */
};

/* "wrote to", "fetched from", "read from". */
const char *mmio_access_name(u32 qualification);

/* Carry the access out; what cannot be carried out stops L1 with a line that says why. */
enum exit_action mmio_access(struct vcpu *v, const struct ept_violation *violation);

#endif
