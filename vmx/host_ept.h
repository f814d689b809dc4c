/* SPDX-License-Identifier: MIT */
/* Tells mm what this host's EPT can do and which memory types its MTRRs give. */
#ifndef VMX_HOST_EPT_H
#define VMX_HOST_EPT_H

/* Once, on the boot CPU, before the first EPT01. */
void host_ept_init(void);

#endif
