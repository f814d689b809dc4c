/* SPDX-License-Identifier: MIT */
/* Names of the hypervisor's own functions, for stack traces.
 * The table is made by hv/symbols.sh from the first link. */
#ifndef HV_SYMBOLS_H
#define HV_SYMBOLS_H

#include "hv/types.h"

struct symbol_entry {
	u32 offset; /* of the function from the image's base */
	u32 name;   /* of its name from the first name */
};

struct symbol_table {
	u32 count;
	struct symbol_entry entries[]; /* ascending by offset; the names follow the last entry */
};

/* The last function that starts at or before offset. */
bool symbol_search(const struct symbol_table *table, u32 offset, const char **name, u32 *start);
/* The function that an address of the image's text lies in;
 * false elsewhere, and when there is no table. */
bool symbol_find(u64 address, const char **name, u64 *offset);

#endif
