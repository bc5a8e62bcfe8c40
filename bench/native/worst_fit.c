/* SPDX-License-Identifier: MIT */
#define FIT WORST
#define HEAP worst_fit
#include "fits.h"
