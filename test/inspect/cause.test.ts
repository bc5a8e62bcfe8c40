import { describe, expect, it } from 'vitest';
import { type Cause, causeOf } from '../../src/inspect/cause.js';

/** `h32` a hole, `u16` a block, `b8` bookkeeping, `[` to `]` a slab or page; `|` starts another region. */
function mapOf(text: string) {
  let address = 0x2000_0000;
  let page: number | undefined;
  return text.split(' ').flatMap((word) => {
    if (word === '|') {
      address += 0x1_0000;
      return [];
    }
    if (word === '[' || word === ']') {
      page = word === '[' ? address : undefined;
      return [];
    }
    const kind = word[0] === 'h' ? 'hole' : word[0] === 'u' ? 'used' : 'bookkeeping';
    const bytes = Number(word.slice(1));
    const piece = { kind, address, bytes, page } as const;
    address += bytes;
    return [piece];
  });
}

describe('the cause of a failed request', () => {
  it.each<[Cause, string, number, number]>([
    ['too-large', 'h100 u28 b8', 121, 129],
    ['class-empty', 'u64 h64 b8', 40, 48],
    ['uncoalesced', 'u64 h32 h32 u8', 56, 64],
    ['overhead', 'u64 h32 u8 h16', 30, 40],
    ['fragmented', 'u64 h32 u8 h32', 56, 64],
    ['exhausted', 'u64 h32 u8', 56, 64],
    ['exhausted', 'u64 u8 b8', 8, 16],
    ['region', 'h40 u60 b8 | h40 u60 b8', 56, 64],
    ['fragmented', 'h40 u20 h40 b8 | h8 u60 b8', 56, 64],
  ])('is %s for %s', (cause, map, requested, needed) => {
    expect(causeOf(mapOf(map), requested, needed)).toBe(cause);
  });

  it.each<[Cause, string, number, number]>([
    ['class-empty', '[ b8 u16 h16 h16 h16 ] u64', 40, 48],
    ['class-empty', '[ b8 u16 h16 ] h32 u64', 40, 48],
    ['uncoalesced', '[ b8 u16 h16 ] h32 h32 u64', 40, 48],
    ['fragmented', '[ b8 u16 h16 ] h24 u64 h24', 40, 48],
    ['exhausted', '[ b8 u16 h16 ] h24 u64', 40, 48],
  ])('is %s for %s, what is free in a page being joined with nothing', (cause, map, requested, needed) => {
    expect(causeOf(mapOf(map), requested, needed, { largestBlockBytes: 128 })).toBe(cause);
  });

  it.each<[Cause, string]>([
    ['region', 'h40 u60 b8 | h40 u60 b8'],
    ['fragmented', '[ b8 u16 h16 ] h40 b8 u64 h32 b8 | h40 u60 b8'],
    ['exhausted', 'h20 u60 b8 | h20 u60 b8'],
  ])('is %s for %s, where only the ends of regions part memory', (cause, map) => {
    const pieces = mapOf(map);
    const regionStarts = [pieces[0]!.address, pieces.find(({ address }) => address > 0x2000_8000)!.address];
    expect(causeOf(pieces, 56, 64, { largestBlockBytes: 128, regionStarts })).toBe(cause);
  });

  it.each<[Cause, string, number]>([
    ['class-empty', '[ b8 u16 h16 h16 h16 ] u64', 64],
    ['class-empty', '[ b8 u16 h16 ] h32 h16 u64', 64],
    ['class-empty', '[ b8 u16 h16 ] h24 u64 h24', 64],
    ['exhausted', '[ b8 u16 h16 ] u64 h24', 64],
    ['too-large', '[ b8 u16 h16 ] h24 u64 h24', 129],
  ])('is %s for %s where its class takes pages of %i bytes', (cause, map, askedPageBytes) => {
    expect(causeOf(mapOf(map), 40, 48, { largestBlockBytes: 128, askedPageBytes })).toBe(cause);
  });
});
