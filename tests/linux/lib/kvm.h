/* SPDX-License-Identifier: MIT */
/* Requests to Linux' KVM (Documentation/virt/kvm/api.rst). */
#ifndef TESTS_LINUX_LIB_KVM_H
#define TESTS_LINUX_LIB_KVM_H

#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

/* One that fails ends the program, with its name; else what it returns. */
static inline int kvm_request(int fd, unsigned long number, const char *name, void *argument)
{
	int result = ioctl(fd, number, argument);

	if (result < 0) {
		fflush(stdout);
		perror(name);
		exit(1);
	}
	return result;
}
#define REQUEST(fd, number, argument) kvm_request(fd, number, #number, (void *)(argument))

#endif
