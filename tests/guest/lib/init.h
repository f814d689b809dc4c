/* SPDX-License-Identifier: MIT */
/* Between start.asm and an image's own main function. */
#ifndef TESTS_GUEST_LIB_INIT_H
#define TESTS_GUEST_LIB_INIT_H

/* Each image has one; it ends the run with report_end(). cmdline is never NULL. */
_Noreturn void guest_main(const char *cmdline);

#endif
