/**
 * A YAML file as plain data that still knows where everything stood, so that whoever finds a mistake later
 * can point at it.
 */

import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from 'yaml';
import type { Position, Problem } from './problem.js';
import { readText } from './read-text.js';
import { depthProblem, type Range, rangeOf, valueProblem, yamlProblems } from './yaml-problems.js';

/** The way from a file's root to a value: keys of maps and indices of lists. */
export type Path = readonly (string | number)[];

/** A problem with the part of a file at `path`; `at` says whether its key or its value is to blame. */
export interface ProblemAt extends Omit<Problem, 'file' | 'start' | 'end' | 'source'> {
  readonly path: Path;
  readonly at?: 'key' | 'value';
}

/** How often aliases may repeat what they stand for, aliases in it multiplied: too seldom for a bomb. */
const MAXIMUM_REPETITION = 100;

export class YamlFile {
  /** What the text itself says wrong: syntax, keys that appear twice, aliases that lead nowhere. */
  readonly problems: readonly Problem[];
  /** Plain maps, lists and scalars. Undefined where the text cannot be understood; null for an empty file. */
  readonly value: unknown;

  private readonly document: Document;
  private readonly lines = new LineCounter();

  /** `file`: the name under which problems are reported. Never throws for what the text says. */
  constructor(
    readonly file: string,
    readonly text: string,
  ) {
    this.lines.addNewLine(0);
    for (const { index } of text.matchAll(/\n/g)) this.lines.addNewLine(index + 1);
    const tooDeep = depthProblem(text);
    // Warnings and error frames are the library's; ours have one form wherever they come from.
    this.document = parseDocument(tooDeep === undefined ? text : '', {
      prettyErrors: false,
      logLevel: 'error',
      merge: true,
    });
    const found = tooDeep === undefined ? yamlProblems(this.document) : [tooDeep];
    if (!found.some((problem) => problem.fatal)) {
      try {
        this.value = this.document.toJS({ maxAliasCount: MAXIMUM_REPETITION });
      } catch (error) {
        found.push(valueProblem(error as Error));
      }
    }
    this.problems = found.map(({ message, expected, range }) =>
      this.located({ code: 'syntax', message, expected }, range),
    );
  }

  /** @throws UserError with code `unreadable-file` */
  static read(path: string): YamlFile {
    return new YamlFile(path, readText(path));
  }

  /** Where the value at `path` begins; where the nearest value above it does if there is none. */
  position(path: Path): Position {
    return this.positionAt(this.rangeAt(path, 'value')[0]);
  }

  /** Where the key of the value at `path` begins; for an item of a list, the item. */
  keyPosition(path: Path): Position {
    return this.positionAt(this.rangeAt(path, 'key')[0]);
  }

  /** Whether the file itself says something at `path`. */
  has(path: Path): boolean {
    return path.length === 0 || this.find(path) !== undefined;
  }

  /** Completes a problem with file, position and text. */
  problem({ path, at = 'value', ...rest }: ProblemAt): Problem {
    return this.located(rest, this.rangeAt(path, at));
  }

  private located(problem: Problem, [start, end]: Range): Problem {
    // A range over many lines says less than its first line: what is wrong with a whole map is told there.
    const lineEnd = this.text.slice(start, end).search(/\r?\n/);
    const lastOffset = lineEnd < 0 ? end : start + lineEnd;
    return {
      ...problem,
      file: this.file,
      start: this.positionAt(start),
      end: this.positionAt(lastOffset),
      source: this.text,
    };
  }

  private positionAt(offset: number): Position {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  private rangeAt(path: Path, at: 'key' | 'value'): Range {
    for (let length = path.length; length > 0; length--) {
      const found = this.find(path.slice(0, length));
      if (found === undefined) continue;
      const wantsKey = at === 'key' && length === path.length;
      const range = (wantsKey ? rangeOf(found.key) : undefined) ?? rangeOf(found.value) ?? rangeOf(found.key);
      if (range !== undefined) return range;
    }
    return rangeOf(this.document.contents) ?? [0, 0];
  }

  private find(path: Path): { key: unknown; value: unknown } | undefined {
    let found: { key: unknown; value: unknown } = { key: undefined, value: this.document.contents };
    for (const step of path) {
      const parent = this.resolved(found.value);
      if (isSeq(parent) && typeof step === 'number' && step < parent.items.length) {
        found = { key: undefined, value: parent.items[step] };
      } else {
        const pair = this.pairOf(parent, String(step));
        if (pair === undefined) return undefined;
        found = pair;
      }
    }
    return found;
  }

  /** The pair of a map, or of a map that is merged into it. The last of several wins, as in the value. */
  private pairOf(node: unknown, key: string): Pair | undefined {
    if (!isMap(node)) return undefined;
    const own = node.items.findLast((pair) => keyOf(pair) === key);
    if (own !== undefined) return own;
    for (const merged of node.items.filter((pair) => keyOf(pair) === '<<')) {
      const source = this.resolved(merged.value);
      const sources = isSeq(source) ? source.items : [source];
      for (const item of sources) {
        const pair = this.pairOf(this.resolved(item), key);
        if (pair !== undefined) return pair;
      }
    }
    return undefined;
  }

  private resolved(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.document) : node;
  }
}

function keyOf({ key }: Pair): string | undefined {
  if (!isScalar(key)) return undefined;
  // The parser makes a symbol of the merge key `<<`.
  return typeof key.value === 'symbol' ? key.value.description : String(key.value);
}
