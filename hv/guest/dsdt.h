/* SPDX-License-Identifier: MIT */
/* L1's DSDT: a whole table, header and checksum among it. */
#ifndef HV_GUEST_DSDT_H
#define HV_GUEST_DSDT_H

#include "hv/types.h"

extern const u8 dsdt_aml[], dsdt_aml_end[];

#endif
