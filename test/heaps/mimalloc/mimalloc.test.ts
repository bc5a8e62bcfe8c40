import { describe, expect, it } from 'vitest';
import type { HeapOptions } from '../../../src/heaps/definition.js';
import { AN_INTERRUPT, Corruption } from '../../../src/heaps/heap.js';
import { faultOf, piecesOf } from '../device.js';
import { type Device, device, holesOf, ORIGIN, ofKind, several } from './mimalloc-device.js';

describe('blocks', () => {
  it('of a class lie side by side in the page that is opened last, from the top of the arena', () => {
    const given = device();
    const addresses = several(given, 17, 16);
    const steps = addresses.slice(1).map((address, index) => address - addresses[index]!);
    expect(steps.slice(0, 15).every((step) => step === 16)).toBe(true);
    expect(addresses.map(given.pageOf)).toEqual([
      ...Array(16).fill(given.plan.pages - 1),
      given.plan.pages - 2,
    ]);
  });

  it('that need more than half a page are runs of pages, from below', () => {
    const given = device();
    expect([300, 129, 600].map((bytes) => given.pageOf(given.heap.malloc(bytes)))).toEqual([0, 2, 3]);
    expect([129, 256, 257].map((bytes) => given.heap.blockBytesFor(bytes))).toEqual([256, 256, 512]);
  });

  it('are taken up again only when the page comes to its end', () => {
    const given = device();
    const [first] = several(given, 3, 16);
    given.heap.free(first!);
    const next = several(given, 13, 16);
    expect(next).not.toContain(first);
    expect(given.heap.malloc(16)).toBe(first);
  });

  it('of 0 bytes are of the smallest class', () => {
    const { heap } = device();
    expect(heap.malloc(0)).not.toBe(0);
    expect(ofKind(piecesOf(heap), 'used').map(({ bytes }) => bytes)).toEqual([8]);
  });

  it('grow and shrink where they stand, unless more than half of them would be unused', () => {
    const { heap } = device();
    const small = heap.malloc(50);
    const large = heap.malloc(600);
    expect([56, 28, 57, 27].map((bytes) => heap.resize(small, bytes))).toEqual([true, true, false, false]);
    expect([768, 384, 769, 383].map((bytes) => heap.resize(large, bytes))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('come from a larger class rather than not at all', () => {
    const used = (given: Device) => {
      several(given, 1, 128);
      while (given.heap.malloc(200) !== 0);
      return given.heap.blockBytesFor(8) === 8 && given.heap.malloc(8) !== 0;
    };
    expect(used(device())).toBe(true);
    expect(used(device({ largerClass: false }))).toBe(false);
  });
});

describe('an empty page', () => {
  it('is given back at once if its class has another', () => {
    const given = device();
    const blocks = several(given, 17, 16);
    for (const block of blocks.slice(0, 16)) given.heap.free(block);
    expect(holesOf(given).at(-1)!.bytes).toBe(256);
  });

  it('is kept for 16 generic calls if it is the only one', () => {
    const given = device();
    given.heap.free(given.heap.malloc(16));
    const isKept = () => ofKind(piecesOf(given.heap), 'hole').some(({ bytes }) => bytes === 16);
    for (let call = 0; call < 15; call++) given.heap.free(given.heap.malloc(200));
    expect(isKept()).toBe(true);
    given.heap.free(given.heap.malloc(200));
    expect(isKept()).toBe(false);
  });

  it('is given back when it stands in the way', () => {
    const given = device();
    const blocks = several(given, 12, 100);
    for (const block of blocks) given.heap.free(block);
    expect(holesOf(given).length).toBeGreaterThan(1);
    expect(given.heap.malloc(given.heap.largestBlockBytes())).not.toBe(0);
  });
});

describe('the heartbeat', () => {
  it('comes with every generic call, and with none other', () => {
    const { heap } = device();
    const beats: [boolean, number][] = [];
    heap.deferral.client = (force, heartbeat) => beats.push([force, heartbeat]);
    for (let call = 0; call < 33; call++) heap.malloc(16);
    expect(beats).toEqual([
      [false, 1],
      [false, 2],
      [false, 3],
    ]);
  });

  it('is forced before a request fails, and what is freed then serves it', () => {
    const { heap } = device();
    const kept = heap.malloc(1500);
    const forces: boolean[] = [];
    heap.deferral.client = (force) => {
      forces.push(force);
      if (force && forces.length === 2) heap.free(kept);
    };
    expect(heap.malloc(3000)).not.toBe(0);
    expect(heap.malloc(3000)).toBe(0);
    expect(forces).toEqual([false, true, false, true]);
  });

  it('is not forced for what the empty arena could not serve', () => {
    const { heap } = device();
    let beats = 0;
    heap.deferral.client = () => beats++;
    expect([4096, 2 ** 32 - 1].map((bytes) => heap.malloc(bytes))).toEqual([0, 0]);
    expect(beats).toBe(0);
  });

  it("does not call a client that is at work, and its calls are not the malloc's", () => {
    const { heap } = device();
    let depth = 0;
    let deepest = 0;
    heap.deferral.client = () => {
      deepest = Math.max(deepest, ++depth);
      for (let call = 0; call < 20; call++) heap.malloc(40);
      depth--;
    };
    heap.malloc(16);
    expect(deepest).toBe(1);
    // Blocks of 16 bytes that were linked and a word of the bitmap, nothing for those of 40.
    expect(heap.lastCall.insertSteps).toBe(17);
  });
});

describe('tasks', () => {
  it("have pages of their own, and the heap that knows them is a block of main()'s", () => {
    const given = device();
    const addresses = [1, 2, 1, 2, 0].map((task) => given.as(task).malloc(16));
    const [one, two, oneAgain, twoAgain, main] = addresses.map(given.pageOf);
    expect([oneAgain, twoAgain]).toEqual([one, two]);
    expect(new Set([one, two, main]).size).toBe(3);
    const inside = ofKind(piecesOf(given.heap), 'bookkeeping').filter(
      ({ address }) => address >= given.plan.base && address < given.plan.base + 256 * given.plan.pages,
    );
    expect(inside).toHaveLength(3);
  });

  it('share one heap if they are told to, or if there are more of them than slots', () => {
    const shared = device({ heaps: 'shared' });
    expect(new Set([0, 1, 2].map((task) => shared.pageOf(shared.as(task).malloc(16)))).size).toBe(1);
    const { as, pageOf } = device({ tasks: 2 });
    const pages = [0, 1, 2, 3, 4].map((task) => pageOf(as(task).malloc(16)));
    expect(pages.slice(3)).toEqual([pages[0], pages[0]]);
    expect(new Set(pages.slice(0, 3)).size).toBe(3);
  });

  it('get the block back that another one freed when their page comes to its end', () => {
    const { as } = device();
    const first = as(1).malloc(16);
    for (let block = 1; block < 16; block++) as(1).malloc(16);
    as(2).free(first);
    expect(as(1).malloc(16)).toBe(first);
  });

  it('hear of a block of a full page that an interrupt freed at the next heartbeat', () => {
    const { as, heap } = device();
    const blocks = Array.from({ length: 33 }, () => as(1).malloc(16));
    as(AN_INTERRUPT).free(blocks[3]!);
    expect(heap.lastCall.path).not.toBe(0);
    for (let block = 33; block < 48; block++) as(1).malloc(16);
    expect(as(1).malloc(16)).toBe(blocks[3]);
  });

  it("use the pages of main()'s heap when there is no other", () => {
    const given = device({ largerClass: false });
    given.as(0).malloc(16);
    while (given.as(1).malloc(200) !== 0);
    const last = given.as(2).malloc(16);
    expect(last).not.toBe(0);
    expect(given.pageOf(last)).toBe(given.plan.pages - 1);
  });

  it("leave their pages to main()'s heap when they are deleted; idle sees to that, some pages at a time", () => {
    const given = device({ pagesPerCall: 2 });
    const { as, heap, world } = given;
    const kept = as(1).malloc(16);
    const gone = Array.from({ length: 40 }, () => as(1).malloc(24));
    as(2).free(gone.pop()!);
    for (const block of gone.splice(0)) as(1).free(block);
    world.task = 3;
    heap.taskDeleted(1);
    let portions = 0;
    for (; heap.idleWork.due(); portions++) {
      heap.idleWork.run();
      heap.check();
    }
    expect(portions).toBeGreaterThanOrEqual(given.plan.pages / 2);
    // Whoever comes frees into the page as into his own: nothing is remote any more.
    as(2).free(kept);
    expect(heap.lastCall.path & 1).toBe(0);
    expect(as(0).malloc(heap.largestBlockBytes())).not.toBe(0);
  });

  it('are told apart from interrupts, which have no heap', () => {
    expect(faultOf(() => device().as(AN_INTERRUPT).malloc(16))).toBe('assertion');
    expect(device({ asserts: false }).as(AN_INTERRUPT).malloc(16)).toBe(0);
  });
});

describe('a free page', () => {
  /** A page that was full of 0x55, free since tick 0. */
  function freed(reset: string) {
    const given = device({ reset, resetDelay: 10 });
    const address = given.heap.malloc(256);
    given.memory.fill(address, 256, 0x55);
    given.heap.free(address);
    return { ...given, address };
  }
  const firstByte = ({ memory, address }: ReturnType<typeof freed>) => memory.image(address + 4, 1)[0];

  it('is left alone by default', () => {
    const given = freed('none');
    given.world.tick = 100;
    expect(given.heap.idleWork.due()).toBe(false);
    expect(given.heap.pageMemory()).toBeUndefined();
  });

  it.each([
    ['madv_free', 0x55],
    ['madv_dontneed', 0],
  ])('is reset by idle after its time: %s', (reset, byte) => {
    const given = freed(reset);
    given.world.tick = 9;
    expect(given.heap.idleWork.due()).toBe(false);
    given.world.tick = 10;
    expect(given.heap.idleWork.due()).toBe(true);
    expect([given.heap.pageMemory()?.resetBytes, firstByte(given)]).toEqual([0, 0x55]);
    given.heap.idleWork.run();
    expect([given.heap.pageMemory()?.resetBytes, firstByte(given)]).toEqual([256, byte]);
    expect(given.heap.idleWork.due()).toBe(false);
    given.heap.check();
  });

  it('is reset by a heartbeat if idle has no time, and not at all if it is used again', () => {
    const given = freed('madv_free');
    given.world.tick = 20;
    given.heap.malloc(16);
    expect(given.heap.pageMemory()?.resetBytes).toBe(256);
    const again = freed('madv_free');
    again.heap.malloc(256);
    again.world.tick = 20;
    expect(again.heap.idleWork.due()).toBe(false);
    expect(again.heap.pageMemory()?.resetBytes).toBe(0);
  });
});

describe('classes', () => {
  it('say which one was asked, and where the room is instead', () => {
    const given = device({ largerClass: false });
    const small = several(given, 16, 16);
    while (given.heap.malloc(200) !== 0);
    for (const block of small.slice(1)) given.heap.free(block);
    expect(given.heap.malloc(50)).toBe(0);
    const asked = given.heap.classes().filter((one) => one.asked);
    expect(asked).toMatchObject([{ objectBytes: 56, pages: 0, pageBytes: 256 }]);
    const room = given.heap.classes().filter((one) => one.freeObjects > 0);
    expect(room).toMatchObject([
      { objectBytes: 16, pages: 1, liveObjects: 1, freeObjects: 15, freeBytes: 240 },
    ]);
  });
});

describe('misuse', () => {
  const misuses: [what: string, free: (given: Device, block: number, large: number) => void][] = [
    ['a second free', ({ heap }, block) => twice(() => heap.free(block))],
    [
      'a second free of a block that another task freed first',
      ({ as }, block) => {
        as(2).free(block);
        as(0).free(block);
      },
    ],
    ['a second free of a large block', ({ heap }, _block, large) => twice(() => heap.free(large))],
    ['an address inside a block', ({ heap }, block) => heap.free(block + 8)],
    ['an address inside a large block', ({ heap }, _block, large) => heap.free(large + 256)],
    ['a block that was never handed out', ({ heap }, block) => heap.free(block + 24 * 9)],
    ['an address below the pages', ({ heap, plan }) => heap.free(plan.table)],
    ['an address behind the arena', ({ heap }) => heap.free(ORIGIN + 0x10_0000)],
  ];
  const twice = (action: () => void) => {
    action();
    action();
  };
  /** Two pages of 24-byte blocks, and a large block. */
  function filled(options: HeapOptions) {
    const given = device(options);
    const [block] = several(given, 3, 24);
    return { given, block: block!, large: given.heap.malloc(500) };
  }

  it.each(misuses)('%s is asserted', (_what, free) => {
    const { given, block, large } = filled({});
    expect(faultOf(() => free(given, block, large))).toBe('assertion');
  });

  it.each(misuses)('%s corrupts the heap or crashes without asserts', (_what, free) => {
    const { given, block, large } = filled({ asserts: false });
    const fault = faultOf(() => free(given, block, large));
    if (fault !== undefined) expect(['unmapped', 'unaligned']).toContain(fault);
    else expect(() => given.heap.check()).toThrow(Corruption);
  });

  it('a live block that only looks free is freed', () => {
    const { heap, memory } = device();
    const [one, two] = [heap.malloc(24), heap.malloc(24)];
    // Zeroed, or with a small number, it could be the end of a list.
    memory.fill(one, 24, 0);
    memory.storeWord(two, 2);
    heap.free(one);
    heap.free(two);
    heap.check();
    expect(ofKind(piecesOf(heap), 'used')).toEqual([]);
  });

  it('an overflow into a free block is found by check, or by malloc as an address that is none', () => {
    const given = device();
    const block = given.heap.malloc(24);
    given.memory.storeHalf(block + 24, 0x7777);
    expect(() => given.heap.check()).toThrow(Corruption);
    given.heap.malloc(24);
    expect(faultOf(() => given.heap.malloc(24))).toBe('unmapped');
  });
});
