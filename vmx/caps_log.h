/* SPDX-License-Identifier: MIT */
/* The capability report of `log = caps`. */
#ifndef VMX_CAPS_LOG_H
#define VMX_CAPS_LOG_H

/* Print what vmx_caps_read() found, with names. */
void caps_log(void);

#endif
