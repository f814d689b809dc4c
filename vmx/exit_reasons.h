/* SPDX-License-Identifier: MIT */
/* Basic exit reasons (EXIT_<NAME>) and the flag bits
 * of the exit-reason field (SDM: "Basic VM-Exit Information"). */
#ifndef VMX_EXIT_REASONS_H
#define VMX_EXIT_REASONS_H

#include "hv/types.h"

enum exit_reason {
#define EXIT_REASON(number, name, text) EXIT_##name = (number),
#include "vmx/exit_reasons.def"
#undef EXIT_REASON
};

/* One past the highest number that has a row. */
#define EXIT_REASONS_KNOWN        78u

#define EXIT_REASON_BASIC(reason) ((reason)&0xffffu)
#define EXIT_REASON_BUS_LOCK      (1u << 26)
#define EXIT_REASON_ENCLAVE       (1u << 27)
#define EXIT_REASON_PENDING_MTF   (1u << 28)
#define EXIT_REASON_FROM_ROOT     (1u << 29)
#define EXIT_REASON_ENTRY_FAILURE (1u << 31)

/* The text of a basic exit reason, "unknown exit reason" where there is none. */
const char *exit_reason_name(u32 basic);

#endif
