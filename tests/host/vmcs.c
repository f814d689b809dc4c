/* SPDX-License-Identifier: MIT */
/* The VMCS of the host double of vmx/ops.h. */
#include "vmx/ops.h"

u64 host_vmcs[VMCS_SLOTS];
