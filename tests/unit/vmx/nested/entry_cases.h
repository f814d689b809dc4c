/* SPDX-License-Identifier: MIT */
/* entry_cases.def as code and as a table. */
#ifndef TESTS_UNIT_VMX_NESTED_ENTRY_CASES_H
#define TESTS_UNIT_VMX_NESTED_ENTRY_CASES_H

#include "entry_world.h"

static inline bool is_same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

#define ALL_SECTIONS    (ENTRY_CHECK_MASK(SECTIONS) - 1)

#define JOIN3_(a, b, c) a##_##b##_##c
#define JOIN3(a, b, c)  JOIN3_(a, b, c)
#define JOIN2_(a, b)    a##_##b
#define JOIN2(a, b)     JOIN2_(a, b)
#define NAME_(tag)      #tag
#define NAME(tag)       NAME_(tag)
#define OF(field)       v->JOIN2(field, TAG)
#define CASE            JOIN3(case, TAG, __LINE__)

#define BREAKS(rule, base, setup, change)                 \
	static void CASE(struct world *w, bool is_broken) \
	{                                                 \
		struct vmcs12 *v = &w->v;                 \
                                                          \
		world_##base(w);                          \
		setup;                                    \
		if (is_broken) {                          \
			change;                           \
		}                                         \
		(void)v;                                  \
	}
#define HOLDS(base, setup) BREAKS(NULL, base, setup, )
#include "entry_cases.def"
#undef BREAKS

static const struct entry_case {
	const char *rule; /* NULL: nothing breaks */
	const char *text;
	void (*make)(struct world *w, bool is_broken);
} entry_cases[] = {
#define BREAKS(rule, base, setup, change) { (rule), #base ": " #setup "; " #change, CASE },
#include "entry_cases.def"
};
#undef BREAKS

#endif
