/* SPDX-License-Identifier: MIT */
/* The macros that make code of the rules: a section becomes a function with one comparison chain.
 * To be included once in a file, before its .def. */
#ifndef VMX_NESTED_CHECK_CODE_H
#define VMX_NESTED_CHECK_CODE_H

#include "vmx/nested/check_rules.h"

#define SECTION(id, kind, qualification, title)                     \
	const char *check_##id(const struct entry_check_context *c) \
	{                                                           \
		const struct vmcs12 *v = c->v12;                    \
                                                                    \
		return
/* clang-format off */
#define RULE(name, ...) !(__VA_ARGS__) ? (name) :
/* clang-format on */
#define SECTION_END \
	NULL;       \
	}

#endif
