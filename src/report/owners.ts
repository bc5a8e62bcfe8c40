/** Who holds memory, with a letter and a colour each: the key to a block map. */

import type { OutOfMemoryEvent } from '../inspect/result.js';
import type { Paint } from './paint.js';

export interface Owner {
  readonly name: string;
  readonly blocks: number;
  /** With headers and rounding. */
  readonly bytes: number;
  readonly requested: number;
  /** Upper case; shared by those who came too late for one of their own. */
  readonly letter: string;
  readonly style: (text: string) => string;
}

/** For those for whom no letter is left. */
export const SHARED_LETTER = '*';
const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'];

/** Foreground and background, told apart also by people who see few colours (Okabe and Ito's set, and tints). */
const PALETTE: readonly (readonly [text: string, ground: string])[] = [
  ['#000000', '#56b4e9'],
  ['#000000', '#e69f00'],
  ['#ffffff', '#007a5a'],
  ['#000000', '#f0e442'],
  ['#ffffff', '#0058a0'],
  ['#ffffff', '#c04a00'],
  ['#000000', '#d890b8'],
  ['#ffffff', '#7a4a9a'],
  ['#000000', '#a6d96a'],
  ['#ffffff', '#8c2d2d'],
  ['#000000', '#c8c8a0'],
  ['#ffffff', '#4a6a7a'],
];

/** Holders in the order of what they hold; letters after their names where those are free. */
export function ownersOf(event: OutOfMemoryEvent, paint: Paint): Owner[] {
  const taken = new Set<string>();
  return event.liveByOwner.map(({ owner, blocks, bytes, requested }, rank) => {
    const letter = letterFor(owner, taken);
    taken.add(letter);
    return { name: owner, blocks, bytes, requested, letter, style: styleOf(rank, paint) };
  });
}

function letterFor(name: string, taken: ReadonlySet<string>): string {
  // A queue's name says more than the word before it, which all queues have; so does an interrupt's.
  const own = [...name.replace(/^\w+:/, '').toUpperCase()].filter((letter) => LETTERS.includes(letter));
  return [...own, ...LETTERS].find((letter) => !taken.has(letter)) ?? SHARED_LETTER;
}

function styleOf(rank: number, { color }: Paint): (text: string) => string {
  if (color.level === 1) return basicStyle(rank, color);
  const [text, ground] = PALETTE[rank % PALETTE.length]!;
  return color.bgHex(ground).hex(text);
}

/** Sixteen colours cannot be mixed: named ones, or neighbours of the palette would fall together. */
function basicStyle(rank: number, color: Paint['color']): (text: string) => string {
  const styles = [
    color.bgCyan.black,
    color.bgYellow.black,
    color.bgGreen.black,
    color.bgMagenta.black,
    color.bgBlue.white,
    color.bgRed.white,
    color.bgWhite.black,
    color.bgCyanBright.black,
    color.bgYellowBright.black,
    color.bgMagentaBright.black,
  ];
  return styles[rank % styles.length]!;
}
