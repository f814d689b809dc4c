/* SPDX-License-Identifier: MIT */
/* Internal error numbers: functions return 0 or a negative one of these. */
#ifndef HV_ERRNO_H
#define HV_ERRNO_H

enum {
	EPERM = 1,
	ENOENT = 2,
	EIO = 5,
	E2BIG = 7,
	ENOMEM = 12,
	EAGAIN = 11,
	EACCES = 13,
	EFAULT = 14,
	EBUSY = 16,
	EEXIST = 17,
	EINVAL = 22,
	ENOSPC = 28,
	ERANGE = 34,
	ENOTSUP = 95,
};

#endif
