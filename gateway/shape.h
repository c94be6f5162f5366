/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_SHAPE_H
#define GATEWAY_SHAPE_H

#include "gateway/conf.h"

/*
 * Keeper and gateway process read the configuration each for itself, and call workers, listeners,
 * auth blocks and logs by number.  Equal if both mean the same by every number, whatever else has
 * been changed in the file between the two.
 */
uint64_t shape_of(const struct conf *conf);

#endif
