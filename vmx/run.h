/* SPDX-License-Identifier: MIT */
/* The run loop of a vCPU. */
#ifndef VMX_RUN_H
#define VMX_RUN_H

#include "vmx/vcpu.h"

/* Run the vCPU on this CPU until its VM stops. */
void vcpu_run(struct vcpu *v);

#endif
