/* SPDX-License-Identifier: MIT */
/* Trips from 64-bit mode down to 32-bit protected mode without paging and to real-address mode. */
#ifndef TESTS_GUEST_LIB_LEGACY_H
#define TESTS_GUEST_LIB_LEGACY_H

#include "hv/types.h"

#define LEGACY_NO_VECTOR 256u

/* Run one of the pieces of code below in 32-bit protected mode; returns its result. */
u32 legacy_run(const void *code, u32 argument);
/* The exception that ended the last trip, or LEGACY_NO_VECTOR. */
extern u32 legacy_vector;

/* legacy.asm says what each does. */
extern const char legacy_cache_disable[], legacy_pae[], legacy_long_with_tss16[],
	legacy_long_with_long_cs[], legacy_real[], legacy_alignment_storm[];

/* What legacy_real runs, once it was copied to REAL_CODE; it leaves its findings at real_result in
 * the copy. */
#define REAL_CODE 0x8000u
extern const u8 real_code[], real_code_end[], real_result[];

#endif
