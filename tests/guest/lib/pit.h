/* SPDX-License-Identifier: MIT */
/* The 8254 timer: 1.193182 MHz, channel 0 on IRQ 0, channel 2 behind port 61h. */
#ifndef TESTS_GUEST_LIB_PIT_H
#define TESTS_GUEST_LIB_PIT_H

#include "hv/types.h"

#define PIT_HZ            1193182ULL
#define PIT_CONTROL       0x43u
#define PIT_STATUS_OUT    0x80u
#define PIT_STATUS_NULL   0x40u
#define PIT_STATUS_ACCESS 0x30u /* both bytes, low first */
#define PIT_GATE_PORT     0x61u
#define PIT_GATE_2        0x01u
#define PIT_GATE_OUT_2    0x20u

enum pit_mode { PIT_MODE_0 = 0, PIT_MODE_2 = 2, PIT_MODE_3 = 3 };

bool pit_is_present(void);
/* Mode and count (0 = 65536), two bytes. */
void pit_program(u32 channel, enum pit_mode mode, u16 count);
/* Mode without a count: the channel does not run. */
void pit_stop(u32 channel);
void pit_latch(u32 channel);
/* Two bytes: of the latched count, else of the running one. */
u16 pit_read(u32 channel);
u16 pit_read_latched(u32 channel);
u8 pit_status(u32 channel);
void pit_gate_2(bool open);

/* TSC ticks a millisecond, measured once with channel 2; 0 when the PIT does not count. */
u64 pit_ticks_per_ms(void);

#endif
