/* SPDX-License-Identifier: MIT */
/* Lists that an element leaves by itself: it knows the link that points to it. Zeroed: empty, and
 * in no list. */
#ifndef VMX_NESTED_HLIST_H
#define VMX_NESTED_HLIST_H

#include "hv/types.h"

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **link; /* what points here; NULL: in no list */
};

struct hlist {
	struct hlist_node *first;
};

static inline void hlist_push(struct hlist *list, struct hlist_node *node)
{
	node->next = list->first;
	node->link = &list->first;
	if (node->next)
		node->next->link = &node->next;
	list->first = node;
}

/* Of a node in no list: nothing. */
static inline void hlist_remove(struct hlist_node *node)
{
	if (!node->link)
		return;
	*node->link = node->next;
	if (node->next)
		node->next->link = node->link;
	node->link = NULL;
}

static inline bool hlist_has(const struct hlist_node *node)
{
	return node->link != NULL;
}

#endif
