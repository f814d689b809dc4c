/* SPDX-License-Identifier: MIT */
/* The registers with which a plan's image starts, whoever starts it. Pure. */
#ifndef HV_GUEST_LOAD_START_H
#define HV_GUEST_LOAD_START_H

#include "hv/guest/load_plan.h"
#include "hv/start_state.h"

struct start_state load_start(const struct load_plan *plan);

#endif
