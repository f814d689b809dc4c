/* SPDX-License-Identifier: MIT */
/* Running the sections of entry checks, and what they need. */
#include "vmx/nested/entry_checks.h"
#include "vmx/nested/check_rules.h"

struct section {
	const char *title;
	const char *(*check)(const struct entry_check_context *c);
	u8 kind;
	u8 qualification;
};

static const struct section sections[ENTRY_CHECK_SECTIONS] = {
#define SECTION(id, kind, qualification, title) \
	[ENTRY_CHECK_##id] = { (title), check_##id, ENTRY_CHECK_##kind, (qualification) },
#define RULE(...)
#define SECTION_END
#include "vmx/nested/check_all.def"
#undef SECTION
#undef RULE
#undef SECTION_END
};

struct entry_check_failure entry_checks_run(const struct entry_check_context *c, u32 mask)
{
	while (mask) {
		const struct section *section = &sections[__builtin_ctz(mask)];
		const char *rule = section->check(c);

		if (unlikely(rule))
			return (struct entry_check_failure){ rule, section->kind,
							     section->qualification };
		mask &= mask - 1;
	}
	return (struct entry_check_failure){ 0 };
}

const char *entry_check_section_title(enum entry_check_section section)
{
	return sections[section].title;
}

u32 entry_checks_need(const struct entry_check_context *c)
{
	const struct vmcs12 *v = c->v12;
	u32 need = 0;

	if (reads_vtpr(v) && is_page(c, v->VIRTUAL_APIC_ADDR))
		need |= NEED_VTPR;
	if (has_link(v) && is_page(c, v->LINK_POINTER))
		need |= NEED_LINK_HEADER;
	if (has_pdptes(v) && !HAS(CPU2, ENABLE_EPT) && is_within_width(c, v->GUEST_CR3))
		need |= NEED_PDPTES;
	return need;
}
