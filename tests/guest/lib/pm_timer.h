/* SPDX-License-Identifier: MIT */
/* Where the ACPI PM timer is. */
#ifndef TESTS_GUEST_LIB_PM_TIMER_H
#define TESTS_GUEST_LIB_PM_TIMER_H

#include "hv/types.h"

/* Its port by the FADT, or by the PCI registers of a PIIX4; 0 when nothing tells. */
u16 pm_timer_port(void);

#endif
