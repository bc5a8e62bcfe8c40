/** What can be wrong with YAML before anybody asks what the file means. */

import { type Document, isNode, isScalar, type Node, visit, type YAMLError } from 'yaml';
import { tooDeepAt } from './yaml-depth.js';

/** Each one is looked up in the whole document. */
const MAXIMUM_ALIASES = 1000;

/** Offsets into the text, the end not included. */
export type Range = readonly [start: number, end: number];

export interface YamlProblem {
  readonly message: string;
  readonly expected?: string;
  readonly range: Range;
  /** Whether what the parser made of the text is not worth looking at. */
  readonly fatal: boolean;
}

/** All that is wrong with a document. */
export function yamlProblems(document: Document): YamlProblem[] {
  const problems = syntaxProblems(document);
  return problems.some(({ fatal }) => fatal) ? problems : [...problems, ...structureProblems(document)];
}

/** What there is to say about a text that is not worth parsing: see {@link tooDeepAt}. */
export function depthProblem(text: string): YamlProblem | undefined {
  const offset = tooDeepAt(text);
  if (offset === undefined) return undefined;
  return { message: 'lists or maps are nested too deeply', range: [offset, offset + 1], fatal: true };
}

/** A node's place in the text. */
export function rangeOf(node: unknown): Range | undefined {
  return isNode(node) && node.range ? [node.range[0], node.range[1]] : undefined;
}

/** The parser's errors and warnings, one per place: a mistake often makes it stumble there again. */
function syntaxProblems(document: Document): YamlProblem[] {
  const errors = [...document.errors, ...document.warnings];
  const places = new Map(errors.toReversed().map((error) => [error.pos[0], error]));
  return [...places.values()].toReversed().map(inOurWords);
}

function inOurWords(error: YAMLError): YamlProblem {
  const range = error.pos;
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return { range, message: 'this key appears twice in its map', expected: 'each key once', fatal: false };
    case 'MULTIPLE_DOCS':
      return { range, message: 'a second document begins here', expected: 'one per file', fatal: true };
    case 'TAG_RESOLVE_FAILED':
      return { range, message: 'unknown YAML tag', expected: 'a value without a tag', fatal: false };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return {
        range,
        message: 'another key begins inside this value',
        expected: 'an inner map on lines of its own, indented, or text in quotes',
        fatal: true,
      };
    default:
      return { range, message: sentence(error.message), fatal: true };
  }
}

/** Why a document that parsed still has no value. The library has no error class for these. */
export function valueProblem(error: Error): YamlProblem {
  const isBomb = error.message.startsWith('Excessive alias count');
  const message = isBomb
    ? 'aliases of aliases make this file far larger than it looks'
    : sentence(error.message);
  return { message, range: [0, 0], fatal: true };
}

/** What the grammar allows and we do not: it would hang or crash whoever reads the value, or be lost. */
function structureProblems(document: Document): YamlProblem[] {
  const problems: YamlProblem[] = [];
  const add = (node: unknown, message: string, expected?: string) => {
    problems.push({ message, expected, range: rangeOf(node) ?? [0, 0], fatal: true });
  };
  let aliases = 0;
  visit(document, {
    Pair(_key, { key }) {
      const problem = keyProblem(key);
      if (problem !== undefined) add(key, ...problem);
    },
    Alias(_key, alias, path) {
      aliases++;
      if (aliases > MAXIMUM_ALIASES) {
        add(alias, `there are more than ${MAXIMUM_ALIASES} aliases`);
        return visit.BREAK;
      }
      const { source } = alias;
      const target = alias.resolve(document);
      if (target === undefined) {
        add(alias, `there is no anchor "${source}" before this alias`, `&${source} at a value further up`);
      } else if (path.includes(target as Node)) {
        add(alias, `the alias "${source}" lies inside what it stands for`);
      }
      return undefined;
    },
  });
  return problems;
}

function keyProblem(key: unknown): [message: string, expected: string] | undefined {
  if (!isScalar(key)) return ['a list or map cannot be a key', 'a word'];
  if (key.value === null) return ['there is no key before this colon', 'a word'];
  const word = String(key.value);
  // Every JavaScript object seems to have these keys already, so that checks would let them pass unseen.
  return word in {} ? [`the word "${word}" cannot be a key`, 'another word'] : undefined;
}

/** Our messages begin small and have no full stop. */
function sentence(text: string): string {
  const trimmed = text.replace(/\.$/, '');
  return trimmed.charAt(0).toLowerCase() + trimmed.slice(1);
}
