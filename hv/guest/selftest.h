/* SPDX-License-Identifier: MIT */
/* The built-in self-test's image, page-aligned. */
#ifndef HV_GUEST_SELFTEST_H
#define HV_GUEST_SELFTEST_H

#include "hv/types.h"

extern const u8 selftest_image[], selftest_image_end[];

#endif
