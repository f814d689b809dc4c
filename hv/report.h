/* SPDX-License-Identifier: MIT */
/* What the machine did: exits by reason, counters, the tests' verdict. */
#ifndef HV_REPORT_H
#define HV_REPORT_H

#include "hv/boot_info.h"

void report_print(const struct boot_info *info);

#endif
