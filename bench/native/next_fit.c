/* SPDX-License-Identifier: MIT */
#define FIT NEXT
#define HEAP next_fit
#include "fits.h"
