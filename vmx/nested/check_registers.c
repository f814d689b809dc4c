/* SPDX-License-Identifier: MIT */
/* SDM "Checks on Guest Control Registers, Debug Registers, and MSRs": the rules of
 * check_registers.def as functions. */
#include "vmx/nested/check_rules.h"

static bool efer_modes_agree(u64 efer)
{
	return !(efer & EFER_LMA) == !(efer & EFER_LME);
}

#include "vmx/nested/check_code.h"
#include "vmx/nested/check_registers.def"
