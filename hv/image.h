/* SPDX-License-Identifier: MIT */
/* The borders of the image's parts, from linker.ld; all page aligned, addresses as loaded. */
#ifndef HV_IMAGE_H
#define HV_IMAGE_H

#pragma GCC visibility push(hidden)
extern const char ImageBase[];
extern const char __text_start[], __text_end[];
extern const char __data_start[], __data_end[];
extern const char __symbols_start[], __symbols_end[];
#pragma GCC visibility pop

#endif
