/* SPDX-License-Identifier: MIT */
/* The integer names and small helpers that every file uses. */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define BIT(n)                          (1ULL << (n))
/* A mask of bits low..high, both included. */
#define BITS(high, low)                 (((~0ULL) >> (63 - (high))) & ((~0ULL) << (low)))
#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define KIB                             (1ULL << 10)
#define MIB                             (1ULL << 20)
#define GIB                             (1ULL << 30)
#define PAGE_SHIFT                      12
#define PAGE_SIZE                       4096ULL
#define ALIGN_UP(x, a)                  (((x) + (a)-1) & ~((u64)(a)-1))
#define ALIGN_DOWN(x, a)                ((x) & ~((u64)(a)-1))
#define IS_ALIGNED(x, a)                (((x) & ((u64)(a)-1)) == 0)
#define MIN(a, b)                       ((a) < (b) ? (a) : (b))
#define MAX(a, b)                       ((a) > (b) ? (a) : (b))

#define likely(x)                       __builtin_expect(!!(x), 1)
#define unlikely(x)                     __builtin_expect(!!(x), 0)
#define READ_ONCE(x)                    (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)                (*(volatile __typeof__(x) *)&(x) = (v))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* The order of the smallest run of 2^order pages that holds this many bytes. */
static inline unsigned int page_order(u64 bytes)
{
	unsigned int order = 0;

	while (PAGE_SIZE << order < bytes)
		order++;
	return order;
}

#endif
