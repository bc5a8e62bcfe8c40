/* SPDX-License-Identifier: MIT */
#define HEAP newlib_nano
#define HAS_RESIZE
#include "newlib_nano.h"
