/* SPDX-License-Identifier: MIT */
/*
 * The kick. A request is a bit in the vCPU's word; the gate in vmx/enter.asm does not enter the
 * guest while a bit is set. The owner declares itself in guest with a full fence before it tests
 * the word; the requester sets the bit with a full fence before it looks whether the owner is in
 * guest: one of the two sees the other, so no request is lost. A vCPU in its guest (or between test
 * and entry) is called out by an NMI, a CPU that idles by a fixed vector.
 *
 *   requester                         owner (enter.asm)
 *   ---------                         -----------------
 *   requests |= bit   (locked)        in_guest = 1        (XCHG)
 *   in_guest? → NMI to its CPU        requests? → gate_cancel, else VMRESUME
 *                                     NMI in [gate_begin, gate_end): RIP = gate_cancel
 *                                     NMI in the guest: VM exit
 */
#ifndef VMX_REQUEST_H
#define VMX_REQUEST_H

#include "vmx/vcpu.h"

/* Set bits of enum vcpu_request, and see to it that the vCPU notices soon. From any CPU; takes no
 * lock. */
void vcpu_request(struct vcpu *v, u32 requests);

/* Take what is pending: the owner's side. */
u32 vcpu_take_requests(struct vcpu *v);

/*
 * Wait until the vCPU is out of its guest, or has taken these bits. Bounded: a vCPU that does not
 * answer ends in a panic that names it. The caller holds no lock that the vCPU's CPU may wait for,
 * and is in no reader section.
 */
void vcpu_wait_out(const struct vcpu *v, u32 requests);

/* Tell the NMI handler which region of code it restarts; once, before the first vCPU runs. */
void request_init(void);

#endif
