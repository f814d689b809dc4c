/* SPDX-License-Identifier: MIT */
/* The capability report: every control and capability
 * that the CPU offers, by name, from the tables. */
#include "vmx/caps_log.h"
#include "hv/log.h"
#include "hv/string.h"
#include "vmx/caps.h"

#define SUBSYSTEM     "caps"
#define LIST_TEXT_MAX 400 /* with its head it stays below what a log line holds */

/* A list that grows name by name and leaves as a line whenever it is full. */
struct list {
	const char *head;
	size_t length;
	char text[LIST_TEXT_MAX];
};

static void list_flush(struct list *list)
{
	list->text[list->length] = '\0';
	log_line(SUBSYSTEM, "%s: %s", list->head, list->length ? list->text : "none");
	list->length = 0;
}

static void list_add(struct list *list, const char *name)
{
	size_t length = strlen(name);

	if (list->length + length + 3 > sizeof(list->text))
		list_flush(list);
	if (list->length) {
		memcpy(list->text + list->length, ", ", 2);
		list->length += 2;
	}
	memcpy(list->text + list->length, name, length);
	list->length += length;
}

static void log_controls(enum control_set set)
{
	struct list list = { .head = control_set_name(set) };

	for (u32 i = 0; i < control_count; i++) {
		if (control_table[i].set == set &&
		    vmx_has_controls(set, 1u << control_table[i].bit))
			list_add(&list, control_table[i].text);
	}
	list_flush(&list);
}

static void log_ept(void)
{
	static const struct {
		u32 bit;
		const char *text;
	} table[] = {
#define EPT_CAP(bit_, name_, text_) { .bit = (bit_), .text = (text_) },
#include "vmx/ept_caps.def"
#undef EPT_CAP
	};
	struct list list = { .head = "EPT and VPID" };

	for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
		if (vmx_has_ept_caps(BIT(table[i].bit)))
			list_add(&list, table[i].text);
	}
	list_flush(&list);
}

static void log_misc(const struct vmx_caps *caps)
{
	struct list list = { .head = "misc" };

	if (caps->misc & VMX_MISC_SAVES_LMA)
		list_add(&list, "exits save EFER.LMA");
	if (caps->misc & VMX_MISC_HLT)
		list_add(&list, "activity HLT");
	if (caps->misc & VMX_MISC_SHUTDOWN)
		list_add(&list, "activity shutdown");
	if (caps->misc & VMX_MISC_WAIT_FOR_SIPI)
		list_add(&list, "activity wait-for-SIPI");
	if (caps->misc & VMX_MISC_VMWRITE_ANY)
		list_add(&list, "VMWRITE to exit information");
	if (caps->misc & VMX_MISC_ZERO_LENGTH)
		list_add(&list, "injection with length 0");
	list_flush(&list);
	log_line(SUBSYSTEM, "timer shift %u, CR3 targets %u, MSR list at most %u",
		 VMX_MISC_TIMER_SHIFT(caps->misc), VMX_MISC_CR3_TARGETS(caps->misc),
		 VMX_MISC_MSR_LIST_MAX(caps->misc));
}

void caps_log(void)
{
	const struct vmx_caps *caps = vmx_caps();

	if (!caps->vmx) {
		log_line(SUBSYSTEM, "no VMX");
		return;
	}
	log_line(SUBSYSTEM,
		 "VMCS revision 0x%x, %u bytes, %s, MAXPHYADDR %u, highest field index %u",
		 VMX_BASIC_REVISION(caps->basic), VMX_BASIC_SIZE(caps->basic),
		 (caps->basic & VMX_BASIC_TRUE_CONTROLS) ? "TRUE controls" : "no TRUE controls",
		 caps->physical_bits, (u32)(caps->vmcs_enum >> 1) & 0x1ffu);
	log_line(SUBSYSTEM,
		 "CR0 fixed 0x%llx..0x%llx, CR4 fixed 0x%llx..0x%llx, VM functions 0x%llx",
		 (unsigned long long)caps->cr0_fixed0, (unsigned long long)caps->cr0_fixed1,
		 (unsigned long long)caps->cr4_fixed0, (unsigned long long)caps->cr4_fixed1,
		 (unsigned long long)caps->vmfunc);
	for (u32 set = 0; set < CONTROL_SETS; set++)
		log_controls(set);
	log_ept();
	log_misc(caps);
}
