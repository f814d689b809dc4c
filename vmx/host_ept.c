/* SPDX-License-Identifier: MIT */
/* The host's EPT capabilities and MTRRs, read once. */
#include "vmx/host_ept.h"
#include "mm/ept01.h"
#include "mm/mtrr.h"
#include "vmx/caps.h"

void host_ept_init(void)
{
	static struct mtrr_map types; /* EPT01 looks at it for as long as L0 runs */
	const struct ept_features features = {
		.leaf_2m = vmx_has_ept_caps(EPT_CAP_MASK(PAGE_2M)),
		.leaf_1g = vmx_has_ept_caps(EPT_CAP_MASK(PAGE_1G)),
		.accessed_dirty = vmx_has_ept_caps(EPT_CAP_MASK(ACCESSED_DIRTY)),
		.execute_only = vmx_has_ept_caps(EPT_CAP_MASK(EXECUTE_ONLY)),
	};

	mtrr_read(&types);
	ept01_set_features(&features, &types);
}
