/* SPDX-License-Identifier: MIT */
/* Nestor's hypercalls for a program of L1's: by the port (hv/abi.h). */
#ifndef TESTS_LINUX_LIB_PORT_H
#define TESTS_LINUX_LIB_PORT_H

#include <stdint.h>

#include "hv/abi.h"

struct call {
	uint64_t number, rbx, rcx, rdx;
};

/* Lets this thread and those that it starts at the port. NULL, or what to say of why not. */
const char *port_open(void);
/* 0 or a negative error; what comes back in RBX is in c->rbx. */
int64_t port_call(struct call *c);

/* The L1-physical address of the page that a present address is in; 0: it cannot be told. */
uint64_t physical_address(const volatile void *address);

#endif
