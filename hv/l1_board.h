/* SPDX-License-Identifier: MIT */
/*
 * L1's board in its VM: the devices of hv/dev behind the VM's ports and addresses, their
 * interrupts at the local APICs, their time. The lock that they need is vm->device_lock.
 */
#ifndef HV_L1_BOARD_H
#define HV_L1_BOARD_H

#include "hv/types.h"

struct vm;

/* Make the board and claim its ports. memory: what the CMOS reports, below and above 4 GiB. */
struct l1_memory {
	u64 below_4g, above_4g;
};
void l1_board_create(struct vm *vm, const struct l1_memory *memory);

#endif
