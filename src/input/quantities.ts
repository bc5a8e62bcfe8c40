/** Sizes, times and shares as schemas: what {@link parseBytes} and its like read, checked and explained. */

import { named, reading } from './schema-parts.js';
import { type Duration, parseBytes, parseDuration, parseHertz, parsePercent } from './units.js';

/** The largest number in a machine word. */
export const MAXIMUM_WORD = 2 ** 32 - 1;

const NUMBER = '[0-9][0-9_]*([.][0-9]+)?([eE][+-]?[0-9]+)?';
const SIZE_PATTERN = `^ *(0[xX][0-9a-fA-F_]+|${NUMBER} *([kK]([iI]?[bB])?|[mM][iI]?[bB]|[bB]([yY][tT][eE][sS]?)?)?) *$`;
const TIME_PATTERN = `^ *${NUMBER} *(ns|[uµμ]s|ms|s|sec|min|h|d|ticks?|cycles?) *$`;
const SHARE_PATTERN = `^ *${NUMBER} *% *$`;
const HERTZ_PATTERN = `^ *${NUMBER} *([kKmMgG]?[hH][zZ])? *$`;

const sizeWords = (least: number) => `a size from ${least} to ${MAXIMUM_WORD} bytes, such as 24 B or 2 KiB`;
export const SIZE_WORDS = sizeWords(0);
export const TIME_WORDS = 'a time such as 10 ms, 200 us, 3 ticks or 500 cycles';

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** YAML makes numbers of what has no unit. */
function textOrNumber(value: unknown): string | undefined {
  return typeof value === 'number' ? String(value) : text(value);
}

function parsed<Output>(
  value: string | undefined,
  parse: (text: string) => Output | undefined,
): Output | undefined {
  return value === undefined ? undefined : parse(value);
}

/** A time in a file's value, if it is one. */
export function readTime(value: unknown): Duration | undefined {
  const duration = parsed(textOrNumber(value), parseDuration);
  return duration !== undefined && duration.amount <= Number.MAX_SAFE_INTEGER ? duration : undefined;
}

function readBytes(value: unknown): number | undefined {
  const bytes = parsed(textOrNumber(value), parseBytes);
  return bytes !== undefined && bytes <= MAXIMUM_WORD ? bytes : undefined;
}

const SIZE_JSON = { type: ['string', 'integer'], pattern: SIZE_PATTERN, minimum: 0, maximum: MAXIMUM_WORD };
const TIME_JSON = { type: ['string', 'integer'], pattern: TIME_PATTERN, minimum: 0, maximum: 0 };

/** A size where something else may stand too, which `expected` then says. */
export function sizeOr(expected: string) {
  return reading(expected, SIZE_JSON, readBytes);
}

/** The same for times. */
export function timeOr(expected: string) {
  return reading(expected, TIME_JSON, readTime);
}

/** Bytes, 0 to 2^32-1. */
export const size = named(sizeOr(SIZE_WORDS));

export const positiveSize = named(reading(sizeWords(1), SIZE_JSON, (value) => readBytes(value) || undefined));

/** A constant time. 0 needs no unit. */
export const time = named(timeOr(TIME_WORDS));

/** A constant time that does pass. */
export const positiveTime = named(
  reading(`${TIME_WORDS}, but not 0`, { type: 'string', pattern: TIME_PATTERN }, (value) => {
    const duration = readTime(value);
    return duration !== undefined && duration.amount > 0 ? duration : undefined;
  }),
);

/** `60 %` as 0.6. */
export const share = named(
  reading('a share from 0 % to 100 %', { type: 'string', pattern: SHARE_PATTERN }, (value) =>
    parsed(text(value), parsePercent),
  ),
);

/** A size in bytes, or a share of something. */
export const sizeOrShare = named(
  reading<{ readonly bytes: number } | { readonly share: number }>(
    'a share such as 70 %, or a size such as 2 KiB',
    { type: ['string', 'integer'], pattern: `${SHARE_PATTERN}|${SIZE_PATTERN}`, minimum: 0 },
    (value) => {
      const part = parsed(text(value), parsePercent);
      if (part !== undefined) return { share: part };
      const bytes = readBytes(value);
      return bytes === undefined ? undefined : { bytes };
    },
  ),
);

/** How much work may be done at a time: so many bytes, or as much as fits in a time. Not nothing. */
export const sizeOrTime = named(
  reading<{ readonly bytes: number } | { readonly time: Duration }>(
    'a size such as 512 B, or a time such as 200 us or 2000 cycles, but not 0',
    { type: ['string', 'integer'], pattern: `${SIZE_PATTERN}|${TIME_PATTERN}`, minimum: 1 },
    (value) => {
      const bytes = readBytes(value);
      if (bytes !== undefined) return bytes > 0 ? { bytes } : undefined;
      const duration = readTime(value);
      return duration !== undefined && duration.amount > 0 ? { time: duration } : undefined;
    },
  ),
);

/** `72 MHz`, a bare number is Hz; whole and above 0. */
export const hertz = named(
  reading(
    'a frequency such as 72 MHz or 1000 Hz',
    { type: ['string', 'integer'], pattern: HERTZ_PATTERN, minimum: 1 },
    (value) => {
      const frequency = parsed(textOrNumber(value), parseHertz);
      return frequency !== undefined && Number.isInteger(frequency) ? frequency : undefined;
    },
  ),
);
