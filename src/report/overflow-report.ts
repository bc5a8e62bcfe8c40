/** What comes of a firmware that writes behind its blocks, heap by heap: for terminals and as Markdown. */

import { groupDigits } from '../input/index.js';
import type { Damage } from '../inspect/damage.js';
import type { Overwritten } from '../inspect/overwritten.js';
import { MAXIMUM_STUDIED, type Notice, type OverflowStudy, type OverflowTrial } from '../studies/overflow.js';
import { item, paragraph, stack, title } from './layout.js';
import type { Paint } from './paint.js';
import { bytes, counted, place } from './phrases.js';
import { type Column, table } from './tables.js';

const TITLE = 'Written behind a block: what it hits, and who notices';
const NOTHING = '–';

const COLUMNS: readonly Column[] = [
  { head: 'heap', minimum: 17, overflow: 'wrap' },
  { head: 'hits', minimum: 12, overflow: 'wrap' },
  { head: 'noticed by', minimum: 10, overflow: 'wrap' },
  { head: 'after', minimum: 8, overflow: 'wrap' },
  { head: 'check()', minimum: 7, overflow: 'wrap' },
  { head: 'in the end', minimum: 12, overflow: 'wrap' },
];

export function overflowReport(study: OverflowStudy, paint: Paint): string {
  return stack([
    title(TITLE, paint),
    paragraph(introduction(study), paint),
    table(COLUMNS, study.trials.map(cells), paint),
    stories(study)
      .map((story) => item(story, paint))
      .join('\n'),
  ]);
}

export function overflowMarkdown(study: OverflowStudy): string {
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  return [
    `### ${TITLE}`,
    '',
    introduction(study),
    '',
    line(COLUMNS.map(({ head }) => head)),
    line(COLUMNS.map(() => '---')),
    ...study.trials.map((trial) => line(cells(trial))),
    '',
    ...stories(study).map((story) => `- ${story}`),
  ].join('\n');
}

function introduction({ file, trials }: OverflowStudy): string {
  const firsts = trials.flatMap(({ first }) => (first === undefined ? [] : [first]));
  const [one] = firsts;
  if (one === undefined) return 'No heap comes to the overflow.';
  const ticks = firsts.map(({ tick }) => tick);
  const [least, most] = [Math.min(...ticks), Math.max(...ticks)];
  const when =
    least === most
      ? `at tick ${groupDigits(least)}`
      : `at tick ${groupDigits(least)} to ${groupDigits(most)}`;
  const at = place(file, one.at);
  const where = at === undefined ? '' : ` (${at})`;
  return (
    `${one.task === '-' ? 'main()' : `Task ${one.task}`} writes ${bytes(one.bytes)} behind the ${bytes(one.requested)} of ` +
    `"${one.label}"${where}, first ${when}. Each heap was tried as it is, with check() after every call, and ` +
    'without the overflows.'
  );
}

function cells(trial: OverflowTrial): string[] {
  const { note, overwritten, noticed, checked } = trial;
  if (note !== undefined) return [nameOf(trial), NOTHING, NOTHING, NOTHING, NOTHING, 'not tried'];
  const nobody = isHarmless(trial) ? NOTHING : 'nobody';
  return [
    nameOf(trial),
    someOf([...new Set(overwritten.map(shortThing))], 1),
    noticed === undefined
      ? nobody
      : `${noticed.by}${noticed.call === undefined ? '' : ` in ${noticed.call.kind}`}`,
    noticed === undefined ? NOTHING : laterText(noticed),
    checked === undefined ? NOTHING : laterText(checked),
    endTexts(trial)[0] ?? 'nothing broken',
  ];
}

/** The first `most`, and how many more. */
function someOf(texts: readonly string[], most: number): string {
  if (texts.length === 0) return 'nothing';
  const shown = texts.slice(0, most).join(', ');
  return texts.length > most ? `${shown} and ${texts.length - most} more` : shown;
}

function isHarmless({ overwritten }: OverflowTrial): boolean {
  return overwritten.every(({ what }) => what === 'unused');
}

/** `heap_4, protector, no asserts`. */
function nameOf({ heap, options }: OverflowTrial): string {
  const own = Object.entries(options).map(([name, value]) =>
    typeof value === 'boolean' ? `${value ? '' : 'no '}${name}` : `${name}=${value}`,
  );
  return [heap, ...own].join(', ');
}

/** `own tag`, `block's next`, `hole's next`. */
function shortThing({ what, of, word }: Overwritten): string {
  if (what === 'outside' || what === 'unknown') return what;
  const whose = of === 'own block' ? 'own ' : of === undefined ? '' : `${of}'s `;
  if (what === 'contents') return `${whose}contents`;
  if (what === 'unused') return of === undefined ? 'alignment loss' : `${whose}${UNUSED[of]}`;
  return `${whose}${word ?? (of === undefined ? 'bookkeeping' : 'header')}`;
}

/** What nobody uses. */
const UNUSED = {
  'own block': 'rounding',
  block: 'rounding',
  hole: 'inside',
  slab: 'rest',
  page: 'rest',
} as const;

/** The same in a sentence: `its own word "tag"`. */
function thing({ what, of, word }: Overwritten): string {
  if (what === 'outside') return 'RAM outside the heap';
  if (what === 'unknown') return 'a heap that was broken by then';
  if (of === undefined) {
    if (what === 'unused') return 'bytes lost to alignment';
    return word === undefined ? "the heap's bookkeeping" : `the heap's ${word}`;
  }
  const whose = of === 'own block' ? 'its own' : of === 'block' ? "another block's" : `a ${of}'s`;
  if (what === 'contents') return `${whose} contents`;
  if (what === 'unused') return `${whose} ${UNUSED[of]}`;
  return word === undefined ? `${whose} header` : `${whose} word "${word}"`;
}

function laterText({ callsLater }: Notice): string {
  return callsLater === 0 ? 'at once' : counted(callsLater, 'call');
}

function endTexts(trial: OverflowTrial): string[] {
  return [...damageTexts(trial.damage), ...failureTexts(trial)];
}

function damageTexts(damage: Damage | undefined): string[] {
  if (damage === undefined) return [];
  const { walk, missing, lost, overlapping, spoilt, check } = damage;
  const texts: string[] = [];
  if (walk !== undefined) texts.push('the walk breaks off');
  if (missing.length > 0) {
    texts.push(
      `${counted(missing.length, 'live block')} ${walk === undefined ? 'gone' : 'behind the break'}`,
    );
  }
  if (lost.blocks > 0) texts.push(`${counted(lost.blocks, 'block')} of ${bytes(lost.bytes)} lost`);
  if (overlapping.length > 0) texts.push(`${counted(overlapping.length, 'pair')} of blocks overlap`);
  if (spoilt.length > 0) texts.push(`contents of ${counted(spoilt.length, 'block')} spoilt`);
  if (texts.length === 0 && check !== undefined) texts.push('heap broken');
  return texts;
}

function failureTexts({ outOfMemoryCount, outOfMemoryWithout }: OverflowTrial): string[] {
  const more = outOfMemoryCount - outOfMemoryWithout;
  return more > 0 ? [`${counted(more, 'request')} more ${more === 1 ? 'fails' : 'fail'}`] : [];
}

// --- in words ---------------------------------------------------------------------------------------------

/** A story for each heap; heaps to which the same happens share one. */
function stories({ file, trials }: OverflowStudy): string[] {
  const heaps = new Map<string, string[]>();
  for (const trial of trials) {
    const story = storyOf(trial, file);
    heaps.set(story, [...(heaps.get(story) ?? []), nameOf(trial)]);
  }
  return [...heaps].map(([story, names]) => `${names.join('; ')}: ${story}`);
}

function storyOf(trial: OverflowTrial, file: string): string {
  const { note, noticed, stopped, checked, damage } = trial;
  if (note !== undefined) return `${note}.`;
  const sentences = [`It hits ${hitsText(trial)}.`];
  if (noticed !== undefined) sentences.push(noticeText(noticed, file));
  if (stopped !== undefined) sentences.push(noticeText(stopped, file));
  if (isHarmless(trial)) {
    sentences.push('Nobody uses these bytes: there is nothing to notice.');
  } else {
    if (noticed === undefined) sentences.push('The firmware never notices.');
    sentences.push(checkedText(checked));
  }
  const ends = endTexts(trial);
  if (ends.length > 0) sentences.push(`In the end: ${ends.join(', ')}${named(damage)}.`);
  else if (noticed === undefined) sentences.push('In the end nothing is broken.');
  const { firstOutOfMemoryTick: tick } = trial;
  if (failureTexts(trial).length > 0 && tick !== undefined) {
    sentences.push(`The first request that would not have failed does so at tick ${groupDigits(tick)}.`);
  }
  return sentences.join(' ');
}

const MOST_THINGS = 4;

/** Each thing once, with the first block that it was of. */
function hitsText({ overwritten, overflows }: OverflowTrial): string {
  const studied = Math.min(overflows, MAXIMUM_STUDIED);
  const things = new Map<string, string>();
  for (const part of overwritten) {
    const times = studied === 1 ? '' : ` (${groupDigits(part.times)} of ${groupDigits(studied)} times)`;
    const whose = part.block === undefined ? '' : ` (${blockName(part.block)})`;
    if (!things.has(thing(part))) things.set(thing(part), `${thing(part)}${whose}${times}`);
  }
  return someOf([...things.values()], MOST_THINGS);
}

const NOTICED_BY: Readonly<Record<Notice['by'], string>> = {
  assert: 'An assert stops it',
  canary: 'The canary stops it',
  chip: 'The chip faults',
  'endless loop': 'The heap never comes back',
  check: 'check() finds it',
  verify: 'The firmware finds other contents',
};

function noticeText(notice: Notice, file: string): string {
  const { by, tick, call, callsLater, ticksLater, reason } = notice;
  const inCall = call === undefined ? '' : `, in ${call.kind} of ${blockName(call)}`;
  const at = place(file, notice.at);
  const where = at === undefined ? '' : ` (${at})`;
  const calls = callsLater === 0 ? 'before the next call' : `${counted(callsLater, 'call')} later`;
  const later = `${calls}, after ${counted(ticksLater, 'tick')}`;
  return `${NOTICED_BY[by]} at tick ${groupDigits(tick)}${inCall}${where}, ${later}: ${reason}.`;
}

function checkedText(checked: Notice | undefined): string {
  if (checked === undefined) return 'check() after every call finds nothing.';
  if (checked.by !== 'check') return `With check() after every call the same happens: ${checked.reason}.`;
  return `check() finds it ${checked.callsLater <= 1 ? 'after the next call' : `after ${laterText(checked)}`}: ${checked.reason}.`;
}

/** The first of the blocks that suffered most. */
function named(damage: Damage | undefined): string {
  const [pair] = damage?.overlapping ?? [];
  if (pair !== undefined) return ` (${pair.map(blockName).join(' and ')})`;
  const [spoilt] = damage?.spoilt ?? [];
  return spoilt === undefined ? '' : ` (first ${blockName(spoilt)})`;
}

function blockName({ label, owner }: { readonly label: string; readonly owner: string }): string {
  return `"${label}" of ${owner}`;
}
