/* SPDX-License-Identifier: MIT */
/* Private to route*.c: the exits whose owner depends on more than one control. */
#ifndef VMX_NESTED_ROUTE_RULES_H
#define VMX_NESTED_ROUTE_RULES_H

#include "vmx/controls.h"
#include "vmx/nested/route.h"

/* All that a rule may look at. */
struct route_case {
	const struct exit02 *exit;
	const struct vmcs12 *v12;
	const struct bitmap_source *bitmaps;
};

/* Whether L1 has one of these controls on: the secondary ones count only where they are activated.
 */
bool route_has_control(const struct vmcs12 *v12, enum control_set set, u32 mask);

bool route_exception(const struct route_case *c);
bool route_cr_access(const struct route_case *c);
bool route_io(const struct route_case *c);
bool route_rdmsr(const struct route_case *c);
bool route_wrmsr(const struct route_case *c);
bool route_vmread(const struct route_case *c);
bool route_vmwrite(const struct route_case *c);
bool route_pause(const struct route_case *c);
bool route_monitor_trap(const struct route_case *c);
bool route_vmfunc(const struct route_case *c);
bool route_encls(const struct route_case *c);
bool route_enclv(const struct route_case *c);
bool route_pconfig(const struct route_case *c);
bool route_xsaves(const struct route_case *c);
bool route_loadiwkey(const struct route_case *c);

#endif
