/* SPDX-License-Identifier: MIT */
/*
 * How L0 reaches pages of L1's memory that it needs again and again (configuration key pfn_cache).
 * Cached is the way; the others are what hypervisors do that have no such caches, there to be
 * measured beside it (docs/bench.md).
 */
#ifndef HV_PFN_CACHE_MODE_H
#define HV_PFN_CACHE_MODE_H

enum pfn_cache_mode {
	PFN_CACHE_CACHED, /* it is kept, until a change takes it away */
	PFN_CACHE_LOOKUP, /* its region is looked up each time; the mapping stands */
	PFN_CACHE_MAPPED, /* it is looked up, mapped and unmapped each time, for this CPU */
	PFN_CACHE_GLOBAL, /* the same for all CPUs, for what vmcs12 names */
};

#endif
