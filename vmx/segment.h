/* SPDX-License-Identifier: MIT */
/* What the guest's segment registers say about its mode. */
#ifndef VMX_SEGMENT_H
#define VMX_SEGMENT_H

#include "hv/msr_index.h"
#include "vmx/access_rights.h"
#include "vmx/ops.h"

/* Whether the guest runs 64-bit code: CS.L counts in IA-32e mode only. */
static inline bool segment_is_64bit_code(void)
{
	return (vmcs_read(VMCS_GUEST_AR_CS) & AR_L) && (vmcs_read(VMCS_GUEST_EFER) & EFER_LMA);
}

/* Current privilege level: SS.DPL (SDM "Guest Register State"). */
static inline u32 segment_cpl(void)
{
	return AR_DPL((u32)vmcs_read(VMCS_GUEST_AR_SS));
}

#endif
