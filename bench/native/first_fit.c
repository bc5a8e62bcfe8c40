/* SPDX-License-Identifier: MIT */
#define FIT FIRST
#define HEAP first_fit
#include "fits.h"
