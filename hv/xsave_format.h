/* SPDX-License-Identifier: MIT */
/* The area of XSAVE and XRSTOR (SDM volume 1, "XSAVE Area"): offsets in bytes. */
#ifndef HV_XSAVE_FORMAT_H
#define HV_XSAVE_FORMAT_H

#include "hv/types.h"

#define XSAVE_XSTATE_BV      512u /* the header, behind the legacy region */
#define XSAVE_XCOMP_BV       520u
#define XSAVE_HEADER_END     576u
#define XSAVE_FIRST_EXTENDED 2u /* the first component behind the header */

#define XCOMP_BV_COMPACTED   BIT(63)

#endif
