/**
 * The RAM of the virtual MCU: real bytes, little-endian, in one or more regions.
 *
 * Every load and store is checked (inside a region, words 4-aligned) and counted. Heaps spend most of their
 * time walking lists in here, so the word access is kept to one check: the address is rotated right by two,
 * which makes a word index of it and moves the two alignment bits to the top, where they push the index out
 * of range. Out of range and unaligned are then the same test, for a load the array's own.
 *
 * Unaligned words are refused on every core, as a Cortex-M0 does, though an M3 would load them: no heap here
 * makes such an access unless its pointers are broken.
 *
 * The rotation keeps 32 bits: a word's address is taken modulo 2^32, which is how a heap's sums of addresses
 * come out on the chip. A test for more would make list walks a third slower. Bytes and ranges, with which
 * scripts get at RAM (fill, overflow, calloc), are compared as the numbers they are: 2^32 and above is a fault.
 */

import { Fault, hex } from './fault.js';

/** A range of RAM. `origin` and `bytes` are multiples of 4; `bytes` > 0; it ends at 2^32 at the latest. */
export interface Region {
  readonly name: string;
  readonly origin: number;
  readonly bytes: number;
}

if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) {
  throw new Error('heaplab needs a little-endian host: simulated words share memory with simulated bytes');
}

/** All of a memory at one moment, to come back to. */
export interface MemoryState {
  readonly banks: readonly Uint32Array[];
  readonly loads: number;
  readonly stores: number;
}

/** One region's storage. */
class Bank {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;

  constructor(readonly region: Region) {
    if (region.origin % 4 !== 0 || region.bytes % 4 !== 0 || region.bytes <= 0) {
      throw new RangeError(`region ${region.name}: origin and size must be multiples of 4`);
    }
    if (region.origin < 0 || region.origin + region.bytes > 2 ** 32) {
      throw new RangeError(`region ${region.name}: not all of it has an address of 32 bits`);
    }
    this.words = new Uint32Array(region.bytes / 4);
    this.bytes = new Uint8Array(this.words.buffer);
  }

  contains(address: number, bytes: number): boolean {
    const { origin, bytes: size } = this.region;
    return bytes >= 0 && address >= origin && address + bytes <= origin + size;
  }
}

export class Memory {
  /**
   * Number of loads and of stores so far, modulo 2^32 (as int32: a small integer stays in the object, a
   * larger number would be boxed at every access). Take differences with {@link accessesSince}.
   */
  loads = 0;
  stores = 0;
  /** How often {@link restore} was called: what was counted beside the memory has to be counted anew since then. */
  restorations = 0;

  private readonly banks: readonly Bank[];
  // The first region, where nearly all accesses go, without a search.
  private readonly words: Uint32Array;
  private readonly bytes: Uint8Array;
  private readonly origin: number;
  private readonly firstIndex: number;
  private readonly wordCount: number;
  private readonly byteCount: number;

  constructor(regions: readonly Region[]) {
    const [first] = regions;
    if (first === undefined) throw new RangeError('a memory needs at least one region');
    this.banks = regions.map((region) => new Bank(region));
    this.words = this.banks[0]!.words;
    this.bytes = this.banks[0]!.bytes;
    this.origin = first.origin;
    this.firstIndex = first.origin >>> 2;
    this.wordCount = this.words.length;
    this.byteCount = this.bytes.length;
  }

  get regions(): readonly Region[] {
    return this.banks.map((bank) => bank.region);
  }

  /** The word at `address` modulo 2^32, 0 to 2^32-1. @throws Fault when unaligned or outside every region */
  loadWord(address: number): number {
    this.loads = (this.loads + 1) | 0;
    const word = this.words[((address >>> 2) | (address << 30)) - this.firstIndex];
    return word === undefined ? this.loadElsewhere(address >>> 0) : word;
  }

  /** Stores the low 32 bits of `value` at `address` modulo 2^32. @throws Fault when unaligned or outside every region */
  storeWord(address: number, value: number): void {
    this.stores = (this.stores + 1) | 0;
    const index = ((address >>> 2) | (address << 30)) - this.firstIndex;
    if (index >= 0 && index < this.wordCount) this.words[index] = value;
    else this.storeElsewhere(address >>> 0, value);
  }

  /** The two bytes at `address`, 0 to 2^16-1. @throws Fault when odd or outside every region */
  loadHalf(address: number): number {
    this.loads = (this.loads + 1) | 0;
    const near = address - this.origin;
    if ((address & 1) === 0 && near >= 0 && near < this.byteCount) {
      return this.bytes[near]! | (this.bytes[near + 1]! << 8);
    }
    const bank = this.bankOfHalf(address);
    const offset = address - bank.region.origin;
    return bank.bytes[offset]! | (bank.bytes[offset + 1]! << 8);
  }

  /** Stores the low 16 bits of `value`. @throws Fault when odd or outside every region */
  storeHalf(address: number, value: number): void {
    this.stores = (this.stores + 1) | 0;
    const bank = this.bankOfHalf(address);
    const offset = address - bank.region.origin;
    bank.bytes[offset] = value;
    bank.bytes[offset + 1] = value >>> 8;
  }

  /**
   * Stores `value` if the word at `address` is `expected`, with nothing in between: a pair of LDREX and STREX, or a
   * short critical section on a core without. Whether it was stored. @throws Fault as {@link loadWord}
   */
  compareAndSwap(address: number, expected: number, value: number): boolean {
    if (this.loadWord(address) !== expected >>> 0) return false;
    this.storeWord(address, value);
    return true;
  }

  /** The byte at `address`. @throws Fault outside every region */
  loadByte(address: number): number {
    this.loads = (this.loads + 1) | 0;
    const offset = address - this.origin;
    if (offset >= 0 && offset < this.byteCount) return this.bytes[offset]!;
    const bank = this.bankOf(address, 1);
    return bank.bytes[address - bank.region.origin]!;
  }

  /** Stores the low 8 bits of `value`. @throws Fault outside every region */
  storeByte(address: number, value: number): void {
    this.stores = (this.stores + 1) | 0;
    const offset = address - this.origin;
    if (offset >= 0 && offset < this.byteCount) {
      this.bytes[offset] = value;
      return;
    }
    const bank = this.bankOf(address, 1);
    bank.bytes[address - bank.region.origin] = value;
  }

  /** `memset`: counted as one store per word begun. @throws Fault when a byte lies outside the region */
  fill(address: number, bytes: number, value: number): void {
    if (bytes === 0) return;
    const bank = this.bankOf(address, bytes);
    const offset = address - bank.region.origin;
    bank.bytes.fill(value, offset, offset + bytes);
    this.stores = (this.stores + wordsOf(bytes)) | 0;
  }

  /** `memmove`: counted as one load and one store per word begun. @throws Fault outside a region */
  copy(to: number, from: number, bytes: number): void {
    if (bytes === 0) return;
    const source = this.bankOf(from, bytes);
    const target = this.bankOf(to, bytes);
    const offset = from - source.region.origin;
    if (source === target) source.bytes.copyWithin(to - source.region.origin, offset, offset + bytes);
    else target.bytes.set(source.bytes.subarray(offset, offset + bytes), to - target.region.origin);
    this.loads = (this.loads + wordsOf(bytes)) | 0;
    this.stores = (this.stores + wordsOf(bytes)) | 0;
  }

  /** Whether all of `[address, address + bytes)` lies in one region. Not an access. */
  contains(address: number, bytes: number): boolean {
    return this.banks.some((bank) => bank.contains(address, bytes));
  }

  /** The word at `address`, as a debugger would read it. Not an access. */
  peekWord(address: number): number {
    const bank = this.bankOfWord(address);
    return bank.words[(address - bank.region.origin) / 4]!;
  }

  /** A copy of the bytes of `[address, address + bytes)`, as a debugger would read them. Not an access. */
  image(address: number, bytes: number): Uint8Array {
    const bank = this.bankOf(address, bytes);
    const offset = address - bank.region.origin;
    return bank.bytes.slice(offset, offset + bytes);
  }

  /** Not an access. */
  save(): MemoryState {
    return { banks: this.banks.map(({ words }) => words.slice()), loads: this.loads, stores: this.stores };
  }

  /** Makes everything as it was, counters too. `state`: of this memory. */
  restore(state: MemoryState): void {
    this.banks.forEach(({ words }, index) => void words.set(state.banks[index]!));
    this.loads = state.loads;
    this.stores = state.stores;
    this.restorations++;
  }

  private loadElsewhere(address: number): number {
    return this.peekWord(address);
  }

  private storeElsewhere(address: number, value: number): void {
    const bank = this.bankOfWord(address);
    bank.words[(address - bank.region.origin) / 4] = value;
  }

  private bankOfWord(address: number): Bank {
    if (address % 4 !== 0) throw new Fault('unaligned', address, 'a word must lie at a multiple of 4');
    return this.bankOf(address, 4);
  }

  private bankOfHalf(address: number): Bank {
    if (address % 2 !== 0) throw new Fault('unaligned', address, 'a halfword must lie at a multiple of 2');
    return this.bankOf(address, 2);
  }

  private bankOf(address: number, bytes: number): Bank {
    for (const bank of this.banks) if (bank.contains(address, bytes)) return bank;
    const regions = this.banks.map(
      ({ region }) => `${region.name} ${hex(region.origin)}..${hex(region.origin + region.bytes - 1)}`,
    );
    const what = bytes === 1 ? '1 byte there is' : `${bytes} bytes there are`;
    throw new Fault('unmapped', address, `${what} outside RAM (${regions.join(', ')})`);
  }
}

/** How many accesses lie between two readings of a wrapping counter. */
export function accessesSince(before: number, now: number): number {
  return (now - before) >>> 0;
}

function wordsOf(bytes: number): number {
  return (bytes + 3) >>> 2;
}
