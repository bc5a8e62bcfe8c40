/* SPDX-License-Identifier: MIT */
#define FIT BEST
#define HEAP best_fit
#include "fits.h"
