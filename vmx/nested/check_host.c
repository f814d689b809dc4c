/* SPDX-License-Identifier: MIT */
/* SDM "Checks on Host Control Registers, MSRs, and SSP" and what follows it on the host-state area:
 * the rules of check_host.def as functions. */
#include "vmx/access_rights.h"
#include "vmx/nested/check_rules.h"

static bool is_gdt_ring0(u64 selector)
{
	return !(selector & SELECTOR_TI) && SELECTOR_RPL(selector) == 0;
}

#include "vmx/nested/check_code.h"
#include "vmx/nested/check_host.def"
