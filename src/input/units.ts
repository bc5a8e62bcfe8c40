/**
 * Quantities as people write them: `24 B`, `2 KiB`, `10 ms`, `3 ticks`, `72 MHz`, `60 %`. A space before the
 * unit is optional. Parsers return undefined for what they cannot read; the caller knows the place.
 */

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  byte: 1,
  bytes: 1,
  kb: 1000,
  mb: 1000 ** 2,
  k: 1024,
  kib: 1024,
  mib: 1024 ** 2,
};

const SECOND_UNITS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  // The Greek letter, which some keyboards give for the sign above.
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  sec: 1,
  min: 60,
  h: 3600,
  d: 86_400,
};

const HERTZ_UNITS: Readonly<Record<string, number>> = { hz: 1, khz: 1e3, mhz: 1e6, ghz: 1e9 };

const QUANTITY = /^\s*([+-]?(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?)\s*([a-zµ%]*)\s*$/i;

function quantity(text: string): { value: number; unit: string } | undefined {
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  return { value: Number(match[1]!.replaceAll('_', '')), unit: match[2]!.toLowerCase() };
}

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const read = quantity(text);
  if (read === undefined || !Object.hasOwn(units, read.unit)) return undefined;
  return read.value * units[read.unit]!;
}

/** Whole bytes; a bare number is bytes, hexadecimal too. `k` is 1024; `kB` is 1000. */
export function parseBytes(text: string): number | undefined {
  if (/^\s*0x[\da-f_]+\s*$/i.test(text)) return Number(text.trim().replaceAll('_', ''));
  const bytes = scaled(text, SIZE_UNITS);
  return bytes !== undefined && Number.isInteger(bytes) && bytes >= 0 ? bytes : undefined;
}

/** A time: seconds of the clock, ticks of the kernel, or cycles of the CPU. */
export interface Duration {
  readonly amount: number;
  readonly unit: 'seconds' | 'ticks' | 'cycles';
}

/** As one would write it: `10 ms`, `0.5 ticks`, `500 cycles`. */
export function formatDuration({ amount, unit }: Duration): string {
  if (unit === 'seconds') return formatSeconds(amount);
  return `${groupDigits(amount)} ${amount === 1 ? unit.replace(/s$/, '') : unit}`;
}

/** `10 ms`, `3 ticks`, `500 cycles`. A bare 0 is no time at all. */
export function parseDuration(text: string): Duration | undefined {
  const read = quantity(text);
  if (read === undefined || read.value < 0) return undefined;
  if (/^ticks?$/.test(read.unit)) return { amount: read.value, unit: 'ticks' };
  if (/^cycles?$/.test(read.unit)) return { amount: read.value, unit: 'cycles' };
  if (read.unit === '' && read.value === 0) return { amount: 0, unit: 'seconds' };
  if (!Object.hasOwn(SECOND_UNITS, read.unit)) return undefined;
  const seconds = SECOND_UNITS[read.unit]!;
  // 9 / 1000 is the number nearest to 9 ms; 9 * 0.001 is not, and a tick too many when rounded up.
  const amount = seconds < 1 ? read.value / Math.round(1 / seconds) : read.value * seconds;
  return { amount, unit: 'seconds' };
}

/** `72 MHz`; a bare number is Hz. */
export function parseHertz(text: string): number | undefined {
  const read = quantity(text);
  if (read === undefined) return undefined;
  const hertz = read.unit === '' ? read.value : scaled(text, HERTZ_UNITS);
  return hertz !== undefined && hertz > 0 ? hertz : undefined;
}

/** `60 %` as 0.6. */
export function parsePercent(text: string): number | undefined {
  const read = quantity(text);
  return read !== undefined && read.unit === '%' && read.value >= 0 && read.value <= 100
    ? read.value / 100
    : undefined;
}

/** `24 B`, `2 KiB`, `1.5 MiB`: exact where that is short, else the bytes. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const) {
    if (bytes >= size && (bytes * 8) % size === 0) return `${bytes / size} ${unit}`;
  }
  return `${groupDigits(bytes)} B`;
}

/** `12.3 ms`: three significant digits in the unit that suits. */
export function formatSeconds(seconds: number): string {
  if (seconds === 0) return '0 s';
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['s', 1],
    ['ms', 1e-3],
    ['µs', 1e-6],
  ] as const) {
    if (seconds >= size * 0.9995) return `${significant(seconds / size)} ${unit}`;
  }
  return `${significant(seconds / 1e-9)} ns`;
}

function significant(value: number): string {
  return value >= 100 ? groupDigits(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** `1,234,567`. */
export function groupDigits(value: number): string {
  return String(value).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',');
}
