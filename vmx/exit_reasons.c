/* SPDX-License-Identifier: MIT */
/* Names of the basic exit reasons. */
#include "vmx/exit_reasons.h"

/* A number with two rows initializes one element twice and does not compile (-Woverride-init). */
static const char *const texts[EXIT_REASONS_KNOWN] = {
#define EXIT_REASON(number, name, text) [number] = (text),
#include "vmx/exit_reasons.def"
#undef EXIT_REASON
};

const char *exit_reason_name(u32 basic)
{
	if (basic >= ARRAY_SIZE(texts) || !texts[basic])
		return "unknown exit reason";
	return texts[basic];
}
